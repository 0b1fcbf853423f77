/* SPDX-License-Identifier: MIT */
/* libvirt's status XML. */
#include "fuzz.h"
#include "guests/vmm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct identity identity = {0};

	if (identity_from_libvirt(&identity, copy, size, 4711))
		must(identity.name != NULL);
	must(!identity.uuid[0] || strlen(identity.uuid) == 36);
	must(identity.nthreads == 0 || identity.threads != NULL);
	identity_free(&identity);
	free(copy);
	return 0;
}
