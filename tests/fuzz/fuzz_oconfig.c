/* SPDX-License-Identifier: MIT */
/*
 * The plugin's configuration as the daemon hands it over, and a start with it. The input is a program that makes the
 * tree: a byte says what comes, then the text of it, up to a NUL.
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/plugin.h>
#include <unistd.h>

#include "fake_daemon.h"
#include "fuzz.h"

#define KEY "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

enum { MAX_ITEMS = 24, MAX_VALUES = 6 };

void module_register(void);

static char root[] = "/tmp/kvmstat-fuzz-XXXXXX";
static bool is_prepared;

static void take_value(oconfig_value_t *value, uint8_t what, char *text)
{
	switch (what % 4) {
	case 0:
		value->type = OCONFIG_TYPE_NUMBER;
		value->value.number = strtod(text, NULL);
		break;
	case 1:
		value->type = OCONFIG_TYPE_BOOLEAN;
		value->value.boolean = text[0] & 1;
		break;
	default:
		value->type = OCONFIG_TYPE_STRING;
		value->value.string = text;
	}
}

/*
 * No repetitions: those of repetitions take the C library's regcomp() for ever. Root is the empty directory.
 */
static bool may_be_value(const oconfig_item_t *item, const char *text)
{
	return !strpbrk(text, "{+") && strcasecmp(item->key, "Root") != 0;
}

/*
 * Byte 0xff begins an option (of which the daemon's parser takes letters and digits only), 0xfe makes it a
 * block; all else begins a value.
 */
static void make_block(oconfig_item_t *block, char *text, size_t size)
{
	static char name[] = "Child";
	static oconfig_item_t child = {.key = name};
	oconfig_item_t *item = NULL;

	for (char *end = text + size; text < end;) {
		uint8_t what = (uint8_t)*text++;
		size_t len = strnlen(text, (size_t)(end - text));

		if (text == end)
			break;
		if (what == 0xff && block->children_num < MAX_ITEMS) {
			item = &block->children[block->children_num++];
			item->key = text;
			text[strspn(text, KEY)] = '\0';
		} else if (what == 0xfe && item) {
			item->children = &child;
			item->children_num = 1;
		} else if (item && item->values_num < MAX_VALUES && may_be_value(item, text)) {
			take_value(&item->values[item->values_num++], what, text);
		}
		text += len + 1;
	}
}

/* The last one counts. */
static void add_last(oconfig_item_t *block, char *key, char *value)
{
	oconfig_item_t *item = &block->children[block->children_num++];

	item->key = key;
	item->values_num = 1;
	take_value(&item->values[0], 2, value);
}

static void clean(void)
{
	rmdir(root);
}

static void prepare(void)
{
	must(mkdtemp(root) && atexit(clean) == 0);
	module_register();
	/* Whatever was sent last is in the cache, and was 0. */
	daemon_state.record = false;
	is_prepared = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oconfig_value_t values[MAX_ITEMS + 2][MAX_VALUES] = {0};
	oconfig_item_t items[MAX_ITEMS + 2] = {0}, block = {.key = (char[]){"Plugin"}, .children = items};
	char *copy = fuzz_copy(data, size);

	if (!is_prepared)
		prepare();
	for (int i = 0; i < MAX_ITEMS + 2; i++)
		items[i].values = values[i];
	make_block(&block, copy, size);
	add_last(&block, (char[]){"Root"}, root);
	/* Nothing is written wherever the input says. */
	add_last(&block, (char[]){"StateDir"}, (char[]){""});
	must(daemon_config(&block) == 0);
	if (daemon_init() == 0)
		for (int i = 0; i < 2; i++)
			must(daemon_read() == 0);
	must(daemon_shutdown() == 0);
	daemon_forget();
	free(copy);
	return 0;
}
