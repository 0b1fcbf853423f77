/* SPDX-License-Identifier: MIT */
/* What libvirt says of a guest: one parameter a line, with the kind of its value before it ('=' a number, 'b' a boolean). */
#include <errno.h>

#include "fuzz.h"
#include "sources/libvirt/words.h"

static void parse(const char *field, char kind)
{
	struct libvirt_param param = { .field = field, .number = strlen(field), .is_number = kind == '=' || kind == 'b',
				       .is_boolean = kind == 'b' };
	struct libvirt_key key;
	int rc = libvirt_parse(&param, &key);

	must(rc == 0 || rc == -EBADMSG);
	if (rc < 0)
		return;
	must(key.vcpu <= LIBVIRT_MAX_VCPU);
	must(param.is_number || key.kind == LIBVIRT_OTHER);
	if (key.kind != LIBVIRT_EVENT)
		return;
	must(key.name[0] && strlen(key.name) <= LIBVIRT_MAX_NAME && strstr(field, key.name));
	must(key.class == KVMSTAT_CUMULATIVE || key.class == KVMSTAT_INSTANT || key.class == KVMSTAT_PEAK);
	must(key.scope == KVMSTAT_VM || key.scope == KVMSTAT_VCPU);
	must(libvirt_unit(&param, key.name) < KVMSTAT_NUNITS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			parse(line + 1, *line);
	free(copy);
	return 0;
}
