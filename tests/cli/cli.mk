# SPDX-License-Identifier: MIT
CLI_TESTED := $(if $(RUN),$(O)/tests/cli/kvmstat,$(CLI))

# Stands in for the command where RUN= is to run it.
$(O)/tests/cli/kvmstat: $(CLI) FORCE
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s "$$@"\n' '$(RUN) $(abspath $(CLI))' > $@ && chmod 755 $@

# The screen without a terminal.
CLI_UNIT_TESTS := $(if $(filter 1,$(WITH_NCURSES)),$(O)/tests/cli/test_grid)
$(CLI_UNIT_TESTS): $(O)/tests/cli/%: tests/cli/%.c $(filter-out %/main.o,$(CLI_OBJS)) $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(ALL_CFLAGS) -Icli $(ALL_LDFLAGS) -MF $@.d -o $@ $(filter-out %.h,$^) -lcmocka $(CLI_LIBS)

# Emulation would take five minutes for a screen that no byte order changes; test_grid runs there.
CLI_IGNORED := $(if $(RUN),--ignore=tests/cli/test_top.py)

.PHONY: check-cli
check-cli: $(CLI_TESTED) $(CLI_UNIT_TESTS)
	$(Q)status=0; for test in $(CLI_UNIT_TESTS); do $(RUN) $$test || status=1; done; exit $$status
	$(Q)PYTHONDONTWRITEBYTECODE=1 $(if $(RUN),KVMSTAT_KERNELS=$(firstword $(subst -, ,$(CROSS_COMPILE)))-) KVMSTAT=$(abspath $(CLI_TESTED)) tests/mounted /usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider $(CLI_IGNORED) tests/cli
