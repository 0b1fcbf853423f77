# SPDX-License-Identifier: MIT
.PHONY: check-mib
check-mib:
	$(Q)mkdir -p $(O) && sh tests/mib/check-mib $(O)
