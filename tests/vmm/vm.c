/* SPDX-License-Identifier: MIT */
/* Making, running and closing one VM. */
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The fds that real VMMs hold beside the one that matters. */
static int extra_fds(int fd, int *dup_fd, int *stats_fd, const struct options *options)
{
	if (options->dup_fds) {
		*dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (*dup_fd < 0)
			return -errno;
	}
	if (options->keep_stats_fds) {
		*stats_fd = ioctl(fd, KVM_GET_STATS_FD, 0);
		if (*stats_fd < 0)
			return -errno;
	}
	return 0;
}

static int vcpu_create(struct vcpu *vcpu, size_t run_size, const struct options *options)
{
	int rc;

	vcpu->fd = ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0)
		return -errno;
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return -errno;
	}
	rc = arch_init_vcpu(vcpu);
	if (!rc)
		rc = extra_fds(vcpu->fd, &vcpu->dup_fd, &vcpu->stats_fd, options);
	if (!rc && options->threads)
		rc = vcpu_thread_create(vcpu);
	return rc;
}

static int create_vcpus(struct vm *vm, int kvm, const struct options *options)
{
	int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	unsigned int i;
	int rc = 0;

	vm->vcpus = calloc(options->vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	for (i = 0; i < options->vcpus && !rc; i++) {
		vm->vcpus[i] = (struct vcpu){ .vm = vm, .id = i, .fd = -1, .dup_fd = -1, .stats_fd = -1 };
		vm->nvcpus = i + 1;
		rc = vcpu_create(&vm->vcpus[i], (size_t)run_size, options);
	}
	return rc;
}

/* memory is the same page for all VMs: the programs keep their state in registers. */
int vm_create(struct vm *vm, int kvm, void *memory, const struct options *options)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = arch_memory_size(), .userspace_addr = (uintptr_t)memory,
	};
	int rc = 0;

	*vm = (struct vm){ .creator = gettid(), .dup_fd = -1, .stats_fd = -1 };
	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -errno;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		rc = -errno;
	if (!rc && options->irqchip && ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		rc = -errno;
	if (!rc)
		rc = create_vcpus(vm, kvm, options);
	if (!rc)
		rc = extra_fds(vm->fd, &vm->dup_fd, &vm->stats_fd, options);
	if (rc)
		vm_close(vm);
	return rc;
}

static void vcpu_close(struct vcpu *vcpu, size_t run_size)
{
	vcpu_thread_end(vcpu);
	if (vcpu->run)
		munmap(vcpu->run, run_size);
	close_fd(&vcpu->stats_fd);
	close_fd(&vcpu->dup_fd);
	close_fd(&vcpu->fd);
}

/* A mapping of a vCPU's run page holds its VM as an fd does. */
void vm_close(struct vm *vm)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	size_t run_size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	unsigned int i;

	close_fd(&kvm);
	for (i = 0; i < vm->nvcpus; i++)
		vcpu_close(&vm->vcpus[i], run_size);
	free(vm->vcpus);
	vm->vcpus = NULL;
	vm->nvcpus = 0;
	close_fd(&vm->stats_fd);
	close_fd(&vm->dup_fd);
	close_fd(&vm->fd);
}

/* One turn; 1: an exit that the program makes, 0: something else came first (a signal), or -errno. */
static int run_once(struct vcpu *vcpu, enum program program)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0))
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	return arch_is_exit_of(vcpu->run, program) ? 1 : -EPROTO;
}

/* Exactly count exits, or fewer when vcpu->stop is set meanwhile. */
int vcpu_run(struct vcpu *vcpu, enum program program, uint64_t count)
{
	int rc = arch_start(vcpu, program);

	while (rc >= 0 && count && !__atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE)) {
		rc = run_once(vcpu, program);
		if (rc > 0) {
			vcpu->done[program]++;
			count--;
		}
	}
	return rc < 0 ? rc : 0;
}
