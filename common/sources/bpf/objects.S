/* SPDX-License-Identifier: MIT */
/* objects.S - the compiled BPF programs as NAME_object[], so that there is no file to install or lose; object.h declares them */

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
