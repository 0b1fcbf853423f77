# SPDX-License-Identifier: MIT
# The subagent without snmpd: its handlers on samples made by hand, the file of indices, the configuration file.
SNMP_TESTS := $(patsubst tests/snmp/%.c,$(O)/tests/snmp/%,$(wildcard tests/snmp/test_*.c))

# The fake core takes the place of the collector, which the configuration needs.
SNMP_FAKED  := $(patsubst %,$(O)/snmp-subagent/%.o,agentx handler log octets outbox session value index/content index/file index/map index/store \
	kvmstat-mib/alarm kvmstat-mib/guest kvmstat-mib/histogram kvmstat-mib/host kvmstat-mib/notify kvmstat-mib/tables kvmstat-mib/vcpu \
	view/alarmlist view/grid view/learnt view/marks view/reader view/rowview) tests/snmp/fake.c
SNMP_CONFIG := $(patsubst %,$(O)/snmp-subagent/%.o,log settings)

$(O)/tests/snmp/test_settings: $(SNMP_CONFIG)
$(O)/tests/snmp/test_obstacle: $(O)/snmp-subagent/obstacle.o
$(O)/tests/snmp/test_session $(O)/tests/snmp/test_alarms: tests/snmp/master.c tests/snmp/expect.c
$(O)/tests/snmp/test_alarms: $(O)/snmp-subagent/diagnosis.o
$(filter-out %/test_settings %/test_obstacle,$(SNMP_TESTS)): $(SNMP_FAKED) tests/snmp/fake.h
$(SNMP_TESTS): $(O)/tests/snmp/%: tests/snmp/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) $(SNMP_FLAGS) -Itests/snmp $(ALL_LDFLAGS) -MF $@.d -o $@ \
		$(filter-out %.h %.a,$^) $(LIB) -lcmocka $(CORE_LIBS)

.PHONY: check-snmp
check-snmp: $(SNMP_TESTS)
	$(Q)status=0; for test in $(SNMP_TESTS); do $(RUN) $$test || status=1; done; exit $$status
