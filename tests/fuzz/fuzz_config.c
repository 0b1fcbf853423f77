/* SPDX-License-Identifier: MIT */
/* Options, one a line, "KEY VALUE"; the values then go through the filters as names. */
#include <errno.h>

#include "core/config.h"
#include "fuzz.h"

static void set(struct kvmstat_config *config, char *line)
{
	char error[160] = "", *value = strchr(line, ' ');
	int rc;

	if (value)
		*value++ = '\0';
	else
		value = line + strlen(line);
	/* A repetition of repetitions takes the C library's regcomp() for ever. */
	if (strpbrk(value, "{\\*+"))
		return;
	rc = kvmstat_config_set(config, line, value, error, sizeof(error));
	must(rc == 0 || rc == -ENOENT || rc == -EINVAL);
	must((rc == -EINVAL) == (error[0] != '\0'));
	filter_pass(config->guests, value, line);
	filter_pass(config->events, value, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvmstat_config *config = kvmstat_config_new();
	char *copy = fuzz_copy(data, size), *rest = copy, *line;
	struct kvmstat_config *other;

	while ((line = strsep(&rest, "\n")))
		set(config, line);
	other = config_copy(config);
	must(other != NULL);
	must(filter_pass(other->guests, "web", NULL) == filter_pass(config->guests, "web", NULL));
	kvmstat_config_free(config);
	must(other->root != NULL);
	filter_pass(other->events, "exit_null", NULL);
	kvmstat_config_free(other);
	free(copy);
	return 0;
}
