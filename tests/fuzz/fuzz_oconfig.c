/* SPDX-License-Identifier: MIT */
/*
 * The plugin's configuration as the daemon hands it over, and a start with it. The input is a program that makes the
 * tree: a byte says what comes, then the text of it, up to a NUL.
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/globals.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#include <collectd/core/daemon/utils_complain.h>
#include <unistd.h>

#include "fuzz.h"

#define KEY "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

enum { MAX_ITEMS = 24, MAX_VALUES = 6 };

char *hostname_g = (char[]){"hv01.example.com"};
void module_register(void);

static struct {
	int (*config)(oconfig_item_t *item);
	plugin_init_cb init;
	plugin_read_cb read;
	plugin_shutdown_cb shutdown;
} callbacks;

/* ---- what the plugin calls ---- */

int plugin_register_complex_config(const char *type, int (*callback)(oconfig_item_t *))
{
	(void)type;
	callbacks.config = callback;
	return 0;
}

int plugin_register_init(const char *name, plugin_init_cb callback)
{
	(void)name;
	callbacks.init = callback;
	return 0;
}

int plugin_register_complex_read(const char *group, const char *name, plugin_read_cb callback, cdtime_t interval,
				 user_data_t const *user_data)
{
	(void)group;
	(void)name;
	(void)interval;
	(void)user_data;
	callbacks.read = callback;
	return 0;
}

int plugin_register_shutdown(const char *name, plugin_shutdown_cb callback)
{
	(void)name;
	callbacks.shutdown = callback;
	return 0;
}

int plugin_register_data_set(const data_set_t *set)
{
	(void)set;
	return 0;
}

const data_set_t *plugin_get_ds(const char *name)
{
	static data_source_t sources[2] = {{"value", DS_TYPE_GAUGE, 0, 0}, {"value", DS_TYPE_DERIVE, 0, 0}};
	static data_set_t set = {.ds_num = 1};

	set.ds = &sources[!strcmp(name, "derive")];
	return &set;
}

/* Whatever was sent last is in the cache, and was 0. */
value_t *uc_get_value(const data_set_t *set, const value_list_t *vl)
{
	(void)vl;
	return calloc(set->ds_num, sizeof(value_t));
}

cdtime_t plugin_get_interval(void)
{
	return 10ull << 30;
}

int plugin_dispatch_values(value_list_t const *vl)
{
	must(vl->values_len == 1 && memchr(vl->plugin_instance, '\0', sizeof(vl->plugin_instance)));
	must(memchr(vl->host, '\0', sizeof(vl->host)) && memchr(vl->type_instance, '\0', sizeof(vl->type_instance)));
	return 0;
}

/* One line each: the daemon's log has no other. */
__attribute__((format(printf, 1, 0))) static void check_message(const char *format, va_list args)
{
	char text[4096];
	int len = vsnprintf(text, sizeof(text), format, args);

	must(len > 0 && (size_t)len < sizeof(text));
	must(!strchr(text, '\n'));
}

void plugin_log(int level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	check_message(format, args);
	va_end(args);
}

void c_complain_once(int level, c_complain_t *c, const char *format, ...)
{
	va_list args;

	(void)level;
	(void)c;
	va_start(args, format);
	check_message(format, args);
	va_end(args);
}

void c_do_release(int level, c_complain_t *c, const char *format, ...)
{
	(void)level;
	(void)c;
	(void)format;
}

/* ---- the tree ---- */

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

static void clean(void)
{
	rmdir(root);
}

static void prepare(void)
{
	must(mkdtemp(root) && atexit(clean) == 0);
	module_register();
	is_prepared = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oconfig_value_t values[MAX_ITEMS + 1][MAX_VALUES] = {0};
	oconfig_item_t items[MAX_ITEMS + 1] = {0}, block = {.key = (char[]){"Plugin"}, .children = items};
	char *copy = fuzz_copy(data, size);

	if (!is_prepared)
		prepare();
	for (int i = 0; i <= MAX_ITEMS; i++)
		items[i].values = values[i];
	make_block(&block, copy, size);
	items[block.children_num].key = (char[]){"Root"};
	items[block.children_num].values_num = 1;
	take_value(&values[block.children_num++][0], 2, root);
	must(callbacks.config(&block) == 0);
	if (callbacks.init() == 0)
		for (int i = 0; i < 2; i++)
			must(callbacks.read(NULL) == 0);
	must(callbacks.shutdown() == 0);
	free(copy);
	return 0;
}
