/* SPDX-License-Identifier: MIT */
#include "guests/guest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/guest_index.h"
#include "guests/sighting.h"
#include "guests/vmm.h"
#include "util/array.h"
#include "util/clock.h"

static void index_guest(struct guests *guests, struct guest *guest)
{
	index_add(&guests->by_dir, &guest_by_dir, guest);
	index_add(&guests->by_process, &guest_by_process, guest);
	if (!index_find(&guests->by_tgid, &guest_by_tgid, &guest->seen_as))
		index_add(&guests->by_tgid, &guest_by_tgid, guest);
	if (guest->seen_as.kvm)
		index_add(&guests->by_kvm, &guest_by_kvm, guest);
}

static void reindex(struct guests *guests)
{
	index_clear(&guests->by_dir);
	index_clear(&guests->by_process);
	index_clear(&guests->by_tgid);
	index_clear(&guests->by_kvm);
	for (uint32_t i = 0; i < guests->count; i++)
		index_guest(guests, guests->list[i]);
}

/* Room for one more guest in the list and in the indexes. */
static int reserve(struct guests *guests)
{
	uint32_t more;

	if (guests->count < guests->allocated)
		return 0;
	more = guests->allocated ? guests->allocated * 2 : 16;
	if (array_resize(&guests->list, more) < 0)
		return -ENOMEM;
	/* An index that could not grow keeps its size, which is enough for its current guests. */
	if (index_resize(&guests->by_dir, more * 2ul) == 0 && index_resize(&guests->by_process, more * 2ul) == 0 &&
	    index_resize(&guests->by_tgid, more * 2ul) == 0 && index_resize(&guests->by_kvm, more * 2ul) == 0)
		guests->allocated = more;
	if (guests->by_dir.size)
		reindex(guests);
	return guests->allocated == more ? 0 : -ENOMEM;
}

/* ---- one guest ---- */

void guest_get(struct guest *guest)
{
	guest->refs++;
}

void guest_put(struct guest *guest)
{
	if (--guest->refs)
		return;
	if (guest->dirfd >= 0)
		close(guest->dirfd);
	free(guest->threads);
	free(guest->vcpu);
	for (int i = 0; i < KVMSTAT_NSOURCES; i++)
		if (guest->kept[i].release)
			guest->kept[i].release(guest->kept[i].data);
	free((char *)(uintptr_t)guest->public.name);
	free((char *)(uintptr_t)guest->public.uuid);
	free((char *)(uintptr_t)guest->public.key);
	free((char *)(uintptr_t)guest->public.incarnation);
	free((char *)(uintptr_t)guest->public.vmm);
	free(guest);
}

struct vcpu *guest_vcpu(struct guest *guest, uint32_t id)
{
	uint32_t low = 0, high = guest->nvcpu;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (guest->vcpu[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < guest->nvcpu && guest->vcpu[low].id == id)
		return &guest->vcpu[low];
	if (array_reserve(&guest->vcpu, &guest->vcpu_room, guest->nvcpu + 1) < 0)
		return NULL;
	memmove(&guest->vcpu[low + 1], &guest->vcpu[low], (guest->nvcpu++ - low) * sizeof(struct vcpu));
	guest->vcpu[low] = (struct vcpu){ .id = id };
	return &guest->vcpu[low];
}

static char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	return len < 0 ? NULL : text;
}

/*
 * Does its process have another VM open? An earlier one may be closed by now: a VMM restarts its
 * guest.
 */
static bool has_sibling(const struct guests *guests, const struct sysroot *root, const struct guest *guest)
{
	const struct guest *other = index_find(&guests->by_tgid, &guest_by_tgid, &guest->seen_as);

	if (!other || other->seen_as.fd == guest->seen_as.fd)
		return false;
	/* If the process may not be inspected, assume that the other VM is still open. */
	return sighting_is_vm(root, guest->seen_as.tgid, other->seen_as.fd) != 0;
}

/* An unnamed program may have several VMs: append the number from the second one on. */
static char *make_name(const struct guest *guest, const struct identity *identity, bool sibling)
{
	if (!identity->named && guest->public.pid && sibling)
		return format("%s-%d", identity->name, guest->public.fd);
	return strdup(identity->name);
}

/*
 * Give up after the third time, so that a process that hides its identity does not hide its guest.
 * A process that was not asked only because others hang gets more time.
 */
enum { ASKED_ENOUGH = 3, BUSY_ENOUGH = 30 };

static int asked_enough(const struct guest *guest)
{
	return guest->unknown == -EBUSY ? BUSY_ENOUGH : ASKED_ENOUGH;
}

/* If descriptors or memory are short, ask until there is an answer: the guest is not the cause. */
static bool may_answer_soon(const struct guest *guest)
{
	return guest->unknown && (is_shortage(guest->unknown) || guest->asked < asked_enough(guest));
}

static char *make_key(const struct guest *guest, const struct identity *identity)
{
	if (may_answer_soon(guest))
		return strdup("");
	if (guest->unknown)
		return format("dir:%s", guest->public.incarnation);
	if (identity->uuid[0])
		return format("uuid:%s", identity->uuid);
	if (identity->named)
		return format("name:%s", identity->name);
	return format("dir:%s", guest->public.incarnation);
}

void guest_set_began(struct kvmstat_guest *guest)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME), boot = clock_ns(CLOCK_REALTIME) - now;
	uint64_t created = guest->created_ns > boot ? guest->created_ns - boot : 0;

	guest->began_ns = created > guest->start_ns ? created : guest->start_ns;
	/* A captured host has a clock of its own. */
	if (guest->began_ns > now)
		guest->began_ns = 0;
	guest->began_realtime_ns = guest->created_ns;
	if (!guest->began_realtime_ns && guest->start_ns)
		guest->began_realtime_ns = boot + guest->start_ns;
}

static int describe(const struct guests *guests, struct guest *guest, const struct identity *identity,
		    bool sibling)
{
	const struct sighting *s = &guest->seen_as;
	struct kvmstat_guest *public = &guest->public;

	public->pid = s->tgid;
	public->fd = s->fd;
	public->start_ns = s->start_ns;
	public->created_ns = s->ctime_ns;
	guest_set_began(public);
	public->memory = identity->memory ? identity->memory : s->memory;
	public->incarnation = format("%s/%s/%llu/%llu", guests->boot_id, s->dir, (unsigned long long)s->ino,
				     (unsigned long long)(s->ctime_ns ? s->ctime_ns : s->start_ns));
	if (!public->incarnation)
		return -ENOMEM;
	public->name = make_name(guest, identity, sibling);
	public->uuid = strdup(identity->uuid);
	public->vmm = strdup(identity->vmm);
	public->key = make_key(guest, identity);
	return public->name && public->uuid && public->vmm && public->key ? 0 : -ENOMEM;
}

/* A VMM creates the VM first and its vCPUs later: the first look may not find all. */
enum { LOOKS = 3 };

void guest_look(struct guest *guest, const struct sysroot *root)
{
	struct proc_kvm kvm;
	bool is_one_of_many = false;
	struct vcpu_thread *threads;
	int found;

	if (!guest->looks_left)
		return;
	found = proc_kvm(root, guest->seen_as.tgid, &kvm);
	if (found == 0) {
		guest->vcpus = kvm.vcpus;
		is_one_of_many = kvm.nvms > 1;
		proc_kvm_free(&kvm);
	}
	if (is_shortage(found))
		return;
	/* With several VMs, threads cannot be assigned to one of them. */
	found = is_one_of_many ? 0 : proc_vcpu_threads(root, guest->seen_as.tgid, &threads);
	guest->looks_left -= !is_shortage(found);
	if (found <= 0)
		return;
	free(guest->threads);
	guest->threads = threads;
	guest->nthreads = (uint32_t)found;
}

/* Without a process, the directory's name is the guest's name. */
static int name_by_directory(struct identity *identity, const char *dir)
{
	*identity = (struct identity){ .name = strdup(dir), .vmm = "unknown" };
	return identity->name ? -ESRCH : -ENOMEM;
}

/* Read a newcomer's identity from /proc. guest->unknown: the error that hid its process. */
static int identify(struct guests *guests, const struct sysroot *root, struct guest *guest)
{
	bool sibling = guest->seen_as.tgid && has_sibling(guests, root, guest);
	struct identity identity;
	int rc = guest->seen_as.tgid ? identity_read(root, &guests->helper, guest->seen_as.tgid, &identity) :
				       name_by_directory(&identity, guest->seen_as.dir);

	if (rc == -ENOMEM)
		return rc;
	if (!guest->unknown)
		guest->unknown = identity.unknown;
	guest->unnamed = rc < 0 && !guest->unknown;
	rc = describe(guests, guest, &identity, sibling);
	if (rc == 0 && guest->seen_as.tgid && !guest->seen_as.kvm && !sibling) {
		guest->looks_left = LOOKS;
		guest_look(guest, root);
	}
	identity_free(&identity);
	return rc;
}

/* ---- discovery ---- */

/*
 * unknown: the error that left the sighting incomplete; asked: number of earlier attempts to
 * identify it.
 */
static struct guest *guest_new(struct guests *guests, const struct sysroot *root, const struct filter *filter,
			       const struct sighting *sighting, int unknown, uint8_t asked)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->seen_as = *sighting;
	guest->dirfd = -1;
	guest->refs = 1;
	guest->unknown = unknown;
	guest->asked = asked < UINT8_MAX ? asked + 1 : asked;
	if (identify(guests, root, guest) < 0) {
		guest_put(guest);
		return NULL;
	}
	guest->wanted = filter_pass(filter, guest->public.name, guest->public.uuid);
	return guest;
}

static struct guest *add(struct guests *guests, const struct sysroot *root, const struct filter *filter,
			 const struct sighting *sighting, int unknown)
{
	struct guest *guest = NULL;

	if (reserve(guests) == 0)
		guest = guest_new(guests, root, filter, sighting, unknown, 0);
	if (!guest)
		return NULL;
	guest->public.id = ++guests->last_id;
	guests->list[guests->count++] = guest;
	guests->generation++;
	guests->unknown += guest->unknown != 0;
	index_guest(guests, guest);
	return guest;
}

bool guests_known(const struct guests *guests, const struct sighting *sighting)
{
	return index_find(&guests->by_dir, &guest_by_dir, sighting) != NULL;
}

struct guest *guests_by_kvm(const struct guests *guests, const struct sighting *sighting, uint64_t pass)
{
	struct guest *guest = index_find(&guests->by_kvm, &guest_by_kvm, sighting);

	/*
	 * Without debugfs only the address shows that two fds, maybe of two processes, refer to one
	 * VM.
	 */
	return guest || sighting->ino ? guest : index_find_kvm(&guests->by_kvm, sighting->kvm, pass);
}

struct guest *guests_see(struct guests *guests, const struct sysroot *root, const struct filter *filter,
			 const struct sighting *sighting, bool *newcomer)
{
	struct guest *guest = index_find(&guests->by_dir, &guest_by_dir, sighting);
	struct sighting full = *sighting;
	int rc = 0;

	*newcomer = false;
	if (!guest) {
		rc = sighting_complete(guests, root, &full);
		guest = index_find(&guests->by_process, &guest_by_process, &full);
	}
	if (!guest) {
		*newcomer = true;
		return add(guests, root, filter, &full, rc);
	}
	/* Another source may know more of the same incarnation. */
	if ((full.kvm && full.kvm != guest->seen_as.kvm) || (full.ino && !guest->seen_as.ino)) {
		if (full.kvm)
			guest->seen_as.kvm = full.kvm;
		if (full.ino) {
			guest->seen_as.ino = full.ino;
			memcpy(guest->seen_as.dir, full.dir, sizeof(full.dir));
			memcpy(guest->seen_as.base, full.base, sizeof(full.base));
		}
		reindex(guests);
	}
	return guest;
}

void guests_sweep(struct guests *guests, uint64_t pass)
{
	uint32_t kept = 0;

	guests->unnamed = guests->unknown = 0;
	for (uint32_t i = 0; i < guests->count; i++) {
		struct guest *guest = guests->list[i];

		if (guest->pass == pass) {
			guests->list[kept++] = guest;
			guests->unnamed += guest->unnamed;
			guests->unknown += guest->unknown != 0;
		} else {
			guest_put(guest);
		}
	}
	if (kept == guests->count)
		return;
	guests->count = kept;
	guests->generation++;
	reindex(guests);
}

/* ---- those that could not be asked ---- */

/*
 * Passes until the next attempt: more each time for a process that hangs, since each attempt may
 * use up the time of a pass.
 */
static uint64_t pause_of(const struct guest *guest)
{
	enum { MAX_DOUBLINGS = 6 };
	int doublings = guest->asked - asked_enough(guest);

	if (is_shortage(guest->unknown) || doublings <= 0)
		return 1;
	return 1u << (doublings < MAX_DOUBLINGS ? doublings : MAX_DOUBLINGS);
}

/*
 * Replace the guest by the one that is identified now, or that gets a key. Returns false if it
 * stays unknown.
 */
static bool ask(struct guests *guests, const struct sysroot *root, const struct filter *filter, struct guest **place,
		uint64_t pass)
{
	struct guest *guest = *place, *newer;
	struct sighting full = guest->seen_as;
	int rc = sighting_complete(guests, root, &full);
	bool stays;

	newer = guest_new(guests, root, filter, &full, rc, guest->asked);
	if (!newer)
		return false;
	stays = newer->unknown && !*newer->public.key == !*guest->public.key;
	if (stays) {
		guest->unknown = newer->unknown;
		guest->asked = newer->asked;
	} else {
		newer->public.id = ++guests->last_id;
		newer->pass = guest->pass;
		*place = newer;
	}
	(*place)->ask_pass = pass + pause_of(*place);
	guest_put(stays ? newer : guest);
	return !stays;
}

static int compare_ids(const void *a, const void *b)
{
	const struct guest *const *x = a, *const *y = b;

	return ((*x)->public.id > (*y)->public.id) - ((*x)->public.id < (*y)->public.id);
}

void guests_ask_again(struct guests *guests, const struct sysroot *root, const struct filter *filter, uint64_t pass)
{
	bool changed = false;

	for (uint32_t i = 0; guests->unknown && i < guests->count; i++) {
		struct guest **place = &guests->list[i];

		if (!(*place)->unknown || (*place)->ask_pass > pass)
			continue;
		if ((*place)->ask_pass)
			changed |= ask(guests, root, filter, place, pass);
		else
			(*place)->ask_pass = pass + 1; /* a newcomer, which was asked in this pass */
	}
	if (!changed)
		return;
	qsort(guests->list, guests->count, sizeof(*guests->list), compare_ids);
	guests->generation++;
	reindex(guests);
}

/* The kernel uses process numbers of the initial pid namespace, whose inode number is fixed. */
static bool is_other_pid_namespace(const struct sysroot *root)
{
	char target[40];

	return root->live && sysroot_readlink(root, target, sizeof(target), "proc/self/ns/pid") > 0 &&
	       strcmp(target, "pid:[4026531836]") != 0;
}

int guests_init(struct guests *guests, const struct sysroot *root)
{
	ssize_t len;

	*guests = (struct guests){ .other_pid_namespace = is_other_pid_namespace(root) };
	proc_helper_init(&guests->helper);
	len = sysroot_read(root, guests->boot_id, sizeof(guests->boot_id), "proc/sys/kernel/random/boot_id");
	if (is_shortage(len))
		return (int)len;
	if (len <= 0)
		strcpy(guests->boot_id, "-");
	guests->boot_id[strcspn(guests->boot_id, "\n")] = '\0';
	return reserve(guests);
}

void guests_exit(struct guests *guests)
{
	proc_helper_end(&guests->helper);
	for (uint32_t i = 0; i < guests->count; i++)
		guest_put(guests->list[i]);
	free(guests->list);
	free(guests->by_dir.slots);
	free(guests->by_process.slots);
	free(guests->by_tgid.slots);
	free(guests->by_kvm.slots);
}
