# SPDX-License-Identifier: MIT
# The tests' own virtual machine monitor.
$(TESTVMM): $(patsubst %.c,$(O)/%.o,$(wildcard tests/vmm/*.c))
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^
