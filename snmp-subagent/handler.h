/* SPDX-License-Identifier: MIT */
/*
 * handler.h - GET, GETNEXT and GETBULK on the tables of tables.h
 */
#ifndef KVMSTAT_AGENTX_HANDLER_H
#define KVMSTAT_AGENTX_HANDLER_H

#include "agentx.h"
#include "kvmstat-mib/tables.h"

/* The root of the tables. */
struct tree {
	struct oid root;
	struct oid at[TABLES_MAX];	/* [ntables]: each is registered there */
};

void handler_tree(struct tree *tree, const struct oid *root);

/* The data of all values of a request. Valid until reader_expire(). */
void handler_ask(struct ask *ask, struct reader *reader, uint32_t transaction);

/* The type of the instance of this name in a table that is registered at this OID, or why there is none. */
enum oid_type handler_get(const struct table *table, const struct oid *at, const struct ask *ask,
			  const struct oid *name, struct value *value);

/*
 * Move name to the first instance of the table after it. False: there is none, and name is
 * unchanged.
 */
bool handler_next(const struct table *table, const struct oid *at, const struct ask *ask, struct oid *name,
		  enum oid_type *type, struct value *value);

/*
 * Write the variables that answer a GET, GETNEXT or GETBULK to out; in is the request after its
 * header.
 * AGENTX_NO_ERROR, or the error; the contents of out are then undefined.
 */
enum agentx_error handler_answer(struct reader *reader, const struct tree *tree, const struct agentx_header *header,
				 struct agentx_in *in, struct agentx_out *out);

#endif
