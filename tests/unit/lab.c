/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct lab *lab_new(void)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->tree = tree_new();
	lab->config = kvmstat_config_new();
	assert_non_null(lab->config);
	tree_dir(lab->tree, "sys/kernel/debug");
	tree_dir(lab->tree, "sys/module/kvm");
	tree_text(lab->tree, "proc/sys/kernel/random/boot_id", "b00710ad-0000-4000-8000-000000000001\n");
	tree_text(lab->tree, "sys/devices/system/cpu/online", "0-3,8\n");
	return lab;
}

void lab_free(struct lab *lab)
{
	kvmstat_sample_put(lab->sample);
	kvmstat_close(lab->kvmstat);
	kvmstat_config_free(lab->config);
	tree_free(lab->tree);
	free(lab);
}

void lab_set(struct lab *lab, const char *key, const char *value)
{
	char error[256] = "";

	if (kvmstat_config_set(lab->config, key, value, error, sizeof(error)) < 0)
		fail_msg("%s %s: %s", key, value, error);
}

void lab_write(struct lab *lab, const char *text, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	tree_text(lab->tree, path, text);
}

void lab_event(struct lab *lab, const char *base, const char *name, mode_t mode)
{
	char path[256];

	lab_write(lab, "666666\n", "sys/kernel/debug/%s/%s", base, name);
	snprintf(path, sizeof(path), "sys/kernel/debug/%s/%s", base, name);
	assert_int_equal(fchmodat(lab->tree->root.fd, path, mode, 0), 0);
}

void lab_value(struct lab *lab, const char *guest, const char *event, const char *text)
{
	lab_write(lab, text, "sys/kernel/debug/%s/%s", guest, event);
}

void lab_guest(struct lab *lab, const char *guest)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/kernel/debug/%s", guest);
	tree_dir(lab->tree, path);
}

void lab_discard(struct lab *lab, const char *path)
{
	char trash[64];

	tree_dir(lab->tree, "trash");
	snprintf(trash, sizeof(trash), "trash/%d", lab->trash++);
	tree_must(renameat(lab->tree->root.fd, path, lab->tree->root.fd, trash) == 0, "discard", path);
}

void lab_end_guest(struct lab *lab, const char *guest)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/kernel/debug/%s", guest);
	lab_discard(lab, path);
}

void lab_thread(struct lab *lab, int tid, int tgid)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "Name:\tworker\nUmask:\t0022\nState:\tS\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n", tgid, tid);
	lab_write(lab, text, "proc/%d/status", tid);
}

void lab_fd(struct lab *lab, int pid, int fd, const char *format, ...)
{
	char path[64], target[64];
	va_list args;

	va_start(args, format);
	vsnprintf(target, sizeof(target), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "proc/%d/fd/%d", pid, fd);
	tree_symlink(lab->tree, path, target);
}

void lab_process(struct lab *lab, int pid, const char *name, unsigned long ticks)
{
	char text[512], path[64];
	int len;

	lab_thread(lab, pid, pid);
	snprintf(text, sizeof(text), "%d (my vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %lu 0 0\n", pid,
		 ticks);
	lab_write(lab, text, "proc/%d/stat", pid);
	lab_write(lab, name ? "qemu-system-s39\n" : "myvmm\n", "proc/%d/comm", pid);
	len = snprintf(text, sizeof(text), "%s%c-name%c%s",
		       name ? "/usr/bin/qemu-system-s390x" : "/opt/myvmm", 0, 0, name ? name : "x");
	if (!name)
		len = (int)strlen("/opt/myvmm");
	snprintf(text + len + 1, sizeof(text) - (size_t)len - 1, "%s", "");
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_file(lab->tree, path, text, (size_t)len + 1);
	snprintf(path, sizeof(path), "proc/%d/fd", pid);
	tree_dir(lab->tree, path);
}

void lab_vcpu(struct lab *lab, int pid, int id, int tid, const char *schedstat)
{
	char text[64];

	lab_fd(lab, pid, 100 + id, "anon_inode:kvm-vcpu:%d", id);
	snprintf(text, sizeof(text), "CPU %d/KVM\n", id);
	lab_write(lab, text, "proc/%d/task/%d/comm", pid, tid);
	if (schedstat)
		lab_write(lab, schedstat, "proc/%d/task/%d/schedstat", pid, tid);
}

void lab_qemu(struct lab *lab, int pid, const char *name)
{
	char guest[32];

	snprintf(guest, sizeof(guest), "kvm/%d-10", pid);
	lab_guest(lab, guest);
	lab_process(lab, pid, name, 1000ul + (unsigned long)pid);
	lab_fd(lab, pid, 10, "anon_inode:kvm-vm");
}

void lab_lockdown(struct lab *lab, const char *text)
{
	lab_write(lab, text, "sys/kernel/security/lockdown");
	/* The collector looks again after some seconds: they have passed. */
	if (lab->kvmstat)
		lab->kvmstat->context.host.read_at_ns = 0;
}

void lab_open(struct lab *lab)
{
	lab_set(lab, "Root", lab->tree->path);
	assert_int_equal(kvmstat_open(&lab->kvmstat, lab->config), 0);
}

void lab_check(const struct kvmstat_sample *sample)
{
	uint32_t cells = 0;

	for (uint32_t i = 0; i < sample->ncolumns; i++) {
		const struct kvmstat_column *column = &sample->columns[i];

		assert_int_equal(column->first_cell, cells);
		assert_true(column->cells > 0);
		cells += column->cells;
		assert_true(!i || column->event->number > sample->columns[i - 1].event->number);
		assert_ptr_equal(kvmstat_sample_column(sample, column->event->number), column);
		assert_int_equal(column->source == KVMSTAT_ABSENT, column->reason[0] != '\0');
		for (uint32_t row = 0; row < sample->nrows; row++) {
			uint8_t from = sample->rows[row].from[column->first_cell];

			assert_true(from == KVMSTAT_ABSENT || from == column->source);
		}
	}
	assert_int_equal(cells, sample->ncells);
	for (uint32_t i = 0; i < sample->nrows; i++) {
		assert_non_null(sample->rows[i].guest);
		assert_true(!i || sample->rows[i].guest->id > sample->rows[i - 1].guest->id);
	}
}

const struct kvmstat_sample *lab_pass(struct lab *lab)
{
	struct kvmstat_sample *sample = NULL;

	if (!lab->kvmstat)
		lab_open(lab);
	assert_int_equal(kvmstat_collect(lab->kvmstat, &sample), 0);
	assert_non_null(sample);
	lab_check(sample);
	if (lab->sample) {
		assert_int_equal(sample->number, lab->sample->number + 1);
		assert_true(sample->time_ns >= lab->sample->time_ns);
		assert_true(sample->guest_generation >= lab->sample->guest_generation);
		assert_true(sample->event_generation >= lab->sample->event_generation);
	}
	kvmstat_sample_put(lab->sample);
	lab->sample = sample;
	return sample;
}

const struct kvmstat_row *lab_find(const struct kvmstat_sample *sample, const char *name)
{
	for (uint32_t i = 0; i < sample->nrows; i++)
		if (strcmp(sample->rows[i].guest->name, name) == 0)
			return &sample->rows[i];
	return NULL;
}

const struct kvmstat_row *lab_row(const struct kvmstat_sample *sample, const char *name)
{
	const struct kvmstat_row *row = lab_find(sample, name);

	if (!row)
		fail_msg("no guest \"%s\" among %u", name, sample->nrows);
	return row;
}

const struct kvmstat_column *lab_column(const struct kvmstat_sample *sample, const char *event)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		if (strcmp(sample->columns[i].event->name, event) == 0)
			return &sample->columns[i];
	return NULL;
}

bool lab_get(const struct kvmstat_sample *sample, const char *name, const char *event, uint64_t *value)
{
	const struct kvmstat_row *row = lab_row(sample, name);
	const struct kvmstat_column *column = lab_column(sample, event);

	if (!column || row->from[column->first_cell] == KVMSTAT_ABSENT)
		return false;
	*value = row->value[column->first_cell];
	return true;
}

bool lab_problem(const struct kvmstat_sample *sample, enum kvmstat_problem problem)
{
	return sample->problems[problem].active;
}
