/* SPDX-License-Identifier: MIT */
/* objects.S - the compiled BPF programs as NAME_object[], so that there is no file to install or lose; object.h declares them */

#ifdef __CET__	/* with -fcf-protection: one object that does not say so takes it from all */
#include <cet.h>
#endif

.macro embed name
	.balign 8
	.hidden \name\()_object, \name\()_object_end
	.global \name\()_object, \name\()_object_end
\name\()_object:
	.incbin "\name\().bpf.o"	/* the makefile gives the directory */
\name\()_object_end:
.endm

	.section .rodata
	embed kvmiter
	embed hits

	.section .note.GNU-stack, "", %progbits
