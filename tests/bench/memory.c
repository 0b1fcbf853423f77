/* SPDX-License-Identifier: MIT */
/*
 * memory - a process that is nothing but the core with guests to watch; says what it needs and waits for its
 *input to end, so that it can be looked at
 *
 *	memory SOURCE ROOT
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kvmstat.h"

enum { PASSES = 4 };

static int collect(struct kvmstat *kvmstat)
{
	struct kvmstat_sample *before = NULL, *sample;
	unsigned long long cells = 0;

	for (int i = 0; i < PASSES; i++) {
		int rc = kvmstat_collect(kvmstat, &sample);

		if (rc < 0)
			return rc;
		kvmstat_sample_put(before);
		before = sample;
	}
	/* A value and where it came from, in each of the two samples that a front end has at the same time.
	 */
	cells = (unsigned long long)sample->nrows * sample->ncells;
	printf("{\"guests\": %u, \"cells\": %u, \"matrix\": %llu, \"events\": [", sample->nrows, sample->ncells,
	       2 * cells * 9);
	for (uint32_t i = 0; i < sample->ncolumns; i++)
		printf("%s[\"%s\", \"%s\"]", i ? ", " : "",
		       sample->columns[i].event->class == KVMSTAT_INSTANT || sample->columns[i].event->class == KVMSTAT_PEAK ?
			       "Gauge" :
			       "Derive",
		       sample->columns[i].event->name);
	printf("]}\n");
	fflush(stdout);
	getchar();
	kvmstat_sample_put(sample);
	return 0;
}

int main(int argc, char **argv)
{
	struct kvmstat_config *config = kvmstat_config_new();
	struct kvmstat *kvmstat = NULL;
	char error[256] = "";
	int rc = config && argc == 3 ? 0 : -EINVAL;

	if (rc == 0)
		rc = kvmstat_config_set(config, "Source", argv[1], error, sizeof(error));
	if (rc == 0)
		rc = kvmstat_config_set(config, "Root", argv[2], error, sizeof(error));
	if (rc == 0)
		rc = kvmstat_open(&kvmstat, config);
	kvmstat_config_free(config);
	if (rc == 0)
		rc = collect(kvmstat);
	if (rc < 0)
		fprintf(stderr, "memory: %s %s\n", strerror(-rc), error);
	kvmstat_close(kvmstat);
	return rc < 0;
}
