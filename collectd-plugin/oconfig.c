/* SPDX-License-Identifier: MIT */
/*
 * oconfig.c - a block <Plugin kvmstat> as collectd hands it over, to options as text
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/plugin.h>

#include "oconfig.h"
#include "types.h"

enum { MAX_VALUES_TEXT = 512 };

static void option_ignored(const char *key, const char *value, const char *why)
{
	char message[512];

	options_message(message, sizeof(message), key, value, why);
	ERROR(ME "%s; the option is ignored", message);
}

static const char *value_text(const oconfig_value_t *value, char *buf, size_t size)
{
	if (value->type == OCONFIG_TYPE_STRING)
		return value->value.string;
	if (value->type == OCONFIG_TYPE_BOOLEAN)
		return value->value.boolean ? "true" : "false";
	snprintf(buf, size, "%.15g", value->value.number);
	return buf;
}

/* All values of an option, separated by blanks. */
static void item_text(const oconfig_item_t *item, char *text, size_t size)
{
	char buf[32];
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < item->values_num && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? " " : "",
					value_text(&item->values[i], buf, sizeof(buf)));
}

static void config_value(struct options *options, const char *key, const char *text)
{
	char message[512] = "";

	if (options_set(options, key, text, message, sizeof(message)))
		ERROR(ME "%s; the option is ignored", message);
}

static void config_each(struct options *options, const oconfig_item_t *item)
{
	char buf[32];

	for (int i = 0; i < item->values_num; i++) {
		const char *text = value_text(&item->values[i], buf, sizeof(buf));

		/*
		 * collectd parses unquoted 007 and yes as a number and a boolean, and does not keep
		 * the text.
		 */
		if (item->values[i].type == OCONFIG_TYPE_STRING)
			config_value(options, item->key, text);
		else
			option_ignored(item->key, text, "put it in quotes");
	}
}

static void config_item(struct options *options, const oconfig_item_t *item)
{
	enum kvmstat_option_kind kind = options_kind(item->key);
	char text[MAX_VALUES_TEXT];
	const char *wrong = NULL;

	item_text(item, text, sizeof(text));
	if (item->children_num)
		wrong = "not a block; write it as an option";
	else if (!item->values_num)
		wrong = "there is no value; expected one";
	else if (kind == KVMSTAT_OPTION_ONE && item->values_num > 1)
		wrong = "more than one value; expected only one";
	if (wrong)
		option_ignored(item->key, item->values_num ? text : NULL, wrong);
	else if (kind == KVMSTAT_OPTION_EACH)
		config_each(options, item);
	else
		config_value(options, item->key, text);
}

void oconfig_take(struct options *options, const oconfig_item_t *block)
{
	for (int i = 0; i < block->children_num; i++)
		config_item(options, &block->children[i]);
}
