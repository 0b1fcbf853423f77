# SPDX-License-Identifier: MIT
# Fuzzing with clang's libFuzzer: `make fuzz` runs each target FUZZ_SECONDS, `make check-fuzz` three.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
ifneq ($(WITH_BPF),1)
FUZZ_TARGETS := $(filter-out btf,$(FUZZ_TARGETS))
endif
ifneq ($(WITH_COLLECTD),1)
FUZZ_TARGETS := $(filter-out oconfig,$(FUZZ_TARGETS))
endif
FUZZ_FLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_CFLAGS   = $(filter-out $(SANFLAGS) -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) -O1 -fsanitize=fuzzer-no-link $(FUZZ_FLAGS)
FUZZ_OBJS    := $(patsubst $(O)/%,$(O)/fuzz/%,$(filter-out $(BPF_OBJS),$(CORE_OBJS)))
HAVE_FUZZER  := $(shell echo 'int LLVMFuzzerTestOneInput(const char *, unsigned long); int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d || !n; }' \
	| $(CLANG) -fsanitize=fuzzer $(FUZZ_FLAGS) -x c -o /dev/null - >/dev/null 2>&1 && echo yes)

$(O)/fuzz/gen/%.o: $(O)/gen/%.c
	@mkdir -p $(@D)
	$(call say,FUZZCC,$@)$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

$(O)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call say,FUZZCC,$@)$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

$(O)/fuzz/common/version.o: $(O)/gen/version.h

# What a target needs beside the core.
$(O)/fuzz/fuzz_oconfig: $(PLUGIN_OBJS:$(O)/%=$(O)/fuzz/%) $(O)/fuzz/tests/plugin/fake_daemon.o
$(O)/fuzz/fuzz_oconfig: FUZZ_LIBS = -ldl
$(O)/fuzz/fuzz_agentconf: $(filter-out %/main.o %/log.o,$(AGENT_OBJS:$(O)/%=$(O)/fuzz/%))
$(O)/fuzz/fuzz_indexfile: $(O)/fuzz/snmp-subagent/index/content.o $(O)/fuzz/snmp-subagent/index/file.o
$(O)/fuzz/fuzz_rows: $(filter-out %/agent.o %/main.o %/service.o %/session.o %/settings.o %/transport.o,$(AGENT_OBJS:$(O)/%=$(O)/fuzz/%)) \
	$(O)/fuzz/tests/snmp/fake.o
$(O)/fuzz/fuzz_recording: $(patsubst %,$(O)/fuzz/cli/%.o,escape message record/bytes record/decode record/encode record/sample)
$(O)/fuzz/collectd-plugin/%.o $(O)/fuzz/tests/plugin/%.o $(O)/fuzz/tests/fuzz/fuzz_oconfig.o: EXTRA_CFLAGS += $(COLLECTD_FLAGS)
$(O)/fuzz/snmp-subagent/%.o $(O)/fuzz/tests/snmp/fake.o $(addprefix $(O)/fuzz/tests/fuzz/fuzz_,agentconf.o rows.o): EXTRA_CFLAGS += $(SNMP_FLAGS)
$(O)/fuzz/cli/%.o: EXTRA_CFLAGS += -Icli
$(O)/fuzz/tests/fuzz/%.o: EXTRA_CFLAGS += -Icli -Icollectd-plugin -Isnmp-subagent -Itests/plugin -Itests/snmp

# In an archive: a target may have functions of its own in the place of the core's.
$(O)/fuzz/libkvmstat.a: $(FUZZ_OBJS) $(BPF_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) qcs $@ $^

$(O)/fuzz/fuzz_%: $(O)/fuzz/tests/fuzz/fuzz_%.o $(O)/fuzz/libkvmstat.a
	$(call say,LD,$@)$(CLANG) -fsanitize=fuzzer $(FUZZ_FLAGS) -pthread -o $@ $(filter %.o,$^) $(O)/fuzz/libkvmstat.a $(FUZZ_LIBS) $(CORE_LIBS)

.SECONDARY: $(FUZZ_TARGETS:%=$(O)/fuzz/tests/fuzz/fuzz_%.o) $(FUZZ_OBJS)
-include $(wildcard $(FUZZ_OBJS:.o=.d) $(O)/fuzz/collectd-plugin/*.d $(O)/fuzz/cli/*.d $(O)/fuzz/cli/*/*.d $(O)/fuzz/snmp-subagent/*.d $(O)/fuzz/snmp-subagent/*/*.d $(O)/fuzz/tests/*/*.d)

.PHONY: fuzz check-fuzz
ifeq ($(HAVE_FUZZER),yes)
fuzz check-fuzz: $(FUZZ_TARGETS:%=$(O)/fuzz/fuzz_%)
	$(Q)sh tests/fuzz/run.sh $(O)/fuzz $(if $(filter check-fuzz,$@),3,$(FUZZ_SECONDS)) $(FUZZ_TARGETS)
else
fuzz check-fuzz:
	@for target in $(FUZZ_TARGETS); do echo "skip: fuzzing needs $(CLANG) with libFuzzer (Debian: clang, libclang-rt-14-dev)"; done
	@echo "fuzz: 0 passed, 0 failed, $(words $(FUZZ_TARGETS)) skipped"
endif
