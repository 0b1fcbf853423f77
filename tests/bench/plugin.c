/* SPDX-License-Identifier: MIT */
/*
 * plugin - what a read of the collectd plugin costs a value, beside a bare loop of plugin_dispatch_values()
 *
 *	plugin SECONDS PLUGIN SOURCE ROOT [OPTION]
 *	plugin memory|once|idle PLUGIN SOURCE ROOT	after some reads, or none: waits for its input to end
 *
 * The real shared object in the tests' fake daemon. plugin_dispatch_values() does here what collectd's own does
 * before it returns: copy the list into a queue and wake a thread, which then throws it away.
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocs.h"
#include "fake_daemon.h"
#include "measure.h"

/* A read is steady when it sends as many values as those before it. */
enum { WARM_UP = 6, COUNTED = 50, MAX_COUNTED = 500, SETTLED = 4 };

static const char options[] = "<Plugin kvmstat>\n  Source \"%s\"\n  Root \"%s\"\n  SkipNeverSeen false\n  Pace 0\n  "
			      "MaxValues 1000000\n  %s\n</Plugin>\n";

/* ---- collectd's write queue ---- */

struct queued {
	value_list_t *vl;
	plugin_ctx_t ctx;
	struct queued *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct queued *head, *tail;
	uint64_t enqueued, written;
	uint64_t allocs; /* by the calls below */
} queue = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, 0, 0, 0};

static struct queued *copy_list(const value_list_t *vl)
{
	struct queued *entry = malloc(sizeof(*entry));
	value_list_t *copy = malloc(sizeof(*copy));
	value_t *values = calloc(vl->values_len, sizeof(*values));

	if (!entry || !copy || !values)
		abort();
	memcpy(copy, vl, sizeof(*copy));
	memcpy(values, vl->values, vl->values_len * sizeof(*values));
	copy->values = values;
	*entry = (struct queued){.vl = copy};
	return entry;
}

/* The daemon's memory is not the plugin's. */
static bool drop;

int plugin_dispatch_values(value_list_t const *vl)
{
	struct queued *entry;

	if (drop)
		return 0;
	entry = copy_list(vl);
	pthread_mutex_lock(&queue.lock);
	if (queue.tail)
		queue.tail->next = entry;
	else
		queue.head = entry;
	queue.tail = entry;
	queue.enqueued++;
	queue.allocs += 3;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
	return 0;
}

static struct queued *take(void)
{
	struct queued *entry;

	pthread_mutex_lock(&queue.lock);
	while (!queue.head)
		pthread_cond_wait(&queue.filled, &queue.lock);
	entry = queue.head;
	queue.head = entry->next;
	if (!queue.head)
		queue.tail = NULL;
	pthread_mutex_unlock(&queue.lock);
	return entry;
}

static void *writer(void *arg)
{
	for (;;) {
		struct queued *entry = take();

		free(entry->vl->values);
		free(entry->vl);
		free(entry);
		pthread_mutex_lock(&queue.lock);
		if (++queue.written == queue.enqueued)
			pthread_cond_signal(&queue.emptied);
		pthread_mutex_unlock(&queue.lock);
	}
	return arg;
}

static void drain(void)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.written < queue.enqueued)
		pthread_cond_wait(&queue.emptied, &queue.lock);
	pthread_mutex_unlock(&queue.lock);
}

/* ---- the two sides ---- */

static int our_read(void *context)
{
	(void)context;
	if (daemon_read())
		return -EIO;
	drain();
	return 0;
}

static int bare_loop(void *context)
{
	const uint64_t *count = context;
	value_t value = {.derive = 0};
	value_list_t vl = {.values = &value,
			   .values_len = 1,
			   .host = "host",
			   .plugin = "bench",
			   .plugin_instance = "guest",
			   .type = "derive",
			   .type_instance = "event"};

	for (uint64_t i = 0; i < *count; i++) {
		value.derive++;
		plugin_dispatch_values(&vl);
	}
	drain();
	return 0;
}

/* What the plugin allocates besides what collectd does for it: calls in a steady read, or -1: there was none.
 */
static double allocs_per_read(uint64_t count)
{
	unsigned int settled = 0, counted = 0;
	uint64_t allocs = 0;

	for (int i = 0; i < MAX_COUNTED && counted < COUNTED; i++) {
		uint64_t all = allocs_count(), collectd = queue.allocs, before = queue.enqueued, sent;

		our_read(NULL);
		sent = queue.enqueued - before;
		settled = sent == count ? settled + 1 : 0;
		count = sent;
		if (settled < SETTLED)
			continue;
		allocs += allocs_count() - all - (queue.allocs - collectd);
		counted++;
	}
	return counted ? (double)allocs / counted : -1;
}

static uint64_t values_per_read(void)
{
	uint64_t before = queue.enqueued;

	for (int i = 0; i < WARM_UP; i++) {
		before = queue.enqueued;
		our_read(NULL);
	}
	return queue.enqueued - before;
}

static int compare(double seconds)
{
	uint64_t count = values_per_read();
	struct side ours = {.run = our_read}, floor = {.run = bare_loop, .context = &count};
	struct comparison result;
	char row[64];
	double allocs;

	if (measure(&result, &ours, &floor, seconds) < 0)
		return 1;
	snprintf(row, sizeof(row), "plugin read, %llu values", (unsigned long long)count);
	measure_print(row, "value", count, &result);
	allocs = allocs_per_read(count);
	if (allocs >= 0)
		measure_note(row, "allocations per read", allocs);
	return 0;
}

static int be_looked_at(int reads)
{
	drop = true;
	for (int i = 0; i < reads; i++)
		our_read(NULL);
	printf("ready\n");
	fflush(stdout);
	getchar();
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char text[1024];
	int rc;

	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: plugin SECONDS|memory|once|idle PLUGIN SOURCE ROOT [OPTION]\n");
		return 1;
	}
	snprintf(text, sizeof(text), options, argv[3], argv[4], argc == 6 ? argv[5] : "");
	daemon_load(argv[2]);
	if (daemon_configure(text) || daemon_init() || pthread_create(&thread, NULL, writer, NULL)) {
		daemon_print_log();
		return 1;
	}
	if (atof(argv[1]) > 0)
		rc = compare(atof(argv[1]));
	else
		rc = be_looked_at(!strcmp(argv[1], "memory") ? WARM_UP : !strcmp(argv[1], "once"));
	daemon_shutdown();
	daemon_print_log();
	return rc;
}
