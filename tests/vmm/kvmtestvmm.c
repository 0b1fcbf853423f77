/* SPDX-License-Identifier: MIT */
/*
 * kvmtestvmm - real KVM guests for tests, whose numbers of exits are known
 *
 * Takes one command a line from standard input and answers each with one line that begins with "done" or
 * "error"; "ready" comes first. Ends at "quit" or at the end of input, so it never outlives the test.
 * The event that "ready" names for run grows by one with each exit of run and of halt, the one for halt
 * with those of halt only.
 *
 *	run K [I [V]]	exactly K exits to user space on each vCPU (of VM I, on its vCPU V) -> done EXITS
 *	halt K [I [V]]	exactly K halts -> done HALTS
 *	spin [I]	every vCPU thread is busy until "stop" (needs --threads)
 *	block [I]	every vCPU thread waits, halted, in the kernel until "stop" (needs --threads --irqchip)
 *	stop [I]
 *	close I		end VM I
 *	create I	make it again -> done FD
 *	recreate I	both at once, at the same fd if the kernel will
 *	cycle K [I]	recreate K times (VM I), with one exit on each vCPU of each new VM -> done VMS
 *	list		"vm I tid TID fd FD vcpus V run K halt K", K being the sum over its vCPUs -> done VMS
 *	quit
 */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct options options = { .vms = 1, .vcpus = 1 };
static struct vm *vms;
static void *memory;
static int kvm = -1;

/* ---- VMs, made by main or by a helper thread ---- */

static pthread_mutex_t helper_lock = PTHREAD_MUTEX_INITIALIZER;

static void *create_all(void *arg)
{
	unsigned int i;
	int *rc = arg;

	for (i = 0; i < options.vms && !*rc; i++)
		*rc = vm_create(&vms[i], kvm, memory, &options);
	return NULL;
}

static void *helper(void *arg)
{
	pthread_setname_np(pthread_self(), "vmm");
	create_all(arg);
	pthread_mutex_unlock(&helper_lock);
	for (;;)
		pause();
	return NULL;
}

static int create_by_helper(int *rc)
{
	pthread_t thread;
	int err;

	pthread_mutex_lock(&helper_lock);
	err = pthread_create(&thread, NULL, options.helper_ends ? create_all : helper, rc);
	if (err)
		return -err;
	if (options.helper_ends)
		pthread_join(thread, NULL);
	else
		pthread_mutex_lock(&helper_lock);
	return 0;
}

/* A process that has the VMs open but is not their VMM. */
static void fork_holder(void)
{
	pid_t parent = getpid();

	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	for (;;)
		pause();
}

static int set_up(void)
{
	struct rlimit files;
	int rc = 0, err = 0;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return -errno;
	vms = calloc(options.vms, sizeof(*vms));
	memory = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!vms || memory == MAP_FAILED)
		return -ENOMEM;
	memory = (void *)(((uintptr_t)memory + arch_memory_size() - 1) & ~(arch_memory_size() - 1));
	arch_write_programs(memory);
	if (options.helper_thread)
		err = create_by_helper(&rc);
	else
		create_all(&rc);
	if (!rc && !err && options.holder)
		fork_holder();
	return err ? err : rc;
}

/* ---- commands ---- */

struct request {
	char command[16];
	uint64_t count;
	unsigned int first, end;	/* the VMs it is about */
	unsigned int one_vcpu;		/* only this one of them, from 1; 0: all */
};

static void answer(int rc, uint64_t value)
{
	if (rc)
		printf("error %s\n", strerror(-rc));
	else
		printf("done %llu\n", (unsigned long long)value);
	fflush(stdout);
}

static int run_vcpu(struct vcpu *vcpu, enum program program, uint64_t count)
{
	int rc;

	if (!options.threads)
		return vcpu_run(vcpu, program, count);
	rc = vcpu_thread_start(vcpu, program, count);
	return rc ? rc : vcpu_thread_wait(vcpu);
}

static int run_all(const struct request *request, enum program program, uint64_t *exits)
{
	unsigned int i, k;
	int rc = 0;

	for (i = request->first; i < request->end; i++) {
		for (k = 0; k < vms[i].nvcpus && !rc; k++) {
			if (request->one_vcpu && k + 1 != request->one_vcpu)
				continue;
			rc = run_vcpu(&vms[i].vcpus[k], program, request->count);
			*exits += rc ? 0 : request->count;
		}
	}
	return rc;
}

/* Without end: until vcpu_thread_stop(). */
static int start_all(const struct request *request, enum program program)
{
	unsigned int i, k;
	int rc = 0;

	if (!options.threads || (program == PROGRAM_HALT && !options.irqchip))
		return -EOPNOTSUPP;
	for (i = request->first; i < request->end; i++)
		for (k = 0; k < vms[i].nvcpus && !rc; k++)
			rc = vcpu_thread_start(&vms[i].vcpus[k], program, UINT64_MAX);
	return rc;
}

static int stop_all(const struct request *request)
{
	unsigned int i, k;

	if (!options.threads)
		return -EOPNOTSUPP;
	for (i = request->first; i < request->end; i++)
		for (k = 0; k < vms[i].nvcpus; k++)
			vcpu_thread_stop(&vms[i].vcpus[k]);
	return 0;
}

static void list(void)
{
	unsigned int i, k, n = 0;

	for (i = 0; i < options.vms; i++) {
		unsigned long long io = 0, halt = 0;

		if (vms[i].fd < 0)
			continue;
		for (k = 0; k < vms[i].nvcpus; k++) {
			io += vms[i].vcpus[k].done[PROGRAM_IO];
			halt += vms[i].vcpus[k].done[PROGRAM_HALT];
		}
		printf("vm %u tid %d fd %d vcpus %u run %llu halt %llu\n", i, vms[i].creator, vms[i].fd,
		       vms[i].nvcpus, io, halt);
		n++;
	}
	answer(0, n);
}

static int replace(struct vm *vm, bool close_it, bool create_it)
{
	if (close_it)
		vm_close(vm);
	return create_it ? vm_create(vm, kvm, memory, &options) : 0;
}

/* Many short lives, without a word between them. */
static int cycle(const struct request *request, uint64_t *lives)
{
	struct request one = { .count = 1 };
	uint64_t exits = 0, k;
	int rc = 0;

	for (k = 0; k < request->count && !rc; k++) {
		for (one.first = request->first; one.first < request->end && !rc; one.first++) {
			one.end = one.first + 1;
			rc = replace(&vms[one.first], true, true);
			if (!rc)
				rc = run_all(&one, PROGRAM_IO, &exits);
			*lives += !rc;
		}
	}
	return rc;
}

static bool parse(const char *line, struct request *request)
{
	unsigned int vm, vcpu;
	bool counted;
	int n;

	*request = (struct request){ .end = options.vms };
	if (sscanf(line, "%15s", request->command) != 1)
		return false;
	counted = !strcmp(request->command, "run") || !strcmp(request->command, "halt") || !strcmp(request->command, "cycle");
	if (counted)
		n = sscanf(line, "%*s %llu %u %u", (unsigned long long *)&request->count, &vm, &vcpu) - 1;
	else
		n = sscanf(line, "%*s %u", &vm);
	if (counted && n < 0)
		return false;
	if (n > 1)
		request->one_vcpu = vcpu + 1;
	if (n >= 1 && vm < options.vms) {
		request->first = vm;
		request->end = vm + 1;
	}
	return n < 1 || (vm < options.vms && (n < 2 || vcpu < options.vcpus));
}

static void obey(const struct request *request)
{
	const char *command = request->command;
	struct vm *vm = &vms[request->first];
	uint64_t value = 0;
	int rc;

	if (!strcmp(command, "list")) {
		list();
		return;
	}
	if (!strcmp(command, "run")) {
		rc = run_all(request, PROGRAM_IO, &value);
	} else if (!strcmp(command, "halt")) {
		rc = options.irqchip ? -EOPNOTSUPP : run_all(request, PROGRAM_HALT, &value);
	} else if (!strcmp(command, "cycle")) {
		rc = cycle(request, &value);
	} else if (!strcmp(command, "spin")) {
		rc = start_all(request, PROGRAM_SPIN);
	} else if (!strcmp(command, "block")) {
		rc = start_all(request, PROGRAM_HALT);
	} else if (!strcmp(command, "stop")) {
		rc = stop_all(request);
	} else if (!strcmp(command, "close") || !strcmp(command, "create") || !strcmp(command, "recreate")) {
		rc = replace(vm, strcmp(command, "create"), strcmp(command, "close"));
		value = rc || vm->fd < 0 ? 0 : (uint64_t)vm->fd;
	} else {
		rc = -EINVAL;
	}
	answer(rc, value);
}

static void serve(void)
{
	struct request request;
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		if (!parse(line, &request))
			answer(-EINVAL, 0);
		else if (!strcmp(request.command, "quit"))
			break;
		else
			obey(&request);
	}
}

/* ---- main ---- */

static const struct option long_options[] = {
	{ "vms", required_argument, NULL, 'n' },
	{ "vcpus", required_argument, NULL, 'c' },
	{ "exits", required_argument, NULL, 'e' },
	{ "name", required_argument, NULL, 0 },	/* only to be seen in the command line */
	{ "uuid", required_argument, NULL, 0 },
	{ "keep-stats-fds", no_argument, NULL, 's' },
	{ "dup-fds", no_argument, NULL, 'd' },
	{ "holder", no_argument, NULL, 'h' },
	{ "helper-thread", no_argument, NULL, 't' },
	{ "helper-ends", no_argument, NULL, 'g' },
	{ "threads", no_argument, NULL, 'v' },
	{ "irqchip", no_argument, NULL, 'i' },
	{ NULL, 0, NULL, 0 },
};

static int set_option(int c)
{
	switch (c) {
	case 0:
		break;
	case 'n':
		options.vms = (unsigned int)strtoul(optarg, NULL, 10);
		break;
	case 'c':
		options.vcpus = (unsigned int)strtoul(optarg, NULL, 10);
		break;
	case 'e':
		options.exits = strtoull(optarg, NULL, 10);
		break;
	case 's':
		options.keep_stats_fds = true;
		break;
	case 'd':
		options.dup_fds = true;
		break;
	case 'h':
		options.holder = true;
		break;
	case 'g':
		options.helper_ends = true;
		options.helper_thread = true;
		break;
	case 't':
		options.helper_thread = true;
		break;
	case 'v':
		options.threads = true;
		break;
	case 'i':
		options.irqchip = true;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	uint64_t began = now_us(), exits = 0;
	struct request first;
	int c, rc = 0;

	while (!rc && (c = getopt_long_only(argc, argv, "", long_options, NULL)) != -1)
		rc = set_option(c);
	if (rc || optind != argc || !options.vms || !options.vcpus) {
		fprintf(stderr, "usage: kvmtestvmm [--vms N] [--vcpus V] [--exits K] [--name NAME] [--uuid UUID]\n"
				"       [--threads] [--irqchip] [--keep-stats-fds] [--dup-fds] [--holder]\n"
				"       [--helper-thread|--helper-ends]\n");
		return 2;
	}
	rc = set_up();
	first = (struct request){ .count = options.exits, .end = options.vms };
	if (!rc)
		rc = run_all(&first, PROGRAM_IO, &exits);
	if (rc) {
		fprintf(stderr, "kvmtestvmm: %u VMs with %u vCPUs: %s\n", options.vms, options.vcpus, strerror(-rc));
		return 1;
	}
	printf("ready pid %d vms %u vcpus %u run %s halt %s us %llu\n", getpid(), options.vms, options.vcpus,
	       arch_run_event, arch_halt_event, (unsigned long long)(now_us() - began));
	fflush(stdout);
	serve();
	puts("done 0");
	return 0;
}
