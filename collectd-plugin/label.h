/* SPDX-License-Identifier: MIT */
/*
 * label.h - pure: the names of a guest in collectd
 *
 * A guest's name may be any bytes; a part of a collectd identifier becomes a part of a path and of
 * a Graphite metric, and has at most 127 bytes. So a label keeps characters that are safe
 * everywhere, and gets a hash if it replaced any.
 */
#ifndef KVMSTAT_LABEL_H
#define KVMSTAT_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a part of an identifier, as collectd's DATA_MAX_NAME_LEN. */
enum { LABEL_SIZE = 128, LABEL_FIELDS = 4 };

enum label_field { LABEL_HOSTNAME, LABEL_NAME, LABEL_UUID };

/* The words of HostnameFormat and PluginInstanceFormat; without any: an empty part. */
struct label_format {
	uint8_t n;
	uint8_t field[LABEL_FIELDS];
};

struct naming {
	struct label_format host;
	struct label_format instance;
	const char *hostname; /* of the hypervisor, as collectd calls it */
};

struct label {
	char host[LABEL_SIZE];
	char instance[LABEL_SIZE];
};

/* Parse words separated by blanks. 0, or -EINVAL with the expected value in error. */
int label_format_host(struct label_format *format, const char *words, char *error, size_t size);
int label_format_instance(struct label_format *format, const char *words, char *error, size_t size);

/* True if guests of different names get different labels. */
bool label_distinguishes_guests(const struct naming *naming);

/* Write the label, with room for label_append(). Returns true if name or UUID had to be changed. */
bool label_make(struct label *label, const struct naming *naming, const char *name, const char *uuid);

/* Append "-SUFFIX", of at most 16 bytes, to the part that distinguishes guests. */
void label_append(struct label *label, const struct naming *naming, const char *suffix);

bool label_same(const struct label *a, const struct label *b);

#endif
