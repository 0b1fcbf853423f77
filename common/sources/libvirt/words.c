/* SPDX-License-Identifier: MIT */
#include "sources/libvirt/words.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "0123456789";
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* sum, cur or max. */
static bool parse_type(const char *type, enum kvmstat_class *class)
{
	static const struct {
		const char *word;
		enum kvmstat_class class;
	} types[] = {
		{ "sum", KVMSTAT_CUMULATIVE },
		{ "cur", KVMSTAT_INSTANT },
		{ "max", KVMSTAT_PEAK },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i].word) == 0) {
			*class = types[i].class;
			return true;
		}
	}
	return false;
}

/* NAME.TYPE. Ignores other forms, unknown types, and names that no event can have. */
static void parse_event(const char *text, enum kvmstat_scope scope, struct libvirt_key *key)
{
	size_t len = strspn(text, name_characters);

	if (!len || len > LIBVIRT_MAX_NAME || text[len] != '.' || !parse_type(text + len + 1, &key->class))
		return;
	key->kind = LIBVIRT_EVENT;
	key->scope = scope;
	memcpy(key->name, text, len);
	key->name[len] = '\0';
}

/* Parse the part after "vcpu.". 0 or -EBADMSG. */
static int parse_vcpu(const char *text, struct libvirt_key *key)
{
	static const struct {
		const char *word;
		enum libvirt_kind kind;
	} words[] = {
		{ "state", LIBVIRT_STATE },
		{ "time", LIBVIRT_TIME },
		{ "delay", LIBVIRT_DELAY },
	};
	size_t len = strspn(text, digits);

	if (strcmp(text, "current") == 0)
		key->kind = LIBVIRT_VCPUS;
	if (!len)
		return 0;
	for (size_t i = 0; i < len && key->vcpu <= LIBVIRT_MAX_VCPU; i++)
		key->vcpu = key->vcpu * 10 + (uint32_t)(text[i] - '0');
	if (key->vcpu > LIBVIRT_MAX_VCPU || text[len] != '.')
		return -EBADMSG;
	text += len + 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i].word) == 0)
			key->kind = words[i].kind;
	parse_event(text, KVMSTAT_VCPU, key);
	return 0;
}

int libvirt_parse(const struct libvirt_param *param, struct libvirt_key *key)
{
	int rc = 0;

	key->kind = LIBVIRT_OTHER;
	key->vcpu = 0;
	if (strncmp(param->field, "vm.", 3) == 0)
		parse_event(param->field + 3, KVMSTAT_VM, key);
	else if (strncmp(param->field, "vcpu.", 5) == 0)
		rc = parse_vcpu(param->field + 5, key);
	if (rc == 0 && key->kind != LIBVIRT_OTHER && !param->is_number)
		rc = -EBADMSG;
	if (rc == 0 && key->kind == LIBVIRT_VCPUS && param->number > LIBVIRT_MAX_VCPU + 1)
		rc = -EBADMSG;
	return rc;
}

enum kvmstat_unit libvirt_unit(const struct libvirt_param *param, const char *name)
{
	size_t len = strlen(name);

	if (param->is_boolean)
		return KVMSTAT_BOOLEAN;
	return len > 3 && strcmp(name + len - 3, "_ns") == 0 ? KVMSTAT_NS : KVMSTAT_COUNT;
}
