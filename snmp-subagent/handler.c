/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>

#include "handler.h"
#include "log.h"

/* An instance: where it is, and its value. */
struct cursor {
	size_t column;			/* in table->columns */
	struct view_place place;
	struct value value;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* A value that is too old is as bad as a wrong one. */
static bool shown(const struct table *table, const struct ask *ask)
{
	const struct view *view = ask->view;

	if (table->always)
		return true;
	return view && (ask->now_ns < view->sample->time_ns ||
			ask->now_ns - view->sample->time_ns <= ask->reader->stale_ns);
}

/* ---- finding ------------------------------------------------------------ */

/* The key of a position and the sub-identifiers of suffix, as OIDs compare: below 0, 0 or above 0. */
static int compare_key(const struct axis *axis, const struct view *view, uint32_t position, const oid *suffix,
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
static uint32_t first(const struct axis *axis, const struct view *view, enum bound bound, const oid *suffix,
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

static bool is_at(const struct axis *axis, const struct view *view, uint32_t position, const oid *suffix)
{
	return position < axis->count(view) && compare_key(axis, view, position, suffix, axis->len) == 0;
}

static bool find(const struct table *table, const struct ask *ask, const oid *suffix, size_t len,
		 struct cursor *cursor)
{
	const struct column *column = &table->columns[cursor->column];
	const struct axis *rows = &table->rows, *items = &table->items;
	struct view_place *place = &cursor->place;

	if (len != (size_t)rows->len + items->len)
		return false;
	place->row = first(rows, ask->view, NOT_BELOW, suffix, rows->len);
	if (!is_at(rows, ask->view, place->row, suffix))
		return false;
	if (table->grid) {
		suffix += rows->len;
		place->item = first(items, ask->view, NOT_BELOW, suffix, items->len);
		if (!is_at(items, ask->view, place->item, suffix) ||
		    !grid_has(table->grid(ask->view), (uint32_t)column->detail, *place))
			return false;
	}
	return column->get(ask, *place, column, &cursor->value);
}

/*
 * The place of the first instance in the column whose index comes after this one, which may be a part of
 * one.
 */
static struct view_place place_after(const struct table *table, const struct ask *ask, const oid *suffix,
				     size_t len)
{
	const struct axis *rows = &table->rows;
	struct view_place place = { 0, 0 };

	if (!table->grid) {
		place.row = first(rows, ask->view, ABOVE, suffix, len);
		return place;
	}
	place.row = first(rows, ask->view, NOT_BELOW, suffix, len < rows->len ? len : rows->len);
	if (len >= rows->len && is_at(rows, ask->view, place.row, suffix))
		place.item = first(&table->items, ask->view, ABOVE, suffix + rows->len, len - rows->len);
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
				return column->get(ask, cursor->place, column, &cursor->value);
			continue;
		}
		for (; cursor->place.row < rows; cursor->place.row++)
			if (column->get(ask, cursor->place, column, &cursor->value))
				return true;
	}
	return false;
}

/* The first instance after this suffix. */
static bool find_next(const struct table *table, const struct ask *ask, const oid *suffix, size_t len,
		      struct cursor *cursor)
{
	while (len && cursor->column < table->ncolumns && table->columns[cursor->column].number < suffix[0])
		cursor->column++;
	if (len > 1 && cursor->column < table->ncolumns && table->columns[cursor->column].number == suffix[0])
		cursor->place = place_after(table, ask, suffix + 1, len - 1);
	return seek(table, ask, cursor);
}

/* ---- answering ---------------------------------------------------------- */

static int set_value(netsnmp_variable_list *var, u_char type, const struct value *value)
{
	struct counter64 big = { .high = value->number >> 32, .low = value->number & UINT32_MAX };
	u_long number = value->number & UINT32_MAX;

	switch (type) {
	case ASN_OCTET_STR:
		return snmp_set_var_typed_value(var, type, value->data, value->len);
	case ASN_COUNTER64:
		return snmp_set_var_typed_value(var, type, &big, sizeof(big));
	default:
		return snmp_set_var_typed_value(var, type, &number, sizeof(number));
	}
}

static void answer_get(const struct table *table, const struct ask *ask,
		       netsnmp_handler_registration *reginfo, netsnmp_agent_request_info *reqinfo,
		       netsnmp_request_info *request)
{
	netsnmp_variable_list *var = request->requestvb;
	const oid *suffix = var->name + reginfo->rootoid_len;
	size_t len = var->name_length > reginfo->rootoid_len ? var->name_length - reginfo->rootoid_len : 0;
	struct cursor cursor;

	cursor.column = 0;
	cursor.place.item = 0;
	while (len && cursor.column < table->ncolumns && table->columns[cursor.column].number != suffix[0])
		cursor.column++;
	if (!len || cursor.column == table->ncolumns)
		netsnmp_set_request_error(reqinfo, request, SNMP_NOSUCHOBJECT);
	else if (!shown(table, ask) || !find(table, ask, suffix + 1, len - 1, &cursor))
		netsnmp_set_request_error(reqinfo, request, SNMP_NOSUCHINSTANCE);
	else if (set_value(var, table->columns[cursor.column].type, &cursor.value) != 0)
		netsnmp_set_request_error(reqinfo, request, SNMP_ERR_GENERR);
}

/* What of name is below the root; -1 if all that is below the root comes before name. */
static int suffix_of(const netsnmp_handler_registration *reginfo, const netsnmp_variable_list *var)
{
	size_t common = var->name_length < reginfo->rootoid_len ? var->name_length : reginfo->rootoid_len;
	int order = snmp_oid_compare(var->name, common, reginfo->rootoid, common);

	if (order > 0)
		return -1;
	return order < 0 ? 0 : (int)(var->name_length - common);
}

static int set_instance(const struct table *table, const struct ask *ask,
			const netsnmp_handler_registration *reginfo, netsnmp_variable_list *var,
			const struct cursor *cursor)
{
	const struct column *column = &table->columns[cursor->column];
	size_t len = reginfo->rootoid_len;
	oid name[MAX_OID_LEN];

	memcpy(name, reginfo->rootoid, len * sizeof(*name));
	name[len++] = column->number;
	for (size_t i = 0; i < table->rows.len; i++)
		name[len++] = table->rows.subid[i](ask->view, cursor->place.row);
	for (size_t i = 0; i < table->items.len; i++)
		name[len++] = table->items.subid[i](ask->view, cursor->place.item);
	if (snmp_set_var_objid(var, name, len) != 0)
		return -ENOMEM;
	return set_value(var, column->type, &cursor->value) != 0 ? -ENOMEM : 0;
}

/* Leaves the variable as it is if there is nothing more below this root: the caller then looks elsewhere. */
static bool answer_getnext(const struct table *table, const struct ask *ask,
			   netsnmp_handler_registration *reginfo, netsnmp_agent_request_info *reqinfo,
			   netsnmp_request_info *request)
{
	netsnmp_variable_list *var = request->requestvb;
	int len = suffix_of(reginfo, var);
	struct cursor cursor;

	cursor.column = 0;
	cursor.place = (struct view_place){ 0, 0 };
	if (len < 0 || !shown(table, ask) ||
	    !find_next(table, ask, var->name + (var->name_length - (size_t)len), (size_t)len, &cursor))
		return false;
	if (set_instance(table, ask, reginfo, var, &cursor) < 0) {
		netsnmp_set_request_error(reqinfo, request, SNMP_ERR_GENERR);
		return false;
	}
	return true;
}

/*
 * Each repetition goes on behind the last one, in the next variable of the chain that the library laid
 * out.
 */
static void answer_getbulk(const struct table *table, const struct ask *ask,
			   netsnmp_handler_registration *reginfo, netsnmp_agent_request_info *reqinfo,
			   netsnmp_request_info *request)
{
	while (answer_getnext(table, ask, reginfo, reqinfo, request)) {
		netsnmp_variable_list *var = request->requestvb, *next = var->next_variable;

		if (request->repeat <= 0 || !next ||
		    snmp_oid_compare(var->name, var->name_length, request->range_end,
				     request->range_end_len) >= 0)
			break;
		if (snmp_set_var_objid(next, var->name, var->name_length) != 0)
			break;
		request->repeat--;
		request->inclusive = 0;
		request->requestvb = next;
		next->type = ASN_PRIV_RETRY;
	}
}

int handler_request(netsnmp_mib_handler *handler, netsnmp_handler_registration *reginfo,
		    netsnmp_agent_request_info *reqinfo, netsnmp_request_info *requests)
{
	const struct served *served = reginfo->my_reg_void;
	long transaction = reqinfo->asp && reqinfo->asp->pdu ? reqinfo->asp->pdu->transid : 0;
	struct ask ask = { .reader = served->reader, .now_ns = now() };

	(void)handler;
	ask.view = reader_view(served->reader, transaction, ask.now_ns);
	for (netsnmp_request_info *request = requests; request; request = request->next) {
		if (request->processed)
			continue;
		switch (reqinfo->mode) {
		case MODE_GET:
			answer_get(served->table, &ask, reginfo, reqinfo, request);
			break;
		case MODE_GETNEXT:
			answer_getnext(served->table, &ask, reginfo, reqinfo, request);
			break;
		case MODE_GETBULK:
			answer_getbulk(served->table, &ask, reginfo, reqinfo, request);
			break;
		default:
			netsnmp_set_request_error(reqinfo, request, SNMP_ERR_NOTWRITABLE);
		}
	}
	return SNMP_ERR_NOERROR;
}

/* ---- registering -------------------------------------------------------- */

size_t handler_oid(const struct table *table, const oid *root, size_t root_len, oid out[MAX_OID_LEN])
{
	size_t len = root_len;

	memcpy(out, root, root_len * sizeof(*root));
	out[len++] = 1;
	out[len++] = table->group;
	if (!table->scalars)
		out[len++] = 1;
	return len;
}

int handler_register(struct served *served, struct reader *reader, const oid *root, size_t root_len)
{
	for (size_t i = 0; i < ntables; i++) {
		netsnmp_handler_registration *reginfo;
		oid name[MAX_OID_LEN];
		size_t len = handler_oid(tables[i], root, root_len, name);

		served[i] = (struct served){ .table = tables[i], .reader = reader };
		reginfo = netsnmp_create_handler_registration(tables[i]->name, handler_request, name, len,
							      HANDLER_CAN_RONLY | HANDLER_CAN_GETBULK);
		if (reginfo)
			reginfo->my_reg_void = &served[i];
		if (!reginfo || netsnmp_register_handler(reginfo) != MIB_REGISTERED_OK) {
			message(LOG_ERR,
				"cannot register %s: out of memory, or the option OidRoot names an OID that "
				"Net-SNMP keeps for itself",
				tables[i]->name);
			return -EIO;
		}
	}
	return 0;
}
