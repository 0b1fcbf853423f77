/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "view/reader.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_CS UINT64_C(10000000)

/* Longer than snmpd lets a transaction live (agentXTimeout and its retries). */
#define PIN_NS (10 * NS_PER_S)

enum {
	STALE_INTERVALS = 3,
	UPTIME_JITTER = 100,	/* 1/100 s; snmpd's sysUpTime is known to the subagent about this well */
};

void reader_init(struct reader *reader, struct views *views, uint32_t interval_s)
{
	memset(reader, 0, sizeof(*reader));
	reader->views = views;
	reader_set_interval(reader, interval_s);
}

void reader_set_interval(struct reader *reader, uint32_t interval_s)
{
	reader->interval_s = interval_s;
	reader->stale_ns = STALE_INTERVALS * NS_PER_S * interval_s;
}

static void drop_pin(struct pin *pin)
{
	view_put(pin->view);
	pin->view = NULL;
}

static void drop_pins(struct reader *reader)
{
	for (int i = 0; i < READER_PINS; i++)
		drop_pin(&reader->pins[i]);
}

void reader_reset(struct reader *reader)
{
	drop_pins(reader);
	reader->nbases = 0;
}

void reader_set_views(struct reader *reader, struct views *views)
{
	if (reader->views == views)
		return;
	drop_pins(reader);
	view_put(reader->newest);
	reader->newest = NULL;
	reader->views = views;
}

void reader_exit(struct reader *reader)
{
	reader_reset(reader);
	view_put(reader->newest);
	reader->newest = NULL;
}

static void take_newest(struct reader *reader)
{
	struct view *view = views_take(reader->views);

	if (!view)
		return;
	view_put(reader->newest);
	reader->newest = view;
}

const struct view *reader_view(struct reader *reader, long transaction, uint64_t now_ns)
{
	struct pin *pin;

	for (int i = 0; transaction && i < READER_PINS; i++)
		if (reader->pins[i].view && reader->pins[i].transaction == transaction)
			return reader->pins[i].view;
	take_newest(reader);
	if (!transaction || !reader->newest)
		return reader->newest;
	pin = &reader->pins[reader->next_pin++ % READER_PINS];
	drop_pin(pin);
	pin->transaction = transaction;
	pin->since_ns = now_ns;
	pin->view = view_get(reader->newest);
	return pin->view;
}

void reader_expire(struct reader *reader, uint64_t now_ns)
{
	take_newest(reader);
	for (int i = 0; i < READER_PINS; i++)
		if (reader->pins[i].view && now_ns - reader->pins[i].since_ns > PIN_NS)
			drop_pin(&reader->pins[i]);
}

void reader_set_uptime(struct reader *reader, uint32_t uptime, uint64_t mono_ns)
{
	reader->uptime = uptime;
	reader->uptime_ns = mono_ns;
}

uint64_t reader_uptime(const struct reader *reader, uint64_t mono_ns)
{
	return reader->uptime + (mono_ns - reader->uptime_ns) / NS_PER_CS;
}

static void add_base(struct reader *reader, int64_t from, int64_t base)
{
	if (reader->nbases == READER_BASES)
		memmove(reader->bases, reader->bases + 1, --reader->nbases * sizeof(reader->bases[0]));
	reader->bases[reader->nbases++] = (struct uptime_base){ from, base };
}

/* Has the host slept, or sysUpTime restarted? Times shown before are older than the last check. */
static void look_at_uptime(struct reader *reader, int64_t now, uint64_t uptime)
{
	int64_t base = now - (int64_t)uptime, last = reader->nbases ? reader->bases[reader->nbases - 1].base : 0;
	/* sysUpTime has 32 bits: that it wraps is no shift. */
	int64_t shift = (int32_t)(uint32_t)(base - last);

	if (!reader->nbases || (llabs(shift) > UPTIME_JITTER && uptime < reader->based_uptime)) {
		reader->nbases = 0;
		add_base(reader, INT64_MIN, base);
	} else if (llabs(shift) > UPTIME_JITTER) {
		add_base(reader, reader->based_at + 1, last + shift);
	}
	reader->based_uptime = uptime;
	reader->based_at = now;
}

uint32_t reader_timestamp(struct reader *reader, uint64_t time_ns, uint64_t now_ns, uint64_t uptime)
{
	int64_t time = (int64_t)(time_ns / NS_PER_CS);
	uint32_t i;

	look_at_uptime(reader, (int64_t)(now_ns / NS_PER_CS), uptime);
	i = reader->nbases - 1;
	while (i && time < reader->bases[i].from)
		i--;
	return time > reader->bases[i].base ? (uint32_t)(time - reader->bases[i].base) : 0;
}
