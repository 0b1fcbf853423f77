# SPDX-License-Identifier: MIT
# Debian's kernels booted under emulation, with kvm as a module, debugfs, and lockdown; see tests/lab/check.
# LAB_SUITES=sid tries another kernel of Debian; LAB_SHORT=1 boots not each of them in each way.
LAB_SUITES ?= bookworm trixie
LAB_SHORT  ?=
.PHONY: check-lab
check-lab: all $(TESTVMM)
	$(Q)PYTHONDONTWRITEBYTECODE=1 LAB_SUITES="$(LAB_SUITES)" LAB_SHORT="$(LAB_SHORT)" tests/lab/check $(O)
