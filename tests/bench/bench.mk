# SPDX-License-Identifier: MIT
# What the work costs beside the least that it can cost; docs/performance.md says what the numbers mean.
BENCH       := $(O)/tests/bench
HAVE_NETSNMP   := $(call have,net-snmp/net-snmp-config.h)
BENCH_TESTS := $(addprefix $(BENCH)/,pass exits memory allocs.so) $(TESTVMM) $(CLI) $(O)/tests/diagnose \
	$(if $(filter 1,$(WITH_COLLECTD)),$(BENCH)/plugin $(BENCH)/kvmfloor.so $(PLUGIN)) \
	$(AGENT) $(if $(HAVE_NETSNMP),$(BENCH)/walker $(BENCH)/minagent $(BENCH)/minagent.so)

# Part of make check: they shall build.
.PHONY: bench bench-programs
bench-programs: $(BENCH_TESTS)

bench: $(BENCH_TESTS)
	$(Q)tests/bench/run $(if $(BENCH_SECONDS),--seconds $(BENCH_SECONDS)) $(O)

$(BENCH)/pass: $(patsubst %,$(BENCH)/%.o,pass ours measure allocs floor_bpf floor_debugfs floor_statsfd floor_discovery) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BENCH)/exits: $(patsubst %,$(BENCH)/%.o,exits measure) $(patsubst %,$(O)/tests/vmm/%.o,arch vm thread) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BENCH)/memory: $(BENCH)/memory.o $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BENCH)/allocs.so: $(BENCH)/allocs.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -shared -o $@ $^

# The fake daemon of tests/plugin, whose plugin_dispatch_values() keeps everything, with another one in its place.
$(BENCH)/fake_daemon.o: tests/plugin/fake_daemon.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) $(COLLECTD_FLAGS) -fvisibility=default -Itests/plugin \
		-Dplugin_dispatch_values=fake_dispatch_values -c -o $@ $<

$(BENCH)/plugin.o: EXTRA_CFLAGS += $(COLLECTD_FLAGS) -fvisibility=default -Itests/plugin
$(BENCH)/plugin: $(patsubst %,$(BENCH)/%.o,plugin measure allocs fake_daemon)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $^ -ldl

$(BENCH)/floor_plugin.o: EXTRA_CFLAGS += $(COLLECTD_FLAGS)
$(BENCH)/kvmfloor.so: $(BENCH)/floor_plugin.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -shared -o $@ $^

$(BENCH)/minagent: $(BENCH)/minagent.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lnetsnmpagent -lnetsnmp

$(BENCH)/minagent.so: $(BENCH)/minagent.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -shared -o $@ $^

$(BENCH)/walker: $(patsubst %,$(BENCH)/%.o,walker measure)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lnetsnmp
