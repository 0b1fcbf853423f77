# SPDX-License-Identifier: MIT
#
# kvmstat: the only makefile. `make help` lists what it can do.
#
#   V=1               show the commands
#   WERROR=-Werror    a warning ends the build, as it does in .ci/run
#   SAN=1             build with AddressSanitizer and UndefinedBehaviorSanitizer
#   WITH_BPF, WITH_LIBVIRT, WITH_NCURSES, WITH_ZSTD, WITH_COLLECTD, WITH_SNMP, WITH_SYSTEMD, WITH_TEMPLATES = auto (what this machine can build), 0 or 1
#   CFLAGS, CPPFLAGS, LDFLAGS, CC, CLANG, BPF_CFLAGS, PKG_CONFIG, PYTHON3
#   CROSS_COMPILE=s390x-linux-gnu-   build for another architecture
#   SYSROOT=          where that architecture's headers and libraries are, when not in the compiler's own places
#   OID_ROOT=1.3.6.1.4.1.8072.9999.9999.7619   where KVMSTAT-MIB hangs
#   DESTDIR, PREFIX and the directories below, for install

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
DATADIR    ?= $(PREFIX)/share
DOCDIR     ?= $(DATADIR)/doc/kvmstat
# collectd, snmpd's tools and systemd look in their own places; with a PREFIX of a user's own everything stays below it.
SYSTEM     := $(filter /usr /usr/local,$(PREFIX))
SYSCONFDIR ?= $(if $(SYSTEM),/etc,$(PREFIX)/etc)
STATEDIR   ?= $(if $(SYSTEM),/var/lib,$(PREFIX)/var/lib)/kvmstat
LIBDIR     := $(if $(SYSTEM),/usr/lib,$(PREFIX)/lib)
UNITDIR    ?= $(if $(SYSTEM),$(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null || echo /lib/systemd/system),$(LIBDIR)/systemd/system)
SYSUSERSDIR ?= $(LIBDIR)/sysusers.d
TMPFILESDIR ?= $(LIBDIR)/tmpfiles.d
PLUGINDIR  ?= $(if $(SYSTEM),$(firstword $(wildcard /usr/lib64/collectd) /usr/lib/collectd),$(LIBDIR)/collectd)
MIBDIR     ?= $(if $(SYSTEM),/usr,$(PREFIX))/share/snmp/mibs

OID_ROOT ?= 1.3.6.1.4.1.8072.9999.9999.7619

SYSROOT_FLAG := $(if $(SYSROOT),--sysroot=$(SYSROOT))
ifeq ($(origin CC),default)
CC = $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR = $(CROSS_COMPILE)ar
endif
NM         = $(CROSS_COMPILE)nm
CLANG     ?= clang
PYTHON3   ?= python3
PKG_CONFIG ?= $(if $(SYSROOT),env PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig:$(SYSROOT)/usr/lib64/pkgconfig pkg-config,$(CROSS_COMPILE)pkg-config)

TRIPLET := $(shell $(CC) -dumpmachine 2>/dev/null)
O       ?= build$(if $(CROSS_COMPILE),/$(patsubst %-,%,$(CROSS_COMPILE)))$(if $(filter 1,$(SAN)),/san)

ifneq ($(V),1)
Q   = @
say = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-8s %s\n' '$(1)' '$(2)';)
endif

# ---- what is compiled, and how --------------------------------------------------------------------------------

CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2
# Not without optimization, not beside a sanitizer, and not where the builder has decided.
FORTIFY  := $(if $(filter 1,$(SAN))$(filter -O0,$(CFLAGS))$(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN   := -fstack-protector-strong $(FORTIFY)
SANFLAGS := $(if $(filter 1,$(SAN)),-fsanitize=address -fsanitize=undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)

# The same bytes in whatever directory it is built.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.

ALL_CFLAGS  = -std=gnu11 $(SYSROOT_FLAG) $(PREFIX_MAP) $(CPPFLAGS) $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -fPIC -fvisibility=hidden -pthread -MMD -MP \
	-D_GNU_SOURCE -DWITH_BPF=$(WITH_BPF) -DWITH_LIBVIRT=$(WITH_LIBVIRT) -DWITH_ZSTD=$(WITH_ZSTD) -Icommon -I$(O)/gen $(EXTRA_CFLAGS)
ALL_LDFLAGS = $(SYSROOT_FLAG) $(PREFIX_MAP) $(CFLAGS) $(LDFLAGS) $(SANFLAGS) -pthread

BPF_ENDIAN := $(if $(filter s390x% powerpc-% ppc-% ppc64-% powerpc64-%,$(TRIPLET)),bpfeb,bpfel)

# Does a header exist for this compiler? $(call have,NAME,FLAGS)
have = $(shell printf '\043include <$(1)>\n' | $(CC) $(SYSROOT_FLAG) $(CPPFLAGS) $(2) -E - >/dev/null 2>&1 && echo yes)

# What each part needs; what is missing is named at the end of the build, or ends it where WITH_... = 1 asks for the part.
COLLECTD_FLAGS := -DHAVE_CONFIG_H -I$(SYSROOT)/usr/include/collectd
HAVE_BPF      := $(if $(shell command -v $(CLANG) 2>/dev/null),$(call have,bpf/libbpf.h))
HAVE_LIBVIRT  := $(call have,libvirt/libvirt.h)
HAVE_NCURSES  := $(call have,curses.h)
HAVE_ZSTD     := $(call have,zstd.h)
HAVE_COLLECTD := $(call have,collectd/core/daemon/collectd.h,$(COLLECTD_FLAGS))
HAVE_SNMP     := yes
HAVE_TEMPLATES := $(shell command -v $(PYTHON3) 2>/dev/null)
HAVE_SYSTEMD  := $(if $(wildcard /lib/systemd/system /usr/lib/systemd/system),yes)
NEED_BPF      := the source bpf, without which a locked-down host shows few counters: clang and libbpf's headers (Debian, Ubuntu: clang libbpf-dev; RHEL, SLES: clang libbpf-devel)
NEED_LIBVIRT  := the source libvirt: libvirt's headers (Debian, Ubuntu: libvirt-dev; RHEL, SLES: libvirt-devel)
NEED_NCURSES  := kvmstat top, the full screen: the headers of ncurses (Debian, Ubuntu: libncurses-dev; RHEL, SLES: ncurses-devel)
NEED_ZSTD     := the compression of kvmstat record: the headers of libzstd (Debian, Ubuntu: libzstd-dev; RHEL, SLES: libzstd-devel)
NEED_COLLECTD := kvmstat.so, the plugin: collectd's headers (Debian, Ubuntu: collectd-dev; SLES: collectd-devel; RHEL: those of collectd's source)
NEED_SYSTEMD  := the unit of kvmstat-agentx: a directory of systemd's units

NEED_TEMPLATES := the files of templates/ for Zabbix, Prometheus and others: python3 and its library (Debian, Ubuntu, RHEL, SLES: python3)
FEATURES := BPF LIBVIRT NCURSES ZSTD COLLECTD SNMP SYSTEMD TEMPLATES
$(foreach part,$(FEATURES),$(eval WITH_$(part) ?= auto)\
	$(if $(filter auto 0 1,$(WITH_$(part))),,$(error WITH_$(part)=$(WITH_$(part)): expected auto, 0 or 1))\
	$(if $(filter 1,$(WITH_$(part))),$(if $(HAVE_$(part)),,$(eval WANTED += $(part))))\
	$(eval override WITH_$(part) := $(if $(filter auto,$(WITH_$(part))),$(if $(HAVE_$(part)),1,$(eval MISSING += $(part))0),$(WITH_$(part)))))

BPF_LIBS   := $(if $(filter 1,$(WITH_BPF)),$(shell $(PKG_CONFIG) --libs libbpf 2>/dev/null || echo -lbpf))
LIBVIRT_LIBS = $(if $(filter 1,$(WITH_LIBVIRT)),$(shell $(PKG_CONFIG) --libs libvirt 2>/dev/null || echo -lvirt))
NCURSES_LIBS = $(if $(filter 1,$(WITH_NCURSES)),$(shell $(PKG_CONFIG) --libs ncursesw 2>/dev/null || echo -lncursesw -ltinfo))
ZSTD_LIBS   = $(if $(filter 1,$(WITH_ZSTD)),$(shell $(PKG_CONFIG) --libs libzstd 2>/dev/null || echo -lzstd))
CLI_LIBS    = $(CORE_LIBS) $(NCURSES_LIBS) $(ZSTD_LIBS)
CORE_LIBS   = $(BPF_LIBS) $(LIBVIRT_LIBS) -lm

NO_BPF_SRCS     := $(if $(filter 1,$(WITH_BPF)),,$(patsubst %,common/sources/%.c,bpf/load bpf/layout bpf/object tracepoint/load tracepoint/scan))
NO_LIBVIRT_SRCS := $(if $(filter 1,$(WITH_LIBVIRT)),,$(patsubst %,common/sources/libvirt/%.c,call thread read match))
CORE_SRCS := $(filter-out %.bpf.c $(NO_BPF_SRCS) $(NO_LIBVIRT_SRCS),$(wildcard common/*.c common/*/*.c common/*/*/*.c))
BPF_OBJS  := $(if $(filter 1,$(WITH_BPF)),$(O)/common/sources/bpf/objects.o)
CORE_OBJS := $(CORE_SRCS:%.c=$(O)/%.o) $(O)/gen/event_table.o $(O)/gen/cause_table.o $(BPF_OBJS)
LIB       := $(O)/libkvmstat.a

PLUGIN_SRCS := $(wildcard collectd-plugin/*.c)
PLUGIN_OBJS := $(PLUGIN_SRCS:%.c=$(O)/%.o)
PLUGIN      := $(O)/kvmstat.so
AGENT_SRCS  := $(wildcard snmp-subagent/*.c snmp-subagent/*/*.c)
AGENT_OBJS  := $(AGENT_SRCS:%.c=$(O)/%.o)
AGENT       := $(O)/kvmstat-agentx
NO_CLI_SRCS := $(if $(filter 1,$(WITH_NCURSES)),cli/screen/absent.c,$(filter-out %/absent.c,$(wildcard cli/screen/*.c)))
CLI_SRCS    := $(filter-out $(NO_CLI_SRCS),$(wildcard cli/*.c cli/*/*.c))
CLI_OBJS    := $(CLI_SRCS:%.c=$(O)/%.o)
CLI         := $(O)/kvmstat

SNMP_FLAGS  := -Isnmp-subagent -DOID_ROOT='"$(OID_ROOT)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' -DSTATEDIR='"$(STATEDIR)"'

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

BUILT := $(CLI) $(if $(filter 1,$(WITH_COLLECTD)),$(PLUGIN)) $(if $(filter 1,$(WITH_SNMP)),$(AGENT) $(O)/KVMSTAT-MIB)

.PHONY: all
all: needs $(LIB) $(BUILT) $(if $(filter 1,$(WITH_TEMPLATES)),templates)
	$(call say,BUILT,$(notdir $(BUILT)); sources $(if $(filter 1,$(WITH_BPF)),bpf )statsfd debugfs $(if $(filter 1,$(WITH_LIBVIRT)),libvirt )proc tracepoint)
	@$(foreach part,$(MISSING),echo "not built: $(NEED_$(part)) are missing";) :

.PHONY: needs
needs:
	@$(foreach part,$(WANTED),echo "WITH_$(part)=1 cannot be built: $(NEED_$(part)) are missing; install them, or build with WITH_$(part)=0"; exit 1;) :

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIB): $(CORE_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) qcsD $@ $^

# A thread whose call into libvirt hangs may outlive the collector, so its code must not be unloaded.
comma    := ,
NODELETE := $(if $(filter 1,$(WITH_LIBVIRT)),-Wl$(comma)-z$(comma)nodelete)
$(PLUGIN_OBJS): EXTRA_CFLAGS += $(COLLECTD_FLAGS)
$(PLUGIN): $(PLUGIN_OBJS) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(NODELETE) -shared -o $@ $(PLUGIN_OBJS) $(LIB) $(CORE_LIBS)

$(AGENT_OBJS): EXTRA_CFLAGS += $(SNMP_FLAGS)
$(AGENT): $(AGENT_OBJS) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(AGENT_OBJS) $(LIB) $(CORE_LIBS)

$(CLI_OBJS): EXTRA_CFLAGS += -Icli -DSTATEDIR='"$(STATEDIR)"'
$(CLI): $(CLI_OBJS) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $(CLI_OBJS) $(LIB) $(CLI_LIBS)

# ---- generated files ------------------------------------------------------------------------------------------

# The event tables are C made from events.tsv and reasons.tsv; docs/events.md is made from the same files.
EVENT_FILES := scripts/reasons.awk scripts/events.awk common/events/events.tsv common/events/reasons.tsv
MAKE_EVENTS  = awk -v out=$(1) $(patsubst %.awk,-f %.awk,$(EVENT_FILES)) > $@
$(O)/gen/event_table.c: $(EVENT_FILES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(call MAKE_EVENTS,c)

docs/events.md: $(EVENT_FILES)
	$(call say,GEN,$@)$(call MAKE_EVENTS,md)

# The causes of the diagnosis: C and documentation made from one file.
CAUSE_FILES := scripts/causes.awk common/derive/causes.tsv
$(O)/gen/cause_table.c: $(CAUSE_FILES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)awk -v out=c -f $(CAUSE_FILES) > $@

docs/causes.md: $(CAUSE_FILES)
	$(call say,GEN,$@)awk -v out=md -f $(CAUSE_FILES) > $@

# The version: the file VERSION of a release, or what git says of this tree, whoever owns it ("make", then "make install" as
# root): a tag, or the release that is worked on and the commit.
NEXT_VERSION := 0.1
GIT_DESCRIBE := git -c safe.directory='*' describe --dirty --tags --match 'v*'
VERSION := $(shell cat VERSION 2>/dev/null || $(GIT_DESCRIBE) 2>/dev/null | sed 's/^v//')
ifeq ($(VERSION),)
VERSION := $(NEXT_VERSION)-dev$(addprefix -,$(shell $(GIT_DESCRIBE) --always 2>/dev/null))
endif
$(O)/gen/version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define KVMSTAT_VERSION "$(VERSION)"' | cmp -s - $@ || echo '#define KVMSTAT_VERSION "$(VERSION)"' > $@
$(O)/common/version.o: $(O)/gen/version.h

# The BPF programs; their objects are made part of the library.
BPF_INCLUDE := $(SYSROOT_FLAG) -I$(SYSROOT)/usr/include/$(patsubst %-pc-linux-gnu,%-linux-gnu,$(TRIPLET))
$(O)/gen/kvmiter.bpf.o: common/sources/bpf/kvmiter.bpf.c common/sources/bpf/kvmiter.h
$(O)/gen/hits.bpf.o: common/sources/tracepoint/hits.bpf.c common/sources/tracepoint/record.h
$(O)/gen/%.bpf.o:
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) -O2 -g -target $(BPF_ENDIAN) $(PREFIX_MAP) $(BPF_CFLAGS) -Wall -Wextra $(WERROR) $(BPF_INCLUDE) -Icommon -c -o $@ $<
$(O)/common/sources/bpf/objects.o: common/sources/bpf/objects.S $(O)/gen/kvmiter.bpf.o $(O)/gen/hits.bpf.o
	@mkdir -p $(@D)
	$(call say,AS,$@)$(CC) $(ALL_CFLAGS) -g0 -Wa,-I$(O)/gen -c -o $@ $<

# The MIB for the chosen root.
MAKE_MIB = awk -v root=$(OID_ROOT) -f scripts/mib.awk mibs/KVMSTAT-MIB.txt.in
.PHONY: mib
mib: $(O)/KVMSTAT-MIB
$(O)/KVMSTAT-MIB: mibs/KVMSTAT-MIB.txt.in scripts/mib.awk FORCE
	@mkdir -p $(@D)
	@$(MAKE_MIB) | cmp -s - $@ || $(MAKE_MIB) > $@

.PHONY: FORCE
FORCE:

-include $(wildcard $(CORE_OBJS:.o=.d) $(PLUGIN_OBJS:.o=.d) $(AGENT_OBJS:.o=.d) $(CLI_OBJS:.o=.d) $(O)/tests/*/*.d)

# ---- tests ----------------------------------------------------------------------------------------------------

UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(filter-out $(if $(filter 1,$(WITH_BPF)),,%/test_bpf_layout.c %/test_btf_s390x.c) \
	$(if $(filter 1,$(WITH_LIBVIRT)),,%/test_libvirt.c),$(wildcard tests/unit/test_*.c)))
# What several tests share; what stands in for the C library, or would be found by its name, is linked where it is wanted only.
UNIT_ALONE := counting interpose quiet_vm stream_lab
UNIT_SHARED := $(filter-out $(UNIT_ALONE) $(if $(filter 1,$(WITH_BPF)),,kernel_btf),$(patsubst tests/unit/%.c,%,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))))
UNIT_OBJS := $(UNIT_SHARED:%=$(O)/tests/unit/%.o)
$(UNIT_OBJS) $(UNIT_ALONE:%=$(O)/tests/unit/%.o): $(O)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -Itests/unit -c -o $@ $<
$(O)/tests/unit/shared.a: $(UNIT_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) qcsD $@ $^
$(O)/tests/unit/%: tests/unit/%.c $(O)/tests/unit/shared.a $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(CORE_LIBS) $(UNIT_LIBS)
$(patsubst %,$(O)/tests/unit/test_%,alloc statsfd_live tracepoint_live): $(O)/tests/unit/counting.o
$(patsubst %,$(O)/tests/unit/test_%,debugfs guest refusal_live unknown): $(O)/tests/unit/interpose.o
$(patsubst %,$(O)/tests/unit/test_%,statsfd_kept statsfd_quiet): $(O)/tests/unit/quiet_vm.o
$(patsubst %,$(O)/tests/unit/test_%,bpf_stream vcpus): $(O)/tests/unit/stream_lab.o

# RUN=valgrind... or RUN=qemu-s390x-static runs them under something else.
.PHONY: check-unit
check-unit: $(UNIT_TESTS)
	$(Q)failed=; for t in $(UNIT_TESTS); do tests/mounted $(RUN) $$t || failed="$$failed $$t"; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# Not those that count allocations themselves, use what valgrind does not know, or only run scripts.
VALGRIND_TESTS = $(filter-out %/test_alloc %/test_bpf_live %/test_statsfd_live %/test_statsfd_quiet %/test_statsfd_kept %/test_statsfd_borrow %/test_tracepoint_live %/test_refusal_live %/test_events_awk,$(UNIT_TESTS))
.PHONY: check-valgrind
check-valgrind: all
	$(Q)$(MAKE) -s O=$(O) check-unit check-snmp check-plugin UNIT_TESTS="$(VALGRIND_TESTS)" \
		RUN="valgrind -q --fair-sched=try --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9"

# Several parts need it, and their makefiles are read in any order.
TESTVMM := $(O)/tests/vmm/kvmtestvmm
include packaging/packaging.mk templates/templates.mk $(wildcard tests/*/*.mk)

# Everything, part by part, with one count at the end; see docs/testing.md.
.PHONY: check check-deps
check: check-deps
	$(Q)tests/check $(O)

# What the tests need: as root on Debian and Ubuntu it is installed, else named.
check-deps:
	$(Q)scripts/install-deps check

# For whoever changes something: the parts that take little time. Nothing is installed.
.PHONY: check-quick
check-quick:
	$(Q)PARTS=quick tests/check $(O)

# The boot sector of the demo's guest on x86.
$(O)/demo-guest: scripts/demo-x86.s
	@mkdir -p $(@D)
	$(call say,AS,$@)as --32 -o $@.o $< && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o $@ $@.o

.PHONY: demo
demo:
	$(Q)scripts/demo

# ---- install --------------------------------------------------------------------------------------------------

INSTALL      ?= install
INSTALL_FILE  = $(INSTALL) -D -m 0644
fill          = sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g' -e 's|@OID_ROOT@|$(OID_ROOT)|g'

# What is installed, and where: a file of the tree or of $(O), its place, its mode.
INSTALLED_CLI    := $(CLI):$(BINDIR)/kvmstat:755 cli/kvmstat.1:$(MANDIR)/man1/kvmstat.1:644 \
	common/kvmstat-options.7:$(MANDIR)/man7/kvmstat-options.7:644 \
	README.md:$(DOCDIR)/README.md:644 docs/events.md:$(DOCDIR)/events.md:644 docs/causes.md:$(DOCDIR)/causes.md:644 \
	docs/diagnosis.md:$(DOCDIR)/diagnosis.md:644 docs/terminal.md:$(DOCDIR)/terminal.md:644 docs/recording.md:$(DOCDIR)/recording.md:644 \
	cli/completion.bash:$(DATADIR)/bash-completion/completions/kvmstat:644
INSTALLED_PLUGIN := $(PLUGIN):$(PLUGINDIR)/kvmstat.so:644 \
	collectd-plugin/collectd-kvmstat.5:$(MANDIR)/man5/collectd-kvmstat.5:644 \
	collectd-plugin/kvmstat.conf:$(DOCDIR)/collectd/kvmstat.conf:644 \
	collectd-plugin/collectd.service.d-kvmstat.conf:$(DOCDIR)/collectd/collectd.service.d-kvmstat.conf:644 \
	docs/collectd.md:$(DOCDIR)/collectd.md:644
INSTALLED_AGENT  := $(AGENT):$(SBINDIR)/kvmstat-agentx:755 $(O)/KVMSTAT-MIB:$(MIBDIR)/KVMSTAT-MIB.txt:644 \
	snmp-subagent/kvmstat-agentx.8:$(MANDIR)/man8/kvmstat-agentx.8:644 \
		snmp-subagent/snmpd.conf.d-kvmstat.conf:$(DOCDIR)/snmp/snmpd.conf.d-kvmstat.conf:644 \
	docs/snmp.md:$(DOCDIR)/snmp.md:644
INSTALLED_UNIT   := snmp-subagent/kvmstat-agentx.service:$(UNITDIR)/kvmstat-agentx.service:644 \
	snmp-subagent/kvmstat.sysusers:$(SYSUSERSDIR)/kvmstat.conf:644 \
	snmp-subagent/kvmstat.tmpfiles:$(TMPFILESDIR)/kvmstat.conf:644
# Never overwritten once it is there.
INSTALLED_CONFIG := snmp-subagent/kvmstat-agentx.conf:$(SYSCONFDIR)/kvmstat/kvmstat-agentx.conf:644
INSTALLED := $(INSTALLED_CLI) $(if $(filter 1,$(WITH_COLLECTD)),$(INSTALLED_PLUGIN)) $(if $(filter 1,$(WITH_SNMP)),$(INSTALLED_AGENT) \
	$(if $(filter 1,$(WITH_SYSTEMD)),$(INSTALLED_UNIT))) $(if $(filter 1,$(WITH_TEMPLATES)),$(INSTALLED_TEMPLATES))

.PHONY: install
install: all
	$(Q)set -e; for entry in $(INSTALLED); do \
		file=$${entry%%:*}; rest=$${entry#*:}; to="$(DESTDIR)$${rest%:*}"; \
		$(INSTALL) -d "$$(dirname "$$to")"; \
		case $$file in \
		$(O)/*|README.md|docs/*) $(INSTALL) -m "$${rest##*:}" "$$file" "$$to" ;; \
		*) $(fill) "$$file" > "$$to.new"; chmod "$${rest##*:}" "$$to.new"; mv "$$to.new" "$$to" ;; \
		esac; echo "  INSTALL  $$to"; \
	done
	$(Q)set -e; for entry in $(if $(filter 1,$(WITH_SNMP)),$(INSTALLED_CONFIG)); do \
		file=$${entry%%:*}; rest=$${entry#*:}; to="$(DESTDIR)$${rest%:*}"; \
		[ -e "$$to" ] && { echo "  KEEP     $$to"; continue; }; \
		$(INSTALL_FILE) "$$file" "$$to"; echo "  INSTALL  $$to"; \
	done
ifeq ($(SYSTEM)$(DESTDIR),)
	@echo "Everything is below $(PREFIX), where other programs do not look. root can let them:"
	@echo "  collectd  in collectd.conf: PluginDir \"$(PLUGINDIR)\" (one directory, for all plugins), or copy kvmstat.so into collectd's own"
	@echo "  snmpd     needs nothing; its tools find the MIB with MIBDIRS=+$(MIBDIR)"
	@echo "  systemd   systemctl link $(UNITDIR)/kvmstat-agentx.service; systemd-sysusers and systemd-tmpfiles with the files in $(LIBDIR)"
endif

.PHONY: uninstall
uninstall:
	$(Q)for entry in $(INSTALLED); do \
		rest=$${entry#*:}; to="$(DESTDIR)$${rest%:*}"; \
		if [ -e "$$to" ]; then rm -f "$$to"; echo "  REMOVE   $$to"; fi; \
	done
	@echo "$(DESTDIR)$(SYSCONFDIR)/kvmstat and $(DESTDIR)$(STATEDIR) (guest indices) are kept; remove them if you want"

.PHONY: clean
clean:
	rm -rf $(O)

# A release as it is packaged: what HEAD has, and its version.
.PHONY: dist
dist:
	@mkdir -p $(O)
	$(Q)echo '$(VERSION)' >$(O)/VERSION && git archive --prefix=kvmstat-$(VERSION)/ --add-file=$(O)/VERSION HEAD | gzip -n >$(O)/kvmstat-$(VERSION).tar.gz
	@echo $(O)/kvmstat-$(VERSION).tar.gz

.PHONY: help
help:
	@echo "make              build what the installed headers allow: kvmstat, kvmstat.so, kvmstat-agentx, KVMSTAT-MIB"
	@echo "make demo         show live values of real guests through a real collectd and a real snmpd"
	@echo "make check        all tests; make check-quick: unit, plugin, snmp, mib and cli, in one to two minutes"
	@echo "make check-lab    boot stock Debian kernels under emulation and compare every source with kvm_stat (x86-64)"
	@echo "make check-s390x-guests  guests on the kernel's own KVM of s390x, emulated: every source, collectd and snmpd; four minutes"
	@echo "make check-fire   much of what can go wrong, many times: 20 minutes at most"
	@echo "make bench        measure against floors; make fuzz: fuzz for FUZZ_SECONDS each"
	@echo "make fleet        hosts, collectd, carbon-c-relay, Graphite, VictoriaMetrics: what is lost when one fails, what a value costs"
	@echo "make packages     packages of HEAD (deb or RPM); make check-packages: install, upgrade, remove and purge them in clean systems"
	@echo "make templates    files for Zabbix, Prometheus and others, in $(O)/templates; make check-consumers: try them with those that are installed"
	@echo "make install      DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) PLUGINDIR=$(PLUGINDIR) MIBDIR=$(MIBDIR); make uninstall; make dist"
	@echo "make clean"
	@echo "V=1 shows commands; SAN=1 builds with sanitizers; CC=clang;"
	@echo "WITH_BPF, WITH_LIBVIRT, WITH_NCURSES, WITH_ZSTD, WITH_COLLECTD, WITH_SNMP, WITH_SYSTEMD, WITH_TEMPLATES = auto, 0 (leave it out) or 1 (end if it cannot be built);"
	@echo "CROSS_COMPILE=s390x-linux-gnu- [SYSROOT=] builds for another architecture; OID_ROOT=$(OID_ROOT)"
