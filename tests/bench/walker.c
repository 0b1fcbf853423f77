/* SPDX-License-Identifier: MIT */
/*
 * walker - an SNMP manager that walks the guest event rows of two subagents of one snmpd in turn
 *
 *	walker list PEER ROOT			the indices of the rows
 *	walker 1|8|get|table SECONDS PEER ROOT PID FLOORROOT FLOORPID SNMPDPID
 *
 * With 1, one column of guest events in each GETBULK. With 8, two columns, each from four guests on at the same
 * time. get: one GET of 60 guest events. table: all 18 columns of guest activity at a time, as snmptable does.
 * A PID of 0 is none: its side is served by snmpd itself.
 */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

enum {
	VARBINDS = 96, /* in each response; snmpd gives no more than 100 */
	PARTS = 4,
	SPREAD = 2 * PARTS,
	TABLE_COLUMNS = 18,
	MAX_POINTS = TABLE_COLUMNS,
	GETS = 60,
};

/* A piece of a column: from behind name up to end. */
struct point {
	oid name[MAX_OID_LEN];
	size_t len, prefix, indices;
	oid column_end, guest_end;
	bool done;
};

enum way { COLUMN, PARTED, TABLE, GET };

static const struct {
	const char *word, *title;
} ways[] = {
	[COLUMN] = {"1", "SNMP walk, %llu values, 1 in a repetition"},
	[PARTED] = {"8", "SNMP walk, %llu values, 8 in a repetition"},
	[TABLE] = {"table", "snmptable, %llu values in 18 columns"},
	[GET] = {"get", "snmpget of %llu varbinds"},
};

struct walk {
	void *session;
	oid root[MAX_OID_LEN];
	size_t root_len;
	enum way way;
	oid guests;    /* highest index met so far */
	oid wanted[GETS][2]; /* indices of the first rows, for GET */
	uint64_t rows; /* of the last walk */
	bool list;
	clockid_t cpu[2];
};

static void point_init(struct point *point, const struct walk *walk, oid table, oid column)
{
	memcpy(point->name, walk->root, walk->root_len * sizeof(oid));
	point->len = walk->root_len;
	point->name[point->len++] = 1;
	point->name[point->len++] = table;
	point->name[point->len++] = 1;
	point->prefix = point->len;
	point->name[point->len++] = column;
	point->column_end = column;
	point->indices = table == 7 ? 1 : 2;
	point->guest_end = UINT32_MAX;
	point->done = false;
}

static int points_init(struct point *points, const struct walk *walk)
{
	static const oid columns[2][2] = {{8, 2}, {9, 1}};

	if (walk->way == COLUMN) {
		point_init(&points[0], walk, 8, 2);
		return 1;
	}
	if (walk->way == TABLE) {
		for (oid i = 0; i < TABLE_COLUMNS; i++)
			point_init(&points[i], walk, 7, 1 + i);
		return TABLE_COLUMNS;
	}
	for (oid i = 0; i < SPREAD; i++) {
		oid part = i % PARTS;

		point_init(&points[i], walk, columns[i / PARTS][0], columns[i / PARTS][1]);
		points[i].name[points[i].len++] = 1 + part * walk->guests / PARTS;
		if (part < PARTS - 1)
			points[i].guest_end = 1 + (part + 1) * walk->guests / PARTS;
	}
	return SPREAD;
}

/* Has the piece this instance? Then go on behind it. */
static bool point_take(struct point *point, const netsnmp_variable_list *var)
{
	if (point->done)
		return false;
	if (var->type == SNMP_ENDOFMIBVIEW || var->name_length != point->prefix + 1 + point->indices ||
	    memcmp(var->name, point->name, point->prefix * sizeof(oid)) != 0 ||
	    var->name[point->prefix] != point->column_end ||
	    var->name[point->prefix + 1] >= point->guest_end) {
		point->done = true;
		return false;
	}
	memcpy(point->name, var->name, var->name_length * sizeof(oid));
	point->len = var->name_length;
	return true;
}

static void note_row(struct walk *walk, const netsnmp_variable_list *var)
{
	oid guest = var->name[var->name_length - 2];

	if (walk->way != COLUMN)
		return;
	if (walk->rows < GETS)
		memcpy(walk->wanted[walk->rows], &var->name[var->name_length - 2], sizeof(walk->wanted[0]));
	if (guest > walk->guests)
		walk->guests = guest;
	if (walk->list)
		printf("%lu %lu\n", guest, var->name[var->name_length - 1]);
}

/* One GETBULK for the points that are not done yet. Rows, or -errno. */
static int fetch(struct walk *walk, struct point **points, int npoints)
{
	netsnmp_pdu *request = snmp_pdu_create(SNMP_MSG_GETBULK), *response = NULL;
	int rows = 0, i = 0;

	request->non_repeaters = 0;
	request->max_repetitions = VARBINDS / npoints;
	for (int k = 0; k < npoints; k++)
		snmp_add_null_var(request, points[k]->name, points[k]->len);
	if (snmp_sess_synch_response(walk->session, request, &response) != STAT_SUCCESS || !response ||
	    response->errstat != SNMP_ERR_NOERROR) {
		snmp_free_pdu(response);
		return -EIO;
	}
	for (netsnmp_variable_list *var = response->variables; var; var = var->next_variable, i++) {
		if (!point_take(points[i % npoints], var))
			continue;
		rows++;
		note_row(walk, var);
		walk->rows++;
	}
	snmp_free_pdu(response);
	return rows;
}

static int get(struct walk *walk)
{
	netsnmp_pdu *request = snmp_pdu_create(SNMP_MSG_GET), *response = NULL;
	struct point point;
	int rc;

	walk->rows = 0;
	for (int i = 0; i < GETS; i++) {
		point_init(&point, walk, 8, 2);
		memcpy(point.name + point.len, walk->wanted[i], sizeof(walk->wanted[i]));
		snmp_add_null_var(request, point.name, point.len + 2);
	}
	rc = snmp_sess_synch_response(walk->session, request, &response) == STAT_SUCCESS && response &&
	     response->errstat == SNMP_ERR_NOERROR;
	for (netsnmp_variable_list *var = rc ? response->variables : NULL; var; var = var->next_variable)
		walk->rows += var->type == ASN_COUNTER;
	snmp_free_pdu(response);
	return rc ? 0 : -EIO;
}

static int run(void *context)
{
	struct walk *walk = context;
	struct point points[MAX_POINTS], *open[MAX_POINTS];
	int npoints = points_init(points, walk), nopen;

	if (walk->way == GET)
		return get(walk);
	for (walk->rows = 0;;) {
		int rows;

		nopen = 0;
		for (int i = 0; i < npoints; i++)
			if (!points[i].done)
				open[nopen++] = &points[i];
		if (!nopen)
			return 0;
		rows = fetch(walk, open, nopen);
		if (rows < 0)
			return rows;
	}
}

/* How many guests there are must be known before the table can be walked in parts. */
static int run_once(struct walk *walk)
{
	enum way way = walk->way;
	int rc;

	walk->way = COLUMN;
	rc = run(walk);
	walk->way = way;
	return rc < 0 ? rc : run(walk);
}

/* Of snmpd and the subagent together. */
static double cpu_ns(void *context)
{
	const struct walk *walk = context;

	return (walk->cpu[0] ? measure_clock_ns(walk->cpu[0]) : 0) + measure_clock_ns(walk->cpu[1]);
}

static void *connect_to(const char *peer)
{
	static u_char community[] = "public";
	netsnmp_session session;

	snmp_sess_init(&session);
	session.peername = (char *)(uintptr_t)peer;
	session.version = SNMP_VERSION_2c;
	session.community = community;
	session.community_len = sizeof(community) - 1;
	session.timeout = 5000000;
	return snmp_sess_open(&session);
}

static int walk_init(struct walk *walk, void *session, const char *root, enum way way)
{
	*walk = (struct walk){.session = session, .way = way, .root_len = MAX_OID_LEN};
	return session && read_objid(root, walk->root, &walk->root_len) ? 0 : -EINVAL;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void row_title(char *row, size_t size, const struct walk *walk)
{
	snprintf(row, size, ways[walk->way].title, (unsigned long long)walk->rows);
}

static enum way way_of(const char *word)
{
	enum way way = COLUMN;

	while (way < GET && strcmp(ways[way].word, word) != 0)
		way++;
	return way;
}

/* Left at 0 for no process. */
static void clock_of(const char *pid, clockid_t *clock)
{
	if (atoi(pid))
		clock_getcpuclockid(atoi(pid), clock);
}

static int compare(struct walk *ours, struct walk *floor, char **argv)
{
	struct comparison result;
	struct side our_side = {run, NULL, cpu_ns, ours}, floor_side = {run, NULL, cpu_ns, floor};
	char row[64];
	int rc;

	clock_of(argv[5], &ours->cpu[0]);
	clock_of(argv[7], &floor->cpu[0]);
	clock_getcpuclockid(atoi(argv[8]), &ours->cpu[1]);
	floor->cpu[1] = ours->cpu[1];
	rc = run_once(ours);
	if (rc == 0)
		rc = run_once(floor);
	if (rc == 0 && (ours->rows != floor->rows || !ours->rows)) {
		fprintf(stderr, "the walks differ: %llu and %llu rows\n", (unsigned long long)ours->rows,
			(unsigned long long)floor->rows);
		return -EINVAL;
	}
	if (rc == 0)
		rc = measure(&result, &our_side, &floor_side, atof(argv[2]));
	if (rc < 0)
		return rc;
	row_title(row, sizeof(row), ours);
	measure_print(row, "value", ours->rows, &result);
	return 0;
}

int main(int argc, char **argv)
{
	bool list = argc == 4 && !strcmp(argv[1], "list");
	int rc = -EINVAL;

	if (!list && argc != 9) {
		fprintf(stderr, "usage: walker list PEER ROOT | walker 1|8|get|table SECONDS PEER ROOT PID FLOORROOT "
				"FLOORPID SNMPDPID\n");
		return 1;
	}
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	init_snmp("walker");
	if (list) {
		struct walk walk;

		rc = walk_init(&walk, connect_to(argv[2]), argv[3], COLUMN);
		walk.list = true;
		if (rc == 0)
			rc = run(&walk);
	} else {
		struct walk ours, floor;
		void *session = connect_to(argv[3]);

		rc = walk_init(&ours, session, argv[4], way_of(argv[1]));
		if (rc == 0)
			rc = walk_init(&floor, session, argv[6], way_of(argv[1]));
		if (rc == 0)
			rc = compare(&ours, &floor, argv);
	}
	if (rc < 0)
		fprintf(stderr, "walker: %s\n", strerror(-rc));
	return rc < 0;
}
