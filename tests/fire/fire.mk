# SPDX-License-Identifier: MIT
# Much of what can go wrong, many times. A part is a program FIRE_PROGRAMS or a file test_*.py; it takes seconds, as a part of
# make check, and with FIRE=1 in its environment minutes: all of them together 20 at most. Each says what it did, and how often.
# Built with the sanitizers, for what is used after it was freed shows nowhere else.
FIRE_PROGRAMS := $(O)/tests/fire/hostile

# The session alone, with a collector that is none.
$(O)/tests/fire/hostile: $(filter-out %/agent.o %/main.o %/service.o %/settings.o %/transport.o,$(AGENT_OBJS)) tests/snmp/fake.c tests/snmp/master.c
$(FIRE_PROGRAMS): $(O)/tests/fire/%: tests/fire/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) $(SNMP_FLAGS) -Itests/snmp $(ALL_LDFLAGS) -MF $@.d -o $@ \
		$(filter-out %.h %.a,$^) $(LIB) $(CORE_LIBS)

.PHONY: check-fire fire-parts
check-fire:
	$(Q)FIRE=1 timeout 1200 $(MAKE) -s O=$(O)$(if $(filter 1,$(SAN)),,/san SAN=1) fire-parts

# The file of indices: the same program as in check-snmp, which counts longer here.
FIRE_RUNS := $(FIRE_PROGRAMS) $(O)/tests/snmp/test_indexmap
fire-parts: all $(FIRE_RUNS)
	$(Q)status=0; for part in $(FIRE_RUNS); do $(RUN) $$part || status=1; done; \
	BUILD=$(abspath $(O)) /usr/bin/python3 -m pytest -ra -s -p no:cacheprovider tests/fire || status=1; exit $$status
