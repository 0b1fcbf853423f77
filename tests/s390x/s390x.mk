# SPDX-License-Identifier: MIT
# The same tests for s390x (big-endian) under user-mode emulation; see tests/s390x/check.
.PHONY: check-s390x
check-s390x:
	$(Q)tests/s390x/check $(O)

# What the script runs, with CROSS_COMPILE, SYSROOT, RUN and NATIVE_O given: sub-makes inherit them.
.PHONY: check-s390x-parts
check-s390x-parts:
	$(Q)tests/check $(O)

.PHONY: check-s390x-same
check-s390x-same: $(CLI) $(AGENT) $(PLUGIN)
	$(Q)PYTHONDONTWRITEBYTECODE=1 NATIVE="$(NATIVE_O)/kvmstat" EMULATED="$(RUN) $(abspath $(CLI))" \
		NATIVE_O="$(NATIVE_O)" EMULATED_O="$(abspath $(O))" SYSROOT="$(SYSROOT)" RUN="$(RUN)" \
		/usr/bin/python3 -m pytest -rs -p no:cacheprovider --durations=5 tests/s390x
