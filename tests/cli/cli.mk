# SPDX-License-Identifier: MIT
CLI_TESTED := $(if $(RUN),$(O)/tests/cli/kvmstat,$(CLI))

# Stands in for the command where RUN= is to run it.
$(O)/tests/cli/kvmstat: $(CLI) FORCE
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s "$$@"\n' '$(RUN) $(abspath $(CLI))' > $@ && chmod 755 $@

.PHONY: check-cli
check-cli: $(CLI_TESTED)
	$(Q)PYTHONDONTWRITEBYTECODE=1 $(if $(RUN),KVMSTAT_KERNELS=$(firstword $(subst -, ,$(CROSS_COMPILE)))-) KVMSTAT=$(abspath $(CLI_TESTED)) tests/mounted /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/cli
