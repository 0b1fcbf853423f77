# SPDX-License-Identifier: MIT
# What others' programs make of a fleet of hosts; no part of `make check`. Status 77: something is missing, and it says what.
.PHONY: fleet
fleet: $(AGENT) mib
	$(Q)BUILD=$(abspath $(O)) tests/fleet/run
