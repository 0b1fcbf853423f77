/* SPDX-License-Identifier: MIT */
/*
 * handler.h - GET, GETNEXT and GETBULK on the tables of tables.h
 */
#ifndef KVMSTAT_AGENTX_HANDLER_H
#define KVMSTAT_AGENTX_HANDLER_H

#include "agentx.h"
#include "kvmstat-mib/tables.h"

/* Where the tables hang. */
struct tree {
	struct oid root;
	struct oid at[TABLES_MAX];	/* [ntables]: each is registered there */
};

void handler_tree(struct tree *tree, const struct oid *root);

/* What all values of a request are made of. Valid until reader_expire(). */
void handler_ask(struct ask *ask, struct reader *reader, uint32_t transaction);

/* The type of the instance of this name in a table that is registered at this OID, or why there is none. */
enum oid_type handler_get(const struct table *table, const struct oid *at, const struct ask *ask,
			  const struct oid *name, struct value *value);

/* Move name to the first instance of the table after it. False, and name stays, if there is none. */
bool handler_next(const struct table *table, const struct oid *at, const struct ask *ask, struct oid *name,
		  enum oid_type *type, struct value *value);

/*
 * The variables that answer a GET, GETNEXT or GETBULK, which is in after its header.
 * AGENTX_NO_ERROR, or why there is no answer, whatever was put into out until then.
 */
enum agentx_error handler_answer(struct reader *reader, const struct tree *tree, const struct agentx_header *header,
				 struct agentx_in *in, struct agentx_out *out);

#endif
