# SPDX-License-Identifier: MIT
# How well the diagnosis does on traces of hosts: `make diagnosis` makes some, judges them and prints a table.
DIAGNOSE := $(O)/tests/diagnose
$(DIAGNOSE): tests/diagnosis/diagnose.c tests/diagnosis/trace.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) -Itests/diagnosis $(ALL_LDFLAGS) -MF $@.d -o $@ $(filter %.c,$^) $(LIB) $(CORE_LIBS)

.PHONY: diagnosis
diagnosis: $(DIAGNOSE)
	$(Q)tests/diagnosis/run $(DIAGNOSE)
