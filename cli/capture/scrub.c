// SPDX-License-Identifier: MIT
/*
 * scrub.c - kvmstat capture --scrub: guests under made-up names
 *
 * No part of a command line is kept, since any part may identify its owner. The replacement
 * contains the same data for kvmstat, in the options of this VMM.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

/* An option and its value: before, what it says, after. */
struct form {
	const char *option, *before, *after;
};

static const struct {
	const char *vmm, *program, *verb;
	struct form name, uuid, memory;
} vmms[] = {
	{ "qemu", "qemu-kvm", NULL, { "-name", "guest=", ",debug-threads=on" }, { "-uuid", "", "" }, { "-m", "size=", "B" } },
	{ "firecracker", "firecracker", NULL, { "--id", "", "" }, { 0 }, { 0 } },
	{ "cloud-hypervisor", "cloud-hypervisor", NULL, { "--api-socket", "path=/run/", ".sock" },
	  { "--platform", "uuid=", "" }, { "--memory", "size=", "B" } },
	{ "dragonball", "containerd-shim-kata-v2", NULL, { "-id", "", "" }, { 0 }, { 0 } },
	{ "crosvm", "crosvm", "run", { "--name", "", "" }, { 0 }, { "--mem", "size=", "B" } },
	{ "kvmtool", "lkvm", "run", { "--name", "", "" }, { 0 }, { "--mem", "", "B" } },
	/* The last entry: unknown programs. */
	{ "", "vmm", NULL, { "--name", "", "" }, { 0 }, { 0 } },
};

static size_t vmm_of(const struct subject *subject)
{
	size_t last = sizeof(vmms) / sizeof(*vmms) - 1;

	for (size_t i = 0; i < last; i++)
		if (!strcmp(vmms[i].vmm, subject->guest->vmm))
			return i;
	return last;
}

const char *scrubbed_comm(const struct subject *subject)
{
	return vmms[vmm_of(subject)].program;
}

/* As in /proc, a NUL after each argument. */
static void put(FILE *file, const struct form *form, const char *value)
{
	if (form->option)
		fprintf(file, "%s%c%s%s%s%c", form->option, 0, form->before, value, form->after, 0);
}

char *scrubbed_cmdline(const struct subject *subject, size_t *len)
{
	size_t vmm = vmm_of(subject);
	char *data, memory[24];
	FILE *file = open_memstream(&data, len);

	if (!file)
		out_of_memory();
	fprintf(file, "%s%c", vmms[vmm].program, 0);
	if (vmms[vmm].verb)
		fprintf(file, "%s%c", vmms[vmm].verb, 0);
	if (!subject->unnamed)
		put(file, &vmms[vmm].name, subject->name);
	if (*subject->uuid)
		put(file, &vmms[vmm].uuid, subject->uuid);
	snprintf(memory, sizeof(memory), "%" PRIu64, subject->guest->memory);
	if (subject->guest->memory)
		put(file, &vmms[vmm].memory, memory);
	if (fclose(file))
		out_of_memory();
	return data;
}

/* The numbers behind the name are kept. */
char *scrubbed_stat(const struct subject *subject, const char *stat)
{
	const char *rest = strrchr(stat, ')');
	char *made;

	if (asprintf(&made, "%d (%s%s", (int)subject->guest->pid, scrubbed_comm(subject), rest ? rest : ")\n") < 0)
		out_of_memory();
	return made;
}

/* Names that VMMs give to the threads of vCPUs; the numbers in them left out, and the newline of comm behind. */
const char *scrubbed_thread(const char *comm)
{
	static const char *const names[] = { "CPU /KVM\n", "fc_vcpu \n", "vcpu\n", "crosvm_vcpu\n", "kvm-vcpu-\n" };
	char bare[64];
	size_t len = 0;

	for (const char *at = comm; *at && len + 1 < sizeof(bare); at++)
		if (!isdigit((unsigned char)*at))
			bare[len++] = *at;
	bare[len] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(bare, names[i]))
			return comm;
	return "thread\n";
}

/* The number of the first subject, counted from 1, of which same() says that it is like this one. */
static uint32_t first_like(const struct capture *capture, uint32_t i, bool (*same)(const struct kvmstat_guest *, const struct kvmstat_guest *))
{
	uint32_t first = 0;

	while (first < i && !same(capture->subjects[first].guest, capture->subjects[i].guest))
		first++;
	return first + 1;
}

static bool same_name(const struct kvmstat_guest *a, const struct kvmstat_guest *b)
{
	return !strcmp(a->name, b->name);
}

static bool same_uuid(const struct kvmstat_guest *a, const struct kvmstat_guest *b)
{
	return !strcmp(a->uuid, b->uuid);
}

void scrub_subjects(struct capture *capture)
{
	for (uint32_t i = 0; i < capture->sample->nrows; i++) {
		struct subject *subject = &capture->subjects[i];

		snprintf(subject->made_name, sizeof(subject->made_name), "guest%u", first_like(capture, i, same_name));
		if (*subject->guest->uuid)
			snprintf(subject->made_uuid, sizeof(subject->made_uuid), "00000000-0000-4000-8000-%012u",
				 first_like(capture, i, same_uuid));
		subject->name = subject->made_name;
		subject->uuid = subject->made_uuid;
	}
}

bool names_guests(const struct capture *capture, const char *text, size_t size)
{
	if (strlen(text) + 1 >= size)
		return true;
	for (uint32_t i = 0; i < capture->sample->nrows; i++) {
		const struct kvmstat_guest *guest = capture->subjects[i].guest;

		if ((*guest->name && strstr(text, guest->name)) || (*guest->uuid && strstr(text, guest->uuid)))
			return true;
	}
	return false;
}
