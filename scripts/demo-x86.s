/* SPDX-License-Identifier: MIT */
/*
 * demo-x86.s - the guest of scripts/demo: a boot sector that makes KVM count something of each kind
 *
 * The timer interrupts it 250 times a second. In between it halts, and after each tick it does once what makes a
 * processor leave guest mode: I/O through ports, to devices that the kernel has (interrupt controller, timer) and to
 * those that only QEMU has (serial line, clock), to memory of devices (local APIC, HPET), cpuid, a string instruction to
 * a port, rdmsr, and a page that nobody touched before. The Makefile says how it is assembled.
 */
	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $tick, 8 * 4		/* the timer's vector, where the firmware has put it */
	movw %ax, 8 * 4 + 2
	movb $0x34, %al			/* channel 0, rate generator */
	outb %al, $0x43
	movw $1193182 / 250, %ax
	outb %al, $0x40
	movb %ah, %al
	outb %al, $0x40
	movb $0xfe, %al			/* only the timer */
	outb %al, $0x21
	movl $0x100000, page

	/* Flat data segments, so that the local APIC and all memory can be reached. */
	lgdt gdt_pointer
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movw $8, %bx
	movw %bx, %fs
	andb $0xfe, %al
	movl %eax, %cr0
	sti

again:
	hlt
	movw $0x3fd, %dx		/* is the serial line ready? */
	inb %dx, %al
	movw $0x3f8, %dx
	movb $'k', %al
	outb %al, %dx
	xorb %al, %al			/* what time is it? */
	outb %al, $0x70
	inb $0x71, %al
	movw $text, %si
	movw $text_size, %cx
	movw $0x3f8, %dx
	cld
	rep outsb
	xorl %eax, %eax
	cpuid
	movl $0x1b, %ecx		/* where the local APIC is */
	rdmsr
	wbinvd
	movl $0xfee00030, %ebx
	movl %fs:(%ebx), %eax		/* its version: the kernel answers */
	movl $0xfed00000, %ebx
	movl %fs:(%ebx), %eax		/* the HPET: QEMU answers */
	movl %fs:0x4(%ebx), %eax
	movl page, %ebx
	incl %fs:(%ebx)
	addl $4096, %ebx
	cmpl $0x1e00000, %ebx
	jb 1f
	movl $0x100000, %ebx
1:	movl %ebx, page
	jmp again

tick:
	pushw %ax
	movb $0x20, %al
	outb %al, $0x20
	popw %ax
	iretw

gdt_pointer:
	.word 2 * 8 - 1
	.long gdt
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf92000000ffff
text:
	.ascii "kvmstat\n"
	.equ text_size, . - text
page:
	.long 0

	.org 510
	.word 0xaa55
