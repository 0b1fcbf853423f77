/* SPDX-License-Identifier: MIT */
/* /proc/PID/cmdline of anything that calls itself a VMM; and cgroup paths. */
#include "fuzz.h"
#include "guests/vmm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct identity identity = {0};

	must(identity_from_cmdline(&identity, copy, size) == (identity.name != NULL));
	must(!identity.uuid[0] || strlen(identity.uuid) == 36);
	must(memchr(identity.vmm, '\0', sizeof(identity.vmm)) != NULL);
	identity_free(&identity);
	must(identity_from_cgroup(&identity, copy) == (identity.name != NULL));
	identity_free(&identity);
	free(copy);
	return 0;
}
