# SPDX-License-Identifier: MIT
# A fleet of hosts through others' programs; no part of `make check`. Status 77: something is missing, and it says what.
.PHONY: fleet
fleet: $(AGENT) $(if $(filter 1,$(WITH_COLLECTD)),$(PLUGIN)) $(CLI) mib
	$(Q)BUILD=$(abspath $(O)) tests/fleet/run
