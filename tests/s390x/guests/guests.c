/* SPDX-License-Identifier: MIT */
/*
 * guests [-name guest=NAME] [-vcpus N] [-base N] [-forget 1]: a VM whose vCPUs, each in a thread of its own, do what the kernel counts
 *
 * It prints, and waits:
 *
 *	guest PID-FD				its directory in debugfs
 *	expect PID-FD VCPU EVENT VALUE		what the kernel should have counted; VCPU "-": of the VM
 *	stats PID-FD VCPU EVENT VALUE...	what KVM_GET_STATS_FD returns; several of a histogram
 *	ready
 *
 * At SIGUSR1 it does everything once more. With -forget it does not keep its statistics' descriptors.
 */
#include "guests.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 1 << 20, NOWHERE = 0x20000 };

static struct vm vm;
static int forget;

int check(int rc, const char *what)
{
	if (rc < 0) {
		printf("guests: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return rc;
}

void count(struct counts *counts, const char *name, uint64_t n)
{
	int i = 0;

	while (i < counts->used && strcmp(counts->at[i].name, name) != 0)
		i++;
	if (i == MAX_COUNTS)
		abort();
	if (i == counts->used)
		snprintf(counts->at[counts->used++].name, NAME_MAX_LEN, "%s", name);
	counts->at[i].n += n;
}

void set_control(struct vcpu *vcpu, int number, uint64_t value)
{
	struct kvm_sregs sregs;

	check(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.crs[number] = value;
	check(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

void set_register(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	check(ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

/* ---- what it reports ---- */

static void print_counts(const struct counts *counts, const char *who)
{
	for (int i = 0; i < counts->used; i++)
		printf("expect %s %s %s %llu\n", vm.name, who, counts->at[i].name, (unsigned long long)counts->at[i].n);
}

static void print_stat(int fd, const struct kvm_stats_header *header, const struct kvm_stats_desc *desc, const char *who)
{
	uint64_t values[64];
	ssize_t size = 8 * (ssize_t)desc->size;

	if (desc->size > 64 || pread(fd, values, (size_t)size, header->data_offset + desc->offset) != size)
		check(-1, "values");
	printf("stats %s %s %s", vm.name, who, desc->name);
	for (int i = 0; i < desc->size; i++)
		printf(" %llu", (unsigned long long)values[i]);
	printf("\n");
}

static void print_stats(int fd, const char *who)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	size_t size;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		check(-1, "statistics");
	size = sizeof(*desc) + header.name_size;
	desc = malloc(size);
	for (unsigned int i = 0; i < header.num_desc; i++) {
		if (pread(fd, desc, size, (off_t)(header.desc_offset + i * size)) != (ssize_t)size)
			check(-1, "descriptors");
		print_stat(fd, &header, desc, who);
	}
	free(desc);
}

static void report_one(int owner, int *stats, const struct counts *counts, const char *who)
{
	if (*stats < 0)
		*stats = check(ioctl(owner, KVM_GET_STATS_FD, NULL), "KVM_GET_STATS_FD");
	print_counts(counts, who);
	print_stats(*stats, who);
	if (forget) {
		close(*stats);
		*stats = -1;
	}
}

static void report(void)
{
	report_one(vm.fd, &vm.stats, &vm.counts, "-");
	for (int i = 0; i < vm.vcpu_count; i++) {
		char who[12];

		snprintf(who, sizeof(who), "%d", i);
		report_one(vm.vcpus[i].fd, &vm.vcpus[i].stats, &vm.vcpus[i].counts, who);
	}
	printf("ready\n");
	fflush(stdout);
}

/* ---- the VM ---- */

static void *run_jobs(void *arg)
{
	struct vcpu *vcpu = arg;
	char title[16];

	snprintf(title, sizeof(title), "CPU %d/KVM", vcpu->id);
	pthread_setname_np(pthread_self(), title);
	for (;;) {
		while (sem_wait(&vcpu->go))
			;
		vcpu->job(vcpu);
		sem_post(&vcpu->done);
	}
	return NULL;
}

/* One vCPU after the other: what one sends, another one gets. */
static void let_all(void (*job)(struct vcpu *vcpu))
{
	for (int i = 0; i < vm.vcpu_count; i++) {
		vm.vcpus[i].job = job;
		sem_post(&vm.vcpus[i].go);
		while (sem_wait(&vm.vcpus[i].done))
			;
	}
}

static void enable(int fd, uint32_t capability)
{
	struct kvm_enable_cap cap = { .cap = capability };

	check(ioctl(fd, KVM_ENABLE_CAP, &cap), "KVM_ENABLE_CAP");
}

/*
 * Whole segments. An interrupt's new PSW is disabled, so that one is taken each time; that of program interruptions waits, since the
 * kernel takes an operation exception near it for one in a loop.
 */
static void make_memory(void)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	char *memory = mmap(NULL, 2 * MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		check(-1, "mmap");
	vm.memory = (unsigned char *)(((uintptr_t)memory + MEMORY - 1) & ~(uintptr_t)(MEMORY - 1));
	region.userspace_addr = (uintptr_t)vm.memory;
	check(ioctl(vm.fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	for (int at = 0x1a0; at <= 0x1f0; at += 16)
		memcpy(vm.memory + at, (uint64_t[]){ PSW_64 | (at == 0x1d0 ? PSW_WAIT : 0), NOWHERE }, 16);
	memcpy(vm.memory + 0x7a0, (uint32_t[]){ 0x00080000, 0x80010000 }, 8);	/* for LPSW, */
	memcpy(vm.memory + 0x7b0, (uint64_t[]){ PSW_64, 0x10000 }, 16);		/* and for LPSWE */
}

static void make_vcpu(struct vcpu *vcpu, int id)
{
	vcpu->vm = &vm;
	vcpu->id = id;
	vcpu->stats = -1;
	vcpu->fd = check(ioctl(vm.fd, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		check(-1, "mmap of a vCPU");
	enable(vcpu->fd, KVM_CAP_S390_CSS_SUPPORT);
	set_control(vcpu, 0, CR0_EXTERNAL);
	set_control(vcpu, 6, 0xff000000);
	set_control(vcpu, 14, CR14_CHANNEL_REPORT);
	set_register(vcpu, KVM_REG_S390_CLOCK_COMP, UINT64_MAX);
	set_register(vcpu, KVM_REG_S390_CPU_TIMER, INT64_MAX);
	sem_init(&vcpu->go, 0, 0);
	sem_init(&vcpu->done, 0, 0);
	if (pthread_create(&vcpu->thread, NULL, run_jobs, vcpu))
		check(-1, "pthread_create");
}

static void make_vm(void)
{
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	vm.fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	vm.stats = -1;
	snprintf(vm.name, sizeof(vm.name), "%d-%d", getpid(), vm.fd);
	make_memory();
	for (int i = 0; i < vm.vcpu_count; i++)
		make_vcpu(&vm.vcpus[i], i);
	printf("guest %s\n", vm.name);
}

static void do_round(void)
{
	let_all(do_kernel_orders);
	enable(vm.fd, KVM_CAP_S390_USER_SIGP);
	let_all(do_intercepts);
	let_all(do_interrupts);
	let_all(do_waits);
	vm.rounds++;
}

static int option(int argc, char **argv, const char *name, int otherwise)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], name))
			return atoi(argv[i + 1]);
	return otherwise;
}

int main(int argc, char **argv)
{
	sigset_t again;
	int got;

	sigemptyset(&again);
	sigaddset(&again, SIGUSR1);
	sigprocmask(SIG_BLOCK, &again, NULL);
	vm.vcpu_count = option(argc, argv, "-vcpus", 2);
	vm.base = option(argc, argv, "-base", 0);
	forget = option(argc, argv, "-forget", 0);
	make_vm();
	for (;;) {
		do_round();
		report();
		sigwait(&again, &got);
	}
}
