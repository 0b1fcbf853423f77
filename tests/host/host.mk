# SPDX-License-Identifier: MIT
# Whole Debian machines with systemd: packages as an operator installs them. As root, with debootstrap and a mirror.
.PHONY: check-host
check-host: packages $(TESTVMM)
	$(Q)tests/host/check $(O) $(RELEASES)
