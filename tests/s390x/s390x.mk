# SPDX-License-Identifier: MIT
# The same tests for s390x (big-endian) under user-mode emulation; see tests/s390x/check.
.PHONY: check-s390x
check-s390x:
	$(Q)tests/s390x/check $(O)

# What the script runs, with CROSS_COMPILE, SYSROOT, RUN and NATIVE_O given: sub-makes inherit them.
.PHONY: check-s390x-parts
check-s390x-parts:
	$(Q)tests/check $(O)

SAME = $(Q)PYTHONDONTWRITEBYTECODE=1 NATIVE="$(NATIVE_O)/kvmstat" EMULATED="$(RUN) $(abspath $(CLI))" \
	NATIVE_O="$(NATIVE_O)" EMULATED_O="$(abspath $(O))" SYSROOT="$(SYSROOT)" RUN="$(RUN)" \
	/usr/bin/python3 -m pytest -rfEs -p no:cacheprovider --durations=5

.PHONY: check-s390x-same
check-s390x-same: $(CLI) $(AGENT) $(PLUGIN)
	$(SAME) --ignore=tests/s390x/test_guests.py tests/s390x

# A machine whose kernel runs guests, for some minutes.
.PHONY: check-s390x-guests
check-s390x-guests:
	$(Q)tests/s390x/check $(O) build guests

# Guests of a kernel whose processor has no SIE, and what takes its place in kvm.ko.
S390X_GUESTS := $(O)/tests/s390x/guests/guests $(O)/tests/s390x/guests/standin.o
$(O)/tests/s390x/guests/guests: $(patsubst %,$(O)/tests/s390x/guests/%.o,guests work)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -Wl,--s390-pgste -o $@ $^

$(O)/tests/s390x/guests/standin.o: tests/s390x/guests/standin.c tests/s390x/guests/script.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -O2 -march=z13 -mno-vx -msoft-float -ffreestanding -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables $(PREFIX_MAP) -Wall -Wextra $(WERROR) -c -o $@ $<

-include $(wildcard $(O)/tests/s390x/guests/*.d)

.PHONY: check-s390x-guests-part
check-s390x-guests-part: $(CLI) $(AGENT) $(PLUGIN) $(S390X_GUESTS)
	$(SAME) tests/s390x/test_guests.py
