/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "handler.h"

/* An instance: where it is, and its value. */
struct cursor {
	size_t column;			/* in table->columns */
	struct view_place place;
	struct value *value;
};

static uint64_t read_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* Do not show a value that is too old. */
static bool is_shown(const struct table *table, const struct ask *ask)
{
	const struct view *view = ask->view;

	if (table->always)
		return true;
	return view && (ask->now_ns < view->sample->time_ns ||
			ask->now_ns - view->sample->time_ns <= ask->reader->stale_ns);
}

/* ---- finding ------------------------------------------------------------ */

/* The key of a position and the sub-identifiers of suffix, as OIDs compare: below 0, 0 or above 0. */
static int compare_key(const struct axis *axis, const struct view *view, uint32_t position, const uint32_t *suffix,
		       size_t len)
{
	for (size_t i = 0; i < axis->len && i < len; i++) {
		uint32_t subid = axis->subid[i](view, position);

		if (subid != suffix[i])
			return subid < suffix[i] ? -1 : 1;
	}
	return axis->len == len ? 0 : axis->len < len ? -1 : 1;
}

enum bound { NOT_BELOW, ABOVE };

/* The first position whose key is not below suffix, or above it; or the number of positions. */
static uint32_t find_first(const struct axis *axis, const struct view *view, enum bound bound, const uint32_t *suffix,
			   size_t len)
{
	uint32_t low = 0, high = axis->count(view);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_key(axis, view, middle, suffix, len) < (bound == ABOVE))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct axis *axis, const struct view *view, uint32_t position, const uint32_t *suffix)
{
	return position < axis->count(view) && compare_key(axis, view, position, suffix, axis->len) == 0;
}

static bool find(const struct table *table, const struct ask *ask, const uint32_t *suffix, size_t len,
		 struct cursor *cursor)
{
	const struct column *column = &table->columns[cursor->column];
	const struct axis *rows = &table->rows, *items = &table->items;
	struct view_place *place = &cursor->place;

	if (len != (size_t)rows->len + items->len)
		return false;
	place->row = find_first(rows, ask->view, NOT_BELOW, suffix, rows->len);
	if (!is_at(rows, ask->view, place->row, suffix))
		return false;
	if (table->grid) {
		suffix += rows->len;
		place->item = find_first(items, ask->view, NOT_BELOW, suffix, items->len);
		if (!is_at(items, ask->view, place->item, suffix) ||
		    !grid_has(table->grid(ask->view), (uint32_t)column->detail, *place))
			return false;
	}
	return column->get(ask, *place, column, cursor->value);
}

/*
 * The place of the first instance in the column whose index comes after this one, which may be a part of
 * one.
 */
static struct view_place place_after(const struct table *table, const struct ask *ask, const uint32_t *suffix,
				     size_t len)
{
	const struct axis *rows = &table->rows;
	struct view_place place = { 0, 0 };

	if (!table->grid) {
		place.row = find_first(rows, ask->view, ABOVE, suffix, len);
		return place;
	}
	place.row = find_first(rows, ask->view, NOT_BELOW, suffix, len < rows->len ? len : rows->len);
	if (len >= rows->len && is_at(rows, ask->view, place.row, suffix))
		place.item = find_first(&table->items, ask->view, ABOVE, suffix + rows->len, len - rows->len);
	return place;
}

/* The first instance at or after the cursor. */
static bool seek(const struct table *table, const struct ask *ask, struct cursor *cursor)
{
	static const struct view_place start;

	for (; cursor->column < table->ncolumns; cursor->column++, cursor->place = start) {
		const struct column *column = &table->columns[cursor->column];
		uint32_t rows = table->rows.count(ask->view);

		if (table->grid) {
			if (grid_seek(table->grid(ask->view), (uint32_t)column->detail, &cursor->place))
				return column->get(ask, cursor->place, column, cursor->value);
			continue;
		}
		for (; cursor->place.row < rows; cursor->place.row++)
			if (column->get(ask, cursor->place, column, cursor->value))
				return true;
	}
	return false;
}

/* The first instance after this suffix. */
static bool find_next(const struct table *table, const struct ask *ask, const uint32_t *suffix, size_t len,
		      struct cursor *cursor)
{
	while (len && cursor->column < table->ncolumns && table->columns[cursor->column].number < suffix[0])
		cursor->column++;
	if (len > 1 && cursor->column < table->ncolumns && table->columns[cursor->column].number == suffix[0])
		cursor->place = place_after(table, ask, suffix + 1, len - 1);
	return seek(table, ask, cursor);
}

/* ---- one table ---------------------------------------------------------- */

void handler_tree(struct tree *tree, const struct oid *root)
{
	tree->root = *root;
	for (size_t i = 0; i < ntables; i++) {
		struct oid *at = &tree->at[i];

		*at = *root;
		at->subid[at->len++] = 1;
		at->subid[at->len++] = tables[i]->group;
		if (!tables[i]->scalars)
			at->subid[at->len++] = 1;
	}
}

void handler_ask(struct ask *ask, struct reader *reader, uint32_t transaction)
{
	*ask = (struct ask){ .reader = reader, .now_ns = read_clock_ns(CLOCK_BOOTTIME),
			      .uptime = reader_uptime(reader, read_clock_ns(CLOCK_MONOTONIC)) };
	ask->view = reader_view(reader, transaction, ask->now_ns);
}

enum oid_type handler_get(const struct table *table, const struct oid *at, const struct ask *ask,
			  const struct oid *name, struct value *value)
{
	const uint32_t *suffix = name->subid + at->len;
	struct cursor cursor = { .value = value };

	if (name->len <= at->len)
		return NO_SUCH_OBJECT;
	while (cursor.column < table->ncolumns && table->columns[cursor.column].number != suffix[0])
		cursor.column++;
	if (cursor.column == table->ncolumns)
		return NO_SUCH_OBJECT;
	if (!is_shown(table, ask) || !find(table, ask, suffix + 1, name->len - at->len - 1, &cursor))
		return NO_SUCH_INSTANCE;
	return table->columns[cursor.column].type;
}

/* How much of name is below at; -1 if all that is below at comes before name. */
static int suffix_of(const struct oid *at, const struct oid *name)
{
	for (uint32_t i = 0; i < at->len && i < name->len; i++)
		if (name->subid[i] != at->subid[i])
			return name->subid[i] > at->subid[i] ? -1 : 0;
	return name->len > at->len ? (int)(name->len - at->len) : 0;
}

static void set_name(const struct table *table, const struct oid *at, const struct ask *ask,
		     const struct cursor *cursor, struct oid *name)
{
	*name = *at;
	name->subid[name->len++] = table->columns[cursor->column].number;
	for (size_t i = 0; i < table->rows.len; i++)
		name->subid[name->len++] = table->rows.subid[i](ask->view, cursor->place.row);
	for (size_t i = 0; i < table->items.len; i++)
		name->subid[name->len++] = table->items.subid[i](ask->view, cursor->place.item);
}

bool handler_next(const struct table *table, const struct oid *at, const struct ask *ask, struct oid *name,
		  enum oid_type *type, struct value *value)
{
	struct cursor cursor = { .value = value };
	int len = suffix_of(at, name);

	if (len < 0 || !is_shown(table, ask) ||
	    !find_next(table, ask, name->subid + (name->len - (uint32_t)len), (size_t)len, &cursor))
		return false;
	set_name(table, at, ask, &cursor, name);
	*type = table->columns[cursor.column].type;
	return true;
}

/* ---- all tables --------------------------------------------------------- */

/* A request, and what is needed to answer it. */
struct request {
	struct ask ask;
	const struct tree *tree;
	struct value value;
};

static enum oid_type get(struct request *request, const struct oid *name)
{
	const struct oid *at = request->tree->at;

	for (size_t i = 0; i < ntables; i++)
		if (oid_is_below(name, &at[i]))
			return handler_get(tables[i], &at[i], &request->ask, name, &request->value);
	return NO_SUCH_OBJECT;
}

/*
 * Find the first instance after name, or at it, and before end (length 0: there is no end). Sets
 * name to it.
 */
static enum oid_type get_next(struct request *request, struct oid *name, bool include, const struct oid *end)
{
	struct oid next = *name;
	enum oid_type type = include ? get(request, name) : NO_SUCH_OBJECT;

	if (type != NO_SUCH_OBJECT && type != NO_SUCH_INSTANCE)
		return type;
	for (size_t i = 0; i < ntables; i++) {
		if (!handler_next(tables[i], &request->tree->at[i], &request->ask, &next, &type, &request->value))
			continue;
		if (end->len && oid_compare(&next, end) >= 0)
			break;
		*name = next;
		return type;
	}
	return END_OF_MIB_VIEW;
}

/* A range of a search, in place. False if it is not one, or there is no more. */
static bool take_range(struct agentx_in *in, struct oid *name, bool *include, struct oid *end)
{
	bool unused;

	if (!in->left)
		return false;
	agentx_take_oid(in, name, include);
	agentx_take_oid(in, end, &unused);
	return !in->wrong;
}

static void answer_get(struct request *request, struct agentx_in *in, struct agentx_out *out)
{
	struct oid name, end;
	bool include;

	while (take_range(in, &name, &include, &end)) {
		enum oid_type type = get(request, &name);

		agentx_put_variable(out, &name, type, &request->value);
	}
}

static void answer_next(struct request *request, struct agentx_in *in, unsigned int count, struct agentx_out *out)
{
	struct oid name, end;
	bool include;

	while (count-- > 0 && take_range(in, &name, &include, &end)) {
		enum oid_type type = get_next(request, &name, include, &end);

		agentx_put_variable(out, &name, type, &request->value);
	}
}

/* One repetition of all ranges after another; a range that has ended is not searched again. */
static enum agentx_error answer_bulk(struct request *request, struct agentx_in *in, struct agentx_out *out)
{
	struct range {
		struct oid name, end;
		bool include, over;
	} *ranges = NULL;
	unsigned int once = agentx_take16(in), repetitions = agentx_take16(in);
	bool going = true;
	size_t n = 0;

	answer_next(request, in, once, out);
	ranges = calloc(in->left / 8 + 1, sizeof(*ranges));	/* two OIDs, of 4 bytes at least */
	if (!ranges)
		return AGENTX_GEN_ERR;
	while (take_range(in, &ranges[n].name, &ranges[n].include, &ranges[n].end))
		n++;
	while (repetitions-- > 0 && going && !out->full) {
		going = false;
		for (size_t i = 0; i < n; i++) {
			struct range *range = &ranges[i];
			enum oid_type type = END_OF_MIB_VIEW;

			if (!range->over)
				type = get_next(request, &range->name, range->include, &range->end);
			range->include = false;
			range->over = type == END_OF_MIB_VIEW;
			going |= !range->over;
			agentx_put_variable(out, &range->name, type, &request->value);
		}
	}
	free(ranges);
	return AGENTX_NO_ERROR;
}

enum agentx_error handler_answer(struct reader *reader, const struct tree *tree, const struct agentx_header *header,
				 struct agentx_in *in, struct agentx_out *out)
{
	struct request request = { .tree = tree };
	enum agentx_error error = AGENTX_NO_ERROR;

	handler_ask(&request.ask, reader, header->transaction);
	if (header->type == AGENTX_GET)
		answer_get(&request, in, out);
	else if (header->type == AGENTX_GETNEXT)
		answer_next(&request, in, UINT_MAX, out);
	else
		error = answer_bulk(&request, in, out);
	return in->wrong ? AGENTX_PARSE_ERROR : out->full ? AGENTX_GEN_ERR : error;
}
