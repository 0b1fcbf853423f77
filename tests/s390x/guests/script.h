/* SPDX-License-Identifier: MIT */
/*
 * script.h - what guests.c and the stand-in for SIE agree on: the intercepts of a vCPU, in the page that it shares with
 * user space
 */
#ifndef KVMSTAT_TESTS_SCRIPT_H
#define KVMSTAT_TESTS_SCRIPT_H

enum {
	SCRIPT_AT = 3072,	/* in the page of struct kvm_run, after the struct */
	SCRIPT_END = 0xfc,	/* an intercept that no kernel knows: it asks user space */
};

/* One intercept, as the processor describes it in the control block. */
struct script {
	unsigned int count;	/* this many times; counted down */
	unsigned char code;	/* of the intercept */
	unsigned char unused;
	unsigned short ipa;	/* the first two bytes of the instruction, */
	unsigned int ipb;	/* and the others */
	unsigned int program;	/* length and code of a program interruption */
};

#endif
