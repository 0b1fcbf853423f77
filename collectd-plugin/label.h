/* SPDX-License-Identifier: MIT */
/*
 * label.h - pure: what a guest is called in collectd
 *
 * A guest's name is any bytes; a part of a collectd identifier is a piece of a path, of a Graphite metric
 * and at most 127 bytes. So a label keeps what is harmless everywhere, and says by a hash that it had to
 * change.
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

/* Words between blanks. 0, or -EINVAL with a message in error that says what to write. */
int label_format_host(struct label_format *format, const char *words, char *error, size_t size);
int label_format_instance(struct label_format *format, const char *words, char *error, size_t size);

/* True if guests of different names get different labels. */
bool label_distinguishes_guests(const struct naming *naming);

/* Room is left for label_append(). Returns true if something of name or UUID had to be changed. */
bool label_make(struct label *label, const struct naming *naming, const char *name, const char *uuid);

/* Append "-SUFFIX", of at most 16 bytes, to the part that tells guests apart. */
void label_append(struct label *label, const struct naming *naming, const char *suffix);

bool label_same(const struct label *a, const struct label *b);

#endif
