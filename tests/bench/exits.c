/* SPDX-License-Identifier: MIT */
/*
 * exits - what an exit of a guest to user space costs while exits are counted by reason, and while they are not
 *
 *	exits SECONDS
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../vmm/vmm.h"
#include "kvmstat.h"
#include "measure.h"

enum { EXITS = 5000, MEMORY = 2 << 20 };

struct exits {
	struct vm vm;
	struct kvmstat *kvmstat;	/* counts; NULL: nobody does */
};

static int run(void *context)
{
	struct exits *exits = context;

	return vcpu_run(&exits->vm.vcpus[0], PROGRAM_IO, EXITS);
}

static int detach(void *context)
{
	struct exits *exits = context;

	kvmstat_close(exits->kvmstat);
	exits->kvmstat = NULL;
	return 0;
}

static int collect(struct exits *exits)
{
	struct kvmstat_sample *sample;
	int rc = kvmstat_collect(exits->kvmstat, &sample);

	if (rc < 0)
		return rc;
	if (sample->sources[KVMSTAT_TRACEPOINT].state == KVMSTAT_MISSING ||
	    sample->sources[KVMSTAT_TRACEPOINT].state == KVMSTAT_DENIED) {
		fprintf(stderr, "tracepoint: %s\n", sample->sources[KVMSTAT_TRACEPOINT].text);
		rc = -ENOENT;
	}
	kvmstat_sample_put(sample);
	return rc;
}

/* The first exit of a reason costs more: it is over before the turn. */
static int attach(void *context)
{
	struct exits *exits = context;
	struct kvmstat_config *config;
	char error[256];
	int rc;

	if (exits->kvmstat)
		return 0;
	config = kvmstat_config_new();
	rc = config ? kvmstat_config_set(config, "ReportExitReasons", "true", error, sizeof(error)) : -ENOMEM;
	if (rc == 0)
		rc = kvmstat_open(&exits->kvmstat, config);
	kvmstat_config_free(config);
	if (rc == 0)
		rc = collect(exits);
	return rc == 0 ? run(exits) : rc;
}

static int make_guest(struct vm *vm)
{
	static const struct options options = { .vms = 1, .vcpus = 1 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (kvm < 0 || memory == MAP_FAILED)
		return -errno;
	memory += -(uintptr_t)memory & (arch_memory_size() - 1);
	arch_write_programs(memory);
	rc = vm_create(vm, kvm, memory, &options);
	close(kvm);
	return rc;
}

int main(int argc, char **argv)
{
	struct exits exits = { 0 };
	struct side ours = { .run = run, .prepare = attach, .context = &exits };
	struct side floor = { .run = run, .prepare = detach, .context = &exits };
	struct comparison result;
	int rc = argc == 2 ? make_guest(&exits.vm) : -EINVAL;

	if (rc == 0)
		rc = measure(&result, &ours, &floor, atof(argv[1]));
	if (rc == 0)
		measure_print("an exit to user space, counted by reason", "exit", EXITS, &result);
	else
		fprintf(stderr, "exits: %s\n", strerror(-rc));
	kvmstat_close(exits.kvmstat);
	return rc < 0;
}
