# SPDX-License-Identifier: MIT
# Packages of HEAD in $(O)/packages, and what becomes of a clean system that installs, upgrades and removes them.
.PHONY: packages check-packages
packages:
	$(Q)packaging/build-$(if $(wildcard /etc/debian_version),debs,rpms) $(O)

# As root, with debootstrap and a mirror: RELEASES of Debian, each in a root of its own.
RELEASES ?= bookworm trixie
check-packages:
	$(Q)packaging/check-debs $(O) $(RELEASES)
