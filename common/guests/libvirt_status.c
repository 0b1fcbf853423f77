/* SPDX-License-Identifier: MIT */
#include "guests/words.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *find_child(const xmlNode *parent, const char *name)
{
	for (const xmlNode *node = parent ? parent->children : NULL; node; node = node->next) {
		if (is_element(node, name))
			return node;
	}
	return NULL;
}

/* The text of a child element, malloc'ed, or NULL if there is none. */
static char *child_text(const xmlNode *parent, const char *name)
{
	const xmlNode *child = find_child(parent, name);
	xmlChar *text = child ? xmlNodeGetContent(child) : NULL;
	char *copy = text && *text ? strdup((const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

/* An attribute that is a number of a process, thread or vCPU; 0 if it is none. */
static int number_attribute(const xmlNode *node, const char *name)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *end;
	long number;

	if (!text)
		return 0;
	errno = 0;
	number = strtol((const char *)text, &end, 10);
	if (errno || *end || number < 0 || number > INT_MAX)
		number = 0;
	xmlFree(text);
	return (int)number;
}

/* Bytes of a unit of libvirt's; KiB if it names none, 0 if nobody knows it. */
static uint64_t unit_bytes(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "b", 1 },
		{ "bytes", 1 },
		{ "KB", 1000 },
		{ "k", 1ull << 10 },
		{ "KiB", 1ull << 10 },
		{ "MB", 1000000 },
		{ "M", 1ull << 20 },
		{ "MiB", 1ull << 20 },
		{ "GB", 1000000000 },
		{ "G", 1ull << 30 },
		{ "GiB", 1ull << 30 },
		{ "TB", 1000000000000 },
		{ "T", 1ull << 40 },
		{ "TiB", 1ull << 40 },
	};

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(unit, units[i].name) == 0)
			return units[i].bytes;
	}
	return unit ? 0 : 1ull << 10;
}

/* <memory unit='KiB'>2097152</memory>, 0 if it is not there or makes no sense. */
static uint64_t child_memory(const xmlNode *domain, const char *name)
{
	const xmlNode *node = find_child(domain, name);
	xmlChar *unit = node ? xmlGetNoNsProp(node, (const xmlChar *)"unit") : NULL;
	char *text = child_text(domain, name);
	uint64_t bytes;

	if (!text || strspn(text, "0123456789") != strlen(text) ||
	    !parse_size(text, unit_bytes((const char *)unit), &bytes))
		bytes = 0;
	free(text);
	xmlFree(unit);
	return bytes;
}

/* <vcpus><vcpu id='0' pid='4712'/>...</vcpus> */
static void take_vcpus(struct identity *identity, const xmlNode *status)
{
	const xmlNode *vcpus = find_child(status, "vcpus");
	uint32_t count = 0;

	for (const xmlNode *node = vcpus ? vcpus->children : NULL; node; node = node->next)
		count += is_element(node, "vcpu");
	identity->threads = count ? calloc(count, sizeof(*identity->threads)) : NULL;
	if (!identity->threads)
		return;
	for (const xmlNode *node = vcpus->children; node; node = node->next) {
		pid_t tid = is_element(node, "vcpu") ? number_attribute(node, "pid") : 0;

		if (tid > 0)
			identity->threads[identity->nthreads++] =
				(struct vcpu_thread){ tid, (uint32_t)number_attribute(node, "id") };
	}
	if (identity->nthreads == 0) {
		free(identity->threads);
		identity->threads = NULL;
	}
}

static bool take_status(struct identity *identity, const xmlNode *status, pid_t pid)
{
	const xmlNode *domain = find_child(status, "domain");
	char *uuid;

	if (!is_element(status, "domstatus") || number_attribute(status, "pid") != pid)
		return false;
	identity_take_name(identity, child_text(domain, "name"));
	if (!identity->name)
		return false;
	uuid = child_text(domain, "uuid");
	if (uuid)
		identity_set_uuid(identity, uuid);
	free(uuid);
	identity->memory = child_memory(domain, "memory");
	if (!identity->memory)
		identity->memory = child_memory(domain, "currentMemory");
	take_vcpus(identity, status);
	return true;
}

bool identity_from_libvirt(struct identity *identity, const char *xml, size_t len, pid_t pid)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	const xmlNode *root;
	bool found = false;
	xmlDoc *doc;

	if (len > MAX_STATUS_XML)
		return false;
	doc = xmlReadMemory(xml, (int)len, NULL, NULL, options);
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	/* libvirt writes no document type; without one there are no entities that could be expanded. */
	if (root && !doc->intSubset)
		found = take_status(identity, root, pid);
	xmlFreeDoc(doc);
	return found;
}
