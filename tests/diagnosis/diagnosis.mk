# SPDX-License-Identifier: MIT
# How well the diagnosis does on traces of hosts: `make diagnosis` makes some, judges them and prints a table.
DIAGNOSE := $(O)/tests/diagnose
$(DIAGNOSE): tests/diagnosis/diagnose.c tests/diagnosis/trace.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) -Itests/diagnosis $(ALL_LDFLAGS) -MF $@.d -o $@ $(filter %.c,$^) $(LIB) $(CORE_LIBS)

.PHONY: diagnosis
diagnosis: $(DIAGNOSE)
	$(Q)tests/diagnosis/run $(DIAGNOSE)

# The way from a trace to alarms, in seconds; RUN= runs the driver under something else.
.PHONY: check-diagnosis
check-diagnosis: $(DIAGNOSE)
	$(Q)DIAGNOSE="$(RUN) $(abspath $(DIAGNOSE))" /usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider tests/diagnosis
