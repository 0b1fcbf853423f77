/* SPDX-License-Identifier: MIT */
/*
 * fake_daemon.c - as much of collectd as a read plugin sees
 */
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/configfile.h>
#include <collectd/core/daemon/globals.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#include <collectd/core/daemon/utils_complain.h>

#include <ctype.h>
#include <dlfcn.h>

#include "fake_daemon.h"

struct daemon daemon_state = {.interval = 10ull << 30, .record = true};
char *hostname_g = (char[]){FAKE_HOSTNAME};

static struct {
	int (*config)(oconfig_item_t *item);
	plugin_init_cb init;
	plugin_read_cb read;
	plugin_shutdown_cb shutdown;
} callbacks;

/* ---- what the plugin calls ---------------------------------------------- */

int plugin_register_complex_config(const char *type, int (*callback)(oconfig_item_t *))
{
	callbacks.config = strcmp(type, "kvmstat") ? NULL : callback;
	return 0;
}

int plugin_register_init(const char *name, plugin_init_cb callback)
{
	callbacks.init = strcmp(name, "kvmstat") ? NULL : callback;
	return 0;
}

int plugin_register_complex_read(const char *group, const char *name, plugin_read_cb callback,
				 cdtime_t interval, user_data_t const *user_data)
{
	(void)group;
	(void)interval;
	(void)user_data;
	callbacks.read = strcmp(name, "kvmstat") ? NULL : callback;
	return 0;
}

int plugin_register_shutdown(const char *name, plugin_shutdown_cb callback)
{
	callbacks.shutdown = strcmp(name, "kvmstat") ? NULL : callback;
	return 0;
}

int plugin_register_data_set(const data_set_t *set)
{
	daemon_state.registered_types += set->ds_num == 1;
	return 0;
}

const data_set_t *plugin_get_ds(const char *name)
{
	static data_source_t sources[2] = {{"value", DS_TYPE_GAUGE, 0, 0}, {"value", DS_TYPE_DERIVE, 0, 0}};
	static data_set_t set = {.ds_num = 1};
	bool derive = !strcmp(name, "derive");

	if (daemon_state.no_types)
		return NULL;
	snprintf(set.type, sizeof(set.type), "%s", name);
	set.ds = &sources[derive != daemon_state.wrong_types];
	return &set;
}

cdtime_t plugin_get_interval(void)
{
	return daemon_state.interval;
}

__attribute__((format(printf, 2, 0))) static void log_add(int level, const char *format, va_list ap)
{
	char text[4096], *line;
	size_t n = daemon_state.nlog;
	int len = vsnprintf(text, sizeof(text), format, ap);

	/* One line each: the daemon's log has no other. */
	if (len <= 0 || (size_t)len >= sizeof(text) || strchr(text, '\n'))
		abort();
	if (asprintf(&line, "%c %s", level <= LOG_ERR ? 'E' : level == LOG_WARNING ? 'W' : 'I', text) < 0)
		abort();
	daemon_state.log = realloc(daemon_state.log, (n + 1) * sizeof(*daemon_state.log));
	daemon_state.log[daemon_state.nlog++] = line;
}

void plugin_log(int level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_add(level, format, ap);
	va_end(ap);
}

void c_complain_once(int level, c_complain_t *c, const char *format, ...)
{
	va_list ap;

	if (c->complained_once)
		return;
	c->complained_once = true;
	c->interval = 1;
	va_start(ap, format);
	log_add(level, format, ap);
	va_end(ap);
}

void c_do_release(int level, c_complain_t *c, const char *format, ...)
{
	va_list ap;

	c->complained_once = false;
	c->interval = 0;
	va_start(ap, format);
	log_add(level, format, ap);
	va_end(ap);
}

static void name_values(char *id, size_t size, const value_list_t *vl)
{
	snprintf(id, size, "%s/%s%s%s/%s-%s", vl->host, vl->plugin, vl->plugin_instance[0] ? "-" : "",
		 vl->plugin_instance, vl->type, vl->type_instance);
}

value_t *uc_get_value(const data_set_t *set, const value_list_t *vl)
{
	const struct sent *sent;
	value_t *value;
	char id[800];

	if (daemon_state.late) {
		daemon_state.late--;
		return NULL;
	}
	name_values(id, sizeof(id), vl);
	sent = daemon_state.record ? daemon_sent(id) : NULL;
	value = sent || !daemon_state.record ? calloc(set->ds_num, sizeof(*value)) : NULL;
	if (sent && sent->gauge)
		value->gauge = sent->number;
	else if (sent)
		value->derive = sent->derive;
	return value;
}

int plugin_dispatch_values(value_list_t const *vl)
{
	struct sent *sent;

	if (vl->values_len != 1 || !memchr(vl->host, '\0', sizeof(vl->host)) ||
	    !memchr(vl->plugin_instance, '\0', sizeof(vl->plugin_instance)) ||
	    !memchr(vl->type_instance, '\0', sizeof(vl->type_instance)))
		abort();
	if (daemon_state.refuse)
		return -1;
	daemon_state.nsent++;
	if (!daemon_state.record)
		return 0;
	/* At each power of two there is room for as many again. */
	if (!(daemon_state.nsent & (daemon_state.nsent - 1)))
		daemon_state.sent = realloc(daemon_state.sent, 2 * daemon_state.nsent * sizeof(*sent));
	sent = &daemon_state.sent[daemon_state.nsent - 1];
	*sent = (struct sent){.time = vl->time, .gauge = strcmp(vl->type, "derive")};
	if (sent->gauge)
		sent->number = vl->values[0].gauge;
	else
		sent->derive = vl->values[0].derive;
	name_values(sent->id, sizeof(sent->id), vl);
	return 0;
}

const char *global_option_get(const char *option)
{
	return strcmp(option, "BaseDir") ? NULL : daemon_state.base_dir;
}

static int meta_add(notification_t *notification, const char *name, notification_meta_t what)
{
	notification_meta_t **end = &notification->meta;

	while (*end)
		end = &(*end)->next;
	*end = malloc(sizeof(**end));
	**end = what;
	snprintf((*end)->name, sizeof((*end)->name), "%s", name);
	return 0;
}

int plugin_notification_meta_add_string(notification_t *n, const char *name, const char *value)
{
	return meta_add(n, name, (notification_meta_t){.type = NM_TYPE_STRING, .nm_value.nm_string = strdup(value)});
}

int plugin_notification_meta_add_unsigned_int(notification_t *n, const char *name, uint64_t value)
{
	return meta_add(n, name, (notification_meta_t){.type = NM_TYPE_UNSIGNED_INT, .nm_value.nm_unsigned_int = value});
}

int plugin_notification_meta_add_double(notification_t *n, const char *name, double value)
{
	return meta_add(n, name, (notification_meta_t){.type = NM_TYPE_DOUBLE, .nm_value.nm_double = value});
}

int plugin_notification_meta_free(notification_meta_t *meta)
{
	while (meta) {
		notification_meta_t *next = meta->next;

		if (meta->type == NM_TYPE_STRING)
			free((char *)meta->nm_value.nm_string);
		free(meta);
		meta = next;
	}
	return 0;
}

static void print_meta(char *text, size_t size, const notification_meta_t *meta)
{
	size_t len = 0;

	for (; meta; meta = meta->next) {
		if (meta->type == NM_TYPE_STRING)
			len += (size_t)snprintf(text + len, size - len, "%s=%s\n", meta->name, meta->nm_value.nm_string);
		else if (meta->type == NM_TYPE_DOUBLE)
			len += (size_t)snprintf(text + len, size - len, "%s=%.4g\n", meta->name, meta->nm_value.nm_double);
		else
			len += (size_t)snprintf(text + len, size - len, "%s=%llu\n", meta->name,
						(unsigned long long)meta->nm_value.nm_unsigned_int);
		if (len >= size)
			abort();
	}
}

/* With a handler that prints, a message must be one line. */
int plugin_dispatch_notification(const notification_t *n)
{
	struct notice *notice;

	if (!memchr(n->host, '\0', sizeof(n->host)) || !memchr(n->plugin_instance, '\0', sizeof(n->plugin_instance)) ||
	    !memchr(n->type_instance, '\0', sizeof(n->type_instance)) || !memchr(n->message, '\0', sizeof(n->message)) ||
	    strchr(n->message, '\n'))
		abort();
	if (daemon_state.deaf)
		return -1;
	daemon_state.notices = realloc(daemon_state.notices, (daemon_state.nnotices + 1) * sizeof(*notice));
	notice = &daemon_state.notices[daemon_state.nnotices++];
	*notice = (struct notice){.severity = n->severity, .time = n->time};
	snprintf(notice->id, sizeof(notice->id), "%s/%s%s%s/%s-%s", n->host, n->plugin, n->plugin_instance[0] ? "-" : "",
		 n->plugin_instance, n->type, n->type_instance);
	snprintf(notice->message, sizeof(notice->message), "%s", n->message);
	print_meta(notice->meta, sizeof(notice->meta), n->meta);
	return 0;
}

/* ---- configuration ------------------------------------------------------ */

/* One token as collectd's parser takes it: "string", number, truth, or string. Returns what follows. */
static char *take_value(char *text, oconfig_value_t *value)
{
	bool quoted = *text == '"';
	char *start = text + quoted, *out = start, *end;

	for (text = start; *text && (quoted ? *text != '"' : !isspace((unsigned char)*text)); text++) {
		if (quoted && *text == '\\')
			text++;
		*out++ = *text;
	}
	if (*text)
		text++;
	*out = '\0';
	value->type = OCONFIG_TYPE_STRING;
	value->value.string = start;
	if (quoted)
		return text;
	if (!strcmp(start, "true") || !strcmp(start, "false")) {
		value->type = OCONFIG_TYPE_BOOLEAN;
		value->value.boolean = *start == 't';
		return text;
	}
	value->value.number = strtod(start, &end);
	if (end != start && !*end)
		value->type = OCONFIG_TYPE_NUMBER;
	else
		value->value.string = start;
	return text;
}

static void take_item(oconfig_item_t *item, char *line)
{
	oconfig_value_t key;

	line = take_value(line, &key);
	item->key = key.value.string;
	item->values = calloc(32, sizeof(*item->values));
	for (line += strspn(line, " \t"); *line; line += strspn(line, " \t"))
		line = take_value(line, &item->values[item->values_num++]);
}

/* Lines "Key value..." of the blocks <Plugin kvmstat>; a line "<Key>" in it is an empty block with a child.
 */
static int configure_block(char **cursor)
{
	oconfig_item_t block = {.key = (char[]){"Plugin"}}, child = {.key = (char[]){"Child"}};
	char *line;
	int status;

	block.children = calloc(64, sizeof(*block.children));
	while ((line = strsep(cursor, "\n")) && strncmp(line, "</Plugin", 8)) {
		oconfig_item_t *item = &block.children[block.children_num];

		line += strspn(line, " \t");
		if (!*line || *line == '#' || !strncmp(line, "</", 2))
			continue;
		block.children_num++;
		if (*line == '<') {
			line[strcspn(line, ">")] = '\0';
			item->children = &child;
			item->children_num = 1;
			line++;
		}
		take_item(item, line);
	}
	status = daemon_config(&block);
	for (int i = 0; i < block.children_num; i++)
		free(block.children[i].values);
	free(block.children);
	return status;
}

int daemon_configure(const char *text)
{
	char *copy = strdup(text), *cursor = copy, *line;
	int status = 0;

	while ((line = strsep(&cursor, "\n")))
		if (!strncmp(line, "<Plugin kvmstat>", 16))
			status |= configure_block(&cursor);
	free(copy);
	return status;
}

/* ---- what the tests call ------------------------------------------------ */

void daemon_load(const char *path)
{
	void (*module_register_cb)(void);
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!object) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	module_register_cb = (void (*)(void))dlsym(object, "module_register");
	if (module_register_cb)
		module_register_cb();
	if (!callbacks.config || !callbacks.init || !callbacks.read || !callbacks.shutdown) {
		fprintf(stderr, "%s does not register all its callbacks as kvmstat\n", path);
		exit(1);
	}
}

int daemon_config(struct oconfig_item_s *block)
{
	return callbacks.config(block);
}

int daemon_init(void)
{
	return callbacks.init();
}

int daemon_read(void)
{
	return callbacks.read(NULL);
}

int daemon_shutdown(void)
{
	return callbacks.shutdown();
}

void daemon_forget(void)
{
	for (size_t i = 0; i < daemon_state.nlog; i++)
		free(daemon_state.log[i]);
	free(daemon_state.log);
	free(daemon_state.sent);
	free(daemon_state.notices);
	daemon_state.notices = NULL;
	daemon_state.nnotices = 0;
	daemon_state.log = NULL;
	daemon_state.sent = NULL;
	daemon_state.nlog = daemon_state.nsent = 0;
}

const struct sent *daemon_sent(const char *id)
{
	for (size_t i = daemon_state.nsent; i > 0; i--)
		if (!strcmp(daemon_state.sent[i - 1].id, id))
			return &daemon_state.sent[i - 1];
	return NULL;
}

size_t daemon_count(const char *id)
{
	size_t count = 0;

	for (size_t i = 0; i < daemon_state.nsent; i++)
		count += !strcmp(daemon_state.sent[i].id, id);
	return count;
}

size_t daemon_logged(const char *text, const char *more)
{
	size_t count = 0;

	for (size_t i = 0; i < daemon_state.nlog; i++)
		count += strstr(daemon_state.log[i], text) && (!more || strstr(daemon_state.log[i], more));
	return count;
}

void daemon_print_log(void)
{
	for (size_t i = 0; i < daemon_state.nlog; i++)
		fprintf(stderr, "  log: %s\n", daemon_state.log[i]);
}
