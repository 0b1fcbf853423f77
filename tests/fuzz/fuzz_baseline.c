/* SPDX-License-Identifier: MIT */
/*
 * The text that levels and alarms are kept in. With an even first byte it gets the checksum that fits, or nothing
 * within would ever be reached. What was taken is written, and that is taken again.
 */
#include <errno.h>

#include "derive/state.h"
#include "fuzz.h"
#include "kvmstat.h"

static struct kvmstat_diagnosis *new_diagnosis(void)
{
	static const struct kvmstat_diagnosis_config config;
	struct kvmstat_diagnosis *diagnosis = kvmstat_diagnosis_new(&config);

	must(diagnosis != NULL);
	return diagnosis;
}

static void again(const struct kvmstat_diagnosis *diagnosis)
{
	struct kvmstat_diagnosis *other = new_diagnosis();
	char *text, error[128] = "";
	size_t size;

	must(kvmstat_diagnosis_write(diagnosis, &text, &size) == 0);
	must(kvmstat_diagnosis_read(other, text, size, error, sizeof(error)) == 0);
	must(kvmstat_diagnosis_read_good(other, text, size, error, sizeof(error)) == 0);
	free(text);
	kvmstat_diagnosis_free(other);
}

static void take(const char *text, size_t size)
{
	struct kvmstat_diagnosis *diagnosis = new_diagnosis();
	char error[128] = "";
	int rc = kvmstat_diagnosis_read(diagnosis, text, size, error, sizeof(error));

	must(rc == 0 || (rc == -EINVAL && error[0]));
	if (rc == 0)
		again(diagnosis);
	kvmstat_diagnosis_free(diagnosis);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size + 32);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	if (data[0] % 2 == 0)
		size += (size_t)snprintf(text + size - 1, 32, "end\t%016llx\n",
					 (unsigned long long)state_checksum(text, size - 1));
	take(text, size - 1);
	free(text);
	return 0;
}
