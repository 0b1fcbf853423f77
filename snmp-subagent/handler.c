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

/* The first row whose index is not below key, or the number of rows. */
static uint32_t lower_bound(const struct view *view, uint32_t rows,
			    uint32_t (*index)(const struct view *, uint32_t), uint64_t key)
{
	uint32_t low = 0, high = rows;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index(view, middle) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t event_number(const struct view *view, uint32_t event)
{
	return view->events[event]->event->number;
}

/* The first index that is longer than, or comes after, this sub-identifier. */
static uint64_t after(oid subid)
{
	return subid < UINT32_MAX ? (uint64_t)subid + 1 : UINT64_C(1) << 32;
}

static bool find(const struct table *table, const struct ask *ask, const oid *suffix, size_t len,
		 struct cursor *cursor)
{
	const struct column *column = &table->columns[cursor->column];
	uint32_t rows = table->rows(ask->view);
	struct view_place *place = &cursor->place;

	if (len != (table->matrix ? 2 : 1))
		return false;
	place->guest = lower_bound(ask->view, rows, table->index, suffix[0]);
	if (place->guest == rows || table->index(ask->view, place->guest) != suffix[0])
		return false;
	if (table->matrix) {
		place->event = lower_bound(ask->view, ask->view->nevents, event_number, suffix[1]);
		if (place->event == ask->view->nevents ||
		    event_number(ask->view, place->event) != suffix[1] ||
		    !view_has(ask->view, (enum view_kind)column->detail, *place))
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
	uint32_t rows = table->rows(ask->view);
	struct view_place place = { 0, 0 };

	if (!table->matrix) {
		place.guest = lower_bound(ask->view, rows, table->index, after(suffix[0]));
		return place;
	}
	place.guest = lower_bound(ask->view, rows, table->index, suffix[0]);
	if (len > 1 && place.guest < rows && table->index(ask->view, place.guest) == suffix[0])
		place.event = lower_bound(ask->view, ask->view->nevents, event_number, after(suffix[1]));
	return place;
}

/* The first instance at or after the cursor. */
static bool seek(const struct table *table, const struct ask *ask, struct cursor *cursor)
{
	static const struct view_place start;

	for (; cursor->column < table->ncolumns; cursor->column++, cursor->place = start) {
		const struct column *column = &table->columns[cursor->column];
		uint32_t rows = table->rows(ask->view);

		if (table->matrix) {
			if (view_seek(ask->view, (enum view_kind)column->detail, &cursor->place))
				return column->get(ask, cursor->place, column, &cursor->value);
			continue;
		}
		for (; cursor->place.guest < rows; cursor->place.guest++)
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
	cursor.place.event = 0;
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
	name[len++] = table->index(ask->view, cursor->place.guest);
	if (table->matrix)
		name[len++] = event_number(ask->view, cursor->place.event);
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
