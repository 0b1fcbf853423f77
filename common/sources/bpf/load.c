/* SPDX-License-Identifier: MIT */
#include "sources/bpf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "host/refusal.h"
#include "sources/bpf/object.h"

struct bpf_loader {
	struct bpf_object *object;
	const struct bpf_program *program;
	struct bpf_link *link;
	struct kvmiter_last *last;	/* the program's, to be read without a system call */
};

/* One type information: KVM may be built in or a module. */
struct kernel_btf {
	struct btf *vmlinux;
	struct btf *kvm;	/* vmlinux if KVM is built in */
};

static void btf_exit(struct kernel_btf *btf)
{
	if (btf->kvm != btf->vmlinux)
		btf__free(btf->kvm);
	btf__free(btf->vmlinux);
}

static int fail(struct kvmstat_source_status *status, enum kvmstat_source_state state, int rc, const char *text)
{
	status->state = state;
	snprintf(status->text, sizeof(status->text), "%s", text);
	return rc;
}

/* A module's BTF goes on where base, the kernel's, ends. libbpf opens paths only, and those only below /. 0 or -errno. */
static int read_btf(struct btf **btf, const struct sysroot *root, const char *name, struct btf *base)
{
	int fd = sysroot_open(root, O_RDONLY, "sys/kernel/btf/%s", name), rc;
	struct btf *found;
	char path[40];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	found = btf__parse_split(path, base);
	rc = (int)libbpf_get_error(found);
	close(fd);
	if (rc == 0)
		*btf = found;
	return rc;
}

static int btf_init(struct kernel_btf *btf, const struct sysroot *root, struct kvmstat_source_status *status)
{
	int rc;

	*btf = (struct kernel_btf){ 0 };
	rc = read_btf(&btf->vmlinux, root, "vmlinux", NULL);
	btf->kvm = btf->vmlinux;
	if (rc == 0 && sysroot_exists(root, "sys/kernel/btf/kvm"))
		rc = read_btf(&btf->kvm, root, "kvm", btf->vmlinux);
	return rc < 0 ? refusal_report(status, root, CALL_BTF, rc) : 0;
}

/* struct kvm is not in the BTF: is KVM missing, or only its description? */
static int no_layout(const struct sysroot *root, int rc, const char *why, struct kvmstat_source_status *status)
{
	if (rc == -ENOENT && !sysroot_exists(root, "sys/module/kvm"))
		return fail(status, KVMSTAT_MISSING, rc, "KVM is not loaded (modprobe kvm)");
	if (rc == -ENOENT)
		return fail(status, KVMSTAT_MISSING, rc,
			    "the kvm module has no BTF (/sys/kernel/btf/kvm): the kernel needs "
			    "CONFIG_DEBUG_INFO_BTF_MODULES (since Linux 5.11)");
	return fail(status, KVMSTAT_MISSING, rc, why);
}

static int read_layout(struct layout *layout, const struct sysroot *root, bool histograms,
		       struct kvmstat_source_status *status)
{
	struct kernel_btf btf;
	char why[128];
	int rc = btf_init(&btf, root, status);

	if (rc == 0) {
		rc = layout_init(layout, btf.kvm, histograms, why, sizeof(why));
		if (rc < 0)
			rc = no_layout(root, rc, why, status);
	}
	btf_exit(&btf);
	return rc;
}

static int load_object(struct bpf_loader *loader, const struct kvmiter_config *config)
{
	struct bpf_program *program;
	int rc;

	rc = bpf_object_begin(&loader->object, kvmiter_object, kvmiter_object_end, config, sizeof(*config));
	if (rc == 0)
		rc = bpf_object__load(loader->object);
	if (rc < 0)
		return rc;
	program = bpf_object__find_program_by_name(loader->object, "kvmiter");
	loader->program = program;
	loader->last = bpf_object_map(bpf_object__find_map_fd_by_name(loader->object, "last_vm"), sizeof(*loader->last));
	if (!loader->last)
		return -errno;
	loader->link = bpf_program__attach_iter(program, NULL);
	rc = (int)libbpf_get_error(loader->link);
	if (rc < 0)
		loader->link = NULL;
	return rc;
}

int bpf_loader_open(struct bpf_loader **result, struct layout *layout, const struct sysroot *root,
		    enum kvmstat_lockdown lockdown, bool histograms, struct kvmstat_source_status *status)
{
	/* The status reports what libbpf would print. */
	libbpf_print_fn_t print = bpf_object_silence();
	struct bpf_loader *loader = calloc(1, sizeof(*loader));
	int rc = loader ? read_layout(layout, root, histograms, status) : -ENOMEM;

	if (rc == 0) {
		/* The kernel would refuse it and log the attempt. */
		rc = lockdown == KVMSTAT_LOCKDOWN_CONFIDENTIALITY ? -EPERM : load_object(loader, &layout->config);
		if (rc < 0) {
			layout_exit(layout);
			refusal_report(status, root, CALL_BPF_ITERATOR, rc);
		}
	}
	libbpf_set_print(print);
	if (rc < 0) {
		bpf_loader_close(loader);
		return rc;
	}
	status->state = KVMSTAT_ACTIVE;
	status->text[0] = '\0';
	*result = loader;
	return 0;
}

void bpf_loader_close(struct bpf_loader *loader)
{
	if (!loader)
		return;
	bpf_link__destroy(loader->link);
	bpf_object_unmap(loader->last, sizeof(*loader->last));
	bpf_object__close(loader->object);
	free(loader);
}

/* Older headers have no such member of union bpf_iter_link_info. */
struct one_process {
	uint32_t tid, pid, pid_fd;
};

static int link_to(const struct bpf_loader *loader, pid_t pid)
{
	struct one_process process = { .pid = (uint32_t)pid };
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int link;

	opts.iter_info = (void *)&process;
	opts.iter_info_len = sizeof(process);
	link = bpf_link_create(bpf_program__fd(loader->program), 0, BPF_TRACE_ITER, &opts);
	return link < 0 ? -errno : link;
}

int bpf_loader_iterate(const struct bpf_loader *loader, pid_t pid)
{
	int link = pid ? link_to(loader, pid) : bpf_link__fd(loader->link), fd;

	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	if (fd < 0)
		fd = -errno;
	if (pid)
		close(link);
	return fd;
}

uint64_t bpf_loader_files(const struct bpf_loader *loader)
{
	return __atomic_load_n(&loader->last->files, __ATOMIC_RELAXED);
}
