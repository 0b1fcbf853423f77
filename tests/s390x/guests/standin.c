/* SPDX-License-Identifier: MIT */
/*
 * standin.c - takes the place of the instruction SIE in kvm.ko (patchkvm.py)
 *
 * It has the arguments of the kernel's __sie64a() and runs no guest: it returns with the next intercept of the script. Freestanding
 * and position-independent, without data and calls.
 */
#include "script.h"

/* Offsets in the control block. */
enum { ICPTCODE = 0x50, ICPTSTATUS = 0x51, IPA = 0x56, IPB = 0x58, PROGRAM = 0xcc };

/* The guest's registers are in struct kvm_run. */
long standin(unsigned long physical, unsigned char *block, unsigned long *gprs, unsigned long asce)
{
	struct script *script = (struct script *)(((unsigned long)gprs & ~4095UL) + SCRIPT_AT);

	(void)physical;
	(void)asce;
	if (!script->count) {
		block[ICPTCODE] = SCRIPT_END;
		return 0;
	}
	script->count--;
	block[ICPTCODE] = script->code;
	block[ICPTSTATUS] = 0;
	*(unsigned short *)(block + IPA) = script->ipa;
	*(unsigned int *)(block + IPB) = script->ipb;
	*(unsigned int *)(block + PROGRAM) = script->program;
	return 0;
}
