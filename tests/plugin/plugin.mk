# SPDX-License-Identifier: MIT
# The plugin in a fake daemon. Everything is built once more with sanitizers, but for the symbols of the real one;
# not where RUN= is to run it: nothing bears sanitizers.
PLUGIN_TEST  := $(O)/tests/plugin
PLUGIN_SAN_O := $(if $(RUN)$(filter 1,$(SAN)),$(O),$(O)/san)
PLUGIN_SAN   := $(PLUGIN_SAN_O)/tests/plugin
PLUGIN_TESTS := $(PLUGIN_TEST)/test_pure $(PLUGIN_TEST)/test_values $(PLUGIN_TEST)/test_vcpus $(PLUGIN_TEST)/test_options $(PLUGIN_TEST)/test_alarms $(PLUGIN_TEST)/test_tree
# The collector is a fake; what is made of its samples is not.
PLUGIN_DERIVE := $(patsubst %.c,$(O)/%.o,$(wildcard common/derive/*.c)) $(patsubst %,$(O)/%.o,common/events/bucket common/events/judged \
	common/util/file common/util/filter common/util/text gen/event_table gen/cause_table)
PLUGIN_PURE  := $(patsubst %,$(O)/collectd-plugin/%.o,history label labelset naming options send series) $(PLUGIN_DERIVE)

$(O)/tests/plugin/%.o: EXTRA_CFLAGS += $(COLLECTD_FLAGS) -Icollectd-plugin -fvisibility=default

$(PLUGIN_TEST)/fake.so: $(PLUGIN_OBJS) $(PLUGIN_TEST)/fake_core.o $(PLUGIN_DERIVE)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -shared -o $@ $^ -lm

$(PLUGIN_TEST)/kvmstat.so: $(PLUGIN)
	$(Q)cp $< $@

$(PLUGIN_TEST)/test_values $(PLUGIN_TEST)/test_vcpus $(PLUGIN_TEST)/test_options $(PLUGIN_TEST)/test_alarms: $(PLUGIN_TEST)/test_%: \
		$(PLUGIN_TEST)/test_%.o $(PLUGIN_TEST)/fake_daemon.o $(PLUGIN_TEST)/fake_setup.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $^ -ldl

$(PLUGIN_TEST)/test_tree: $(PLUGIN_TEST)/test_tree.o $(PLUGIN_TEST)/tree.o $(PLUGIN_TEST)/fake_daemon.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $^ -ldl

# Allocations of the pure parts are counted.
$(PLUGIN_TEST)/test_pure: $(PLUGIN_TEST)/test_pure.o $(PLUGIN_TEST)/fake_core.o $(PLUGIN_TEST)/fake_setup.o $(PLUGIN_PURE)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup -o $@ $^ -lm

.PHONY: plugin-tests
plugin-tests: $(PLUGIN_TESTS) $(PLUGIN_TEST)/fake.so $(PLUGIN_TEST)/kvmstat.so

.PHONY: check-plugin
ifeq ($(WITH_COLLECTD),1)
check-plugin: $(PLUGIN)
	$(Q)$(MAKE) --no-print-directory $(if $(RUN),,SAN=1) O=$(PLUGIN_SAN_O) plugin-tests
	$(Q)NM=$(NM) RUN="$(RUN)" sh tests/plugin/run.sh $(PLUGIN_SAN) $(PLUGIN)
else
check-plugin:
	@echo "skip: the plugin: collectd's headers are missing (Debian: collectd-dev)"
	@echo "plugin: 0 passed, 0 failed, 1 skipped"
endif
