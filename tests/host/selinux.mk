# SPDX-License-Identifier: MIT
# A whole Debian 12 that enforces its SELinux policy. As root, with debootstrap and a mirror.
.PHONY: check-selinux
check-selinux: packages $(TESTVMM)
	$(Q)tests/host/check-selinux $(O)
