/* SPDX-License-Identifier: MIT */
#include "quiet_vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const uint64_t SECOND = 1000000000;

int kvm = -1;
char why[300];

struct kvmstat *kvmstat;
struct kvmstat_sample *sample;
int vm_fd, vcpus[VCPUS], stats[VCPUS];
bool heard;

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void make_vcpu(int id)
{
	vcpus[id] = ioctl(vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	assert_true(vcpus[id] >= 0);
}

void keep_stats(int id)
{
	stats[id] = ioctl(vcpus[id], KVM_GET_STATS_FD, 0);
	assert_true(stats[id] >= 0);
}

void make_vm(void)
{
	vm_fd = ioctl(kvm, KVM_CREATE_VM, 0ul);
	assert_true(vm_fd >= 0);
	for (int id = 0; id < 2; id++) {
		make_vcpu(id);
		keep_stats(id);
	}
}

void end_vm(void)
{
	for (int i = 0; i < VCPUS; i++) {
		close_fd(&stats[i]);
		close_fd(&vcpus[i]);
	}
	close_fd(&vm_fd);
}

void collect(void)
{
	char text[32] = "";

	kvmstat_sample_put(sample);
	if (!heard && kvmstat->context.uevents.is_open) {
		assert_true(pread(kvmstat->context.uevents.fd, text, sizeof(text) - 1, 0) > 0);
		kvmstat->context.uevents.number = strtoull(text, NULL, 10);
	}
	assert_int_equal(kvmstat_collect(kvmstat, &sample), 0);
}

const struct kvmstat_row *pass(void)
{
	collect();
	assert_int_equal(sample->nrows, 1);
	return &sample->rows[0];
}

struct guest *guest(void)
{
	for (uint32_t i = 0; i < kvmstat->context.guests.count; i++)
		if (kvmstat->context.guests.list[i]->wanted)
			return kvmstat->context.guests.list[i];
	fail_msg("no guest");
	return NULL;
}

void seconds_pass(unsigned int seconds)
{
	kvmstat->context.uevents.changed_ns -= seconds * SECOND;
	if (kvmstat->context.uevents.looked_ns)
		kvmstat->context.uevents.looked_ns -= seconds * SECOND;
}

void open_with(const char *sources, const char *event)
{
	struct kvmstat_config *config = kvmstat_config_new();
	char error[256], text[32];

	snprintf(text, sizeof(text), "/-%d/", getpid()); /* what a guest without a name is called */
	assert_int_equal(kvmstat_config_set(config, "Source", sources, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_config_set(config, "Guest", text, error, sizeof(error)), 0);
	if (event)
		assert_int_equal(kvmstat_config_set(config, "Event", event, error, sizeof(error)), 0);
	assert_int_equal(kvmstat_open(&kvmstat, config), 0);
	kvmstat_config_free(config);
}

bool is_quiet(void)
{
	const struct stats_fds *fds = stats_fds_of(guest());

	return fds->links && fds->quiet_since && fds->quiet_since == kvmstat->context.uevents.looked_ns;
}

void settle(void)
{
	heard = false;
	for (int i = 0; i < 10; i++) {
		pass();
		if (is_quiet())
			return;
		seconds_pass(2);
	}
	fail_msg("it does not settle");
}

int setup(void **state)
{
	(void)state;
	vm_fd = -1;
	for (int i = 0; i < VCPUS; i++)
		vcpus[i] = stats[i] = -1;
	if (why[0])
		return 0;
	make_vm();
	open_with("statsfd debugfs", NULL);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	kvmstat_sample_put(sample);
	sample = NULL;
	kvmstat_close(kvmstat);
	kvmstat = NULL;
	end_vm();
	return 0;
}

void begin(void)
{
	char path[64];

	if (why[0]) {
		print_message("nothing to test with: %s\n", why);
		skip();
	}
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/vcpu1", gettid(), vm_fd);
	if (access(path, F_OK) < 0) {
		print_message("vCPUs have no directories here\n");
		skip();
	}
	settle();
}

int group_setup(void **state)
{
	struct kvmstat_sample *first = NULL;

	(void)state;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0) {
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(errno));
		return 0;
	}
	if (ioctl(kvm, KVM_CHECK_EXTENSION, 203) <= 0) {
		snprintf(why, sizeof(why), "this kernel has no binary statistics (Linux 5.14)");
		return 0;
	}
	if (access("/sys/kernel/debug/kvm", X_OK) < 0) {
		snprintf(why, sizeof(why), "no debugfs for this user (root's is mounted by tests/mounted): %s", strerror(errno));
		return 0;
	}
	open_with("statsfd debugfs", NULL);
	assert_int_equal(kvmstat_collect(kvmstat, &first), 0);
	if (first->sources[KVMSTAT_STATSFD].state == KVMSTAT_DENIED)
		snprintf(why, sizeof(why), "%s", first->sources[KVMSTAT_STATSFD].text);
	kvmstat_sample_put(first);
	kvmstat_close(kvmstat);
	return 0;
}

uint32_t present(const struct kvmstat_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sample->ncells; i++)
		count += row->from[i] == KVMSTAT_STATSFD;
	return count;
}

void expect_all(uint32_t number_of_vcpus)
{
	const struct kvmstat_row *row = pass();

	assert_int_equal(row->vcpu_count, number_of_vcpus);
	assert_true(present(row) > 5);
	assert_int_equal(sample->sources[KVMSTAT_STATSFD].state, KVMSTAT_ACTIVE);
}

void expect_none(const char *reason)
{
	assert_int_equal(present(pass()), 0);
	if (!strstr(sample->sources[KVMSTAT_STATSFD].text, reason))
		fail_msg("\"%s\" does not say \"%s\"", sample->sources[KVMSTAT_STATSFD].text, reason);
}
