/* SPDX-License-Identifier: MIT */
/* The iterator's records: the first byte says how long the reads are, the rest is what they bring. */
#include "core/collector.h"
#include "fuzz.h"
#include "sources/bpf/stream.h"

enum { NCELLS = 5 };

static const struct kvmstat_event events[] = {
	{.name = "flushes", .number = 1, .scope = KVMSTAT_VM},
	{.name = "exits", .number = 2, .scope = KVMSTAT_VCPU},
	{.name = "peak", .number = 3, .scope = KVMSTAT_VCPU, .class = KVMSTAT_PEAK},
	{.name = "hist", .number = 4, .scope = KVMSTAT_VCPU, .class = KVMSTAT_LOG_HIST},
};

static struct layout_event layout_events[] = {
	{(char *)"flushes", KVMSTAT_VM, 0, 1},
	{(char *)"exits", KVMSTAT_VCPU, 0, 1},
	{(char *)"peak", KVMSTAT_VCPU, 8, 1},
	{(char *)"hist", KVMSTAT_VCPU, 16, 2},
};

static struct column_set set = {.ncells = NCELLS, .refs = 1};
static struct bpf_stream stream = {.page_size = 4096};
static struct kvmstat *kvmstat;

static void prepare(void)
{
	const struct layout layout = {layout_events, 4, 8, 32, {.vcpu_kvm = 0}};
	struct kvmstat_config *config = kvmstat_config_new();
	char error[128], root[] = "/tmp/kvmstat-fuzz-XXXXXX";
	struct offer offers[4];

	for (uint32_t i = 0; i < 4; i++)
		offers[i] = (struct offer){&events[i], events[i].name, layout_events[i].cells, false, i, false};
	must(bpf_stream_bind(&stream, &layout, offers, NCELLS) == 0);
	must(mkdtemp(root) != NULL);
	must(kvmstat_config_set(config, "Root", root, error, sizeof(error)) == 0);
	must(kvmstat_open(&kvmstat, config) == 0);
	kvmstat_config_free(config);
	/* It stays open without its name. */
	must(remove(root) == 0);
}

static void feed(struct pass *pass, const uint8_t *data, size_t size)
{
	size_t chunk = data[0] ? data[0] : size, have = 0, taken = 0;

	data++;
	size--;
	while (have < size) {
		ssize_t got;
		char *copy;

		have = have + chunk < size ? have + chunk : size;
		copy = fuzz_copy(data + taken, have - taken);
		got = bpf_stream_feed(&stream, pass, copy, have - taken);
		free(copy);
		if (got < 0)
			return;
		must((size_t)got <= have - taken);
		taken += (size_t)got;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pass pass;

	if (!size)
		return 0;
	if (!kvmstat)
		prepare();
	for (int round = 0; round < 2; round++) {
		struct kvmstat_sample *sample;

		pass = (struct pass){.context = &kvmstat->context, .number = ++kvmstat->context.pass, .finds_guests = true};
		pass.sample = sample_begin(&kvmstat->pool, &set, kvmstat->context.guests.count);
		must(pass.sample != NULL);
		bpf_stream_begin(&stream, NULL);
		feed(&pass, data, size);
		bpf_stream_end(&stream, &pass);
		guests_sweep(&kvmstat->context.guests, pass.number);
		sample_publish(pass.sample, &kvmstat->context.guests, pass.number, true, NULL);
		sample = &pass.sample->public;
		must(sample->nrows == pass.seen);
		for (uint32_t row = 0; row < sample->nrows; row++)
			must(sample->rows[row].from[0] == KVMSTAT_BPF &&
			     !sample->rows[row].from[NCELLS - 1] ==
				     (sample->rows[row].from[1] == KVMSTAT_ABSENT));
		kvmstat_sample_put(sample);
		for (uint32_t i = 0; i < kvmstat->context.guests.count; i++)
			must(kvmstat->context.guests.list[i]->nvcpu <= BPF_MAX_VCPUS);
	}
	guests_sweep(&kvmstat->context.guests, 0);
	return 0;
}
