# SPDX-License-Identifier: MIT
# Real guests, collectd, carbon-cache, snmpd. See docs/testing.md.
.PHONY: check-integration
check-integration: all $(TESTVMM)
	$(Q)BUILD=$(abspath $(O)) tests/mounted /usr/bin/python3 -m pytest -ra -p no:cacheprovider tests/integration
