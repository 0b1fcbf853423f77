/* SPDX-License-Identifier: MIT */
/* A file of binary statistics: header, id string and descriptors, wherever the header says that they are. */
#include <errno.h>
#include <stdbool.h>

#include "fuzz.h"
#include "sources/statsfd/format.h"

/* What is at offset, in memory that ends with the file. NULL: it is not there. */
static char *piece(const uint8_t *data, size_t size, uint32_t offset, size_t len)
{
	return offset <= size && len <= size - offset ? fuzz_copy(data + offset, len) : NULL;
}

static void check(const struct stats_desc *descs, int count, uint32_t data_size)
{
	must(data_size <= STATS_DATA_MAX);
	for (int i = 0; i < count; i++) {
		const struct stats_desc *desc = &descs[i];
		bool one = desc->class == KVMSTAT_CUMULATIVE || desc->class == KVMSTAT_INSTANT || desc->class == KVMSTAT_PEAK;

		must(desc->cells > 0 && (!one || desc->cells == 1));
		must(desc->offset % 8 == 0 && desc->offset + desc->cells * 8ull <= data_size);
		must(desc->name[0] && desc->class < KVMSTAT_NCLASSES && desc->unit < KVMSTAT_NUNITS);
		for (int k = 0; k < i; k++)
			must(descs[k].offset + descs[k].cells * 8 <= desc->offset ||
			     desc->offset + desc->cells * 8 <= descs[k].offset);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stats_header header;
	struct stats_desc *descs;
	struct stats_id id;
	uint32_t data_size;
	char *text;
	int count;

	if (stats_parse_header(data, size, &header) < 0)
		return 0;
	text = piece(data, size, header.id_offset, header.name_size);
	if (text && stats_parse_id(text, header.name_size, &id) == 0)
		must(id.tid >= 0 && id.vcpu >= -1);
	free(text);
	must(stats_descs_size(&header) <= STATS_DESCS_SIZE_MAX);
	text = piece(data, size, header.desc_offset, stats_descs_size(&header));
	if (!text)
		return 0;
	descs = calloc(header.num_desc + 1u, sizeof(*descs));
	must(descs != NULL);
	count = stats_parse_descs(&header, text, stats_descs_size(&header), descs, &data_size);
	must(count == -EBADMSG || (count >= 0 && (uint32_t)count <= header.num_desc));
	if (count > 0)
		check(descs, count, data_size);
	free(descs);
	free(text);
	return 0;
}
