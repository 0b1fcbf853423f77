/* SPDX-License-Identifier: MIT */
/*
 * walker - an SNMP manager that walks the guest event rows of two subagents of one snmpd in turn
 *
 *	walker list PEER ROOT			the indices of the rows
 *	walker 1|8 SECONDS PEER ROOT PID FLOORROOT FLOORPID SNMPDPID
 *
 * With 1, one column in each GETBULK. With 8, two columns, each from four guests on at the same time.
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
	MAX_POINTS = 8,
	PARTS = 4,
};

/* A piece of a column: from behind name up to end. */
struct point {
	oid name[MAX_OID_LEN];
	size_t len, prefix;
	oid column_end, guest_end;
	bool done;
};

struct walk {
	void *session;
	oid root[MAX_OID_LEN];
	size_t root_len;
	int npoints;
	oid guests;    /* highest index met so far */
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
	point->guest_end = UINT32_MAX;
	point->done = false;
}

static int points_init(struct point *points, const struct walk *walk)
{
	static const oid columns[2][2] = {{8, 2}, {9, 1}};

	if (walk->npoints == 1) {
		point_init(&points[0], walk, 8, 2);
		return 1;
	}
	for (oid i = 0; i < MAX_POINTS; i++) {
		oid part = i % PARTS;

		point_init(&points[i], walk, columns[i / PARTS][0], columns[i / PARTS][1]);
		points[i].name[points[i].len++] = 1 + part * walk->guests / PARTS;
		if (part < PARTS - 1)
			points[i].guest_end = 1 + (part + 1) * walk->guests / PARTS;
	}
	return MAX_POINTS;
}

/* Has the piece this instance? Then go on behind it. */
static bool point_take(struct point *point, const netsnmp_variable_list *var)
{
	if (point->done)
		return false;
	if (var->type == SNMP_ENDOFMIBVIEW || var->name_length != point->prefix + 3 ||
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
	}
	snmp_free_pdu(response);
	return rows;
}

static int run(void *context)
{
	struct walk *walk = context;
	struct point points[MAX_POINTS], *open[MAX_POINTS];
	int npoints = points_init(points, walk), nopen;

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
		walk->rows += (uint64_t)rows;
	}
}

/* How many guests there are must be known before the table can be walked in parts. */
static int run_once(struct walk *walk)
{
	int npoints = walk->npoints, rc;

	walk->npoints = 1;
	rc = run(walk);
	walk->npoints = npoints;
	return rc < 0 ? rc : run(walk);
}

/* Of snmpd and the subagent together. */
static double cpu_ns(void *context)
{
	const struct walk *walk = context;

	return measure_clock_ns(walk->cpu[0]) + measure_clock_ns(walk->cpu[1]);
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

static int walk_init(struct walk *walk, void *session, const char *root, int npoints)
{
	*walk = (struct walk){.session = session, .npoints = npoints, .root_len = MAX_OID_LEN};
	return session && read_objid(root, walk->root, &walk->root_len) ? 0 : -EINVAL;
}

static int compare(struct walk *ours, struct walk *floor, char **argv)
{
	struct comparison result;
	struct side our_side = {run, cpu_ns, ours}, floor_side = {run, cpu_ns, floor};
	char row[64];
	int rc;

	clock_getcpuclockid(atoi(argv[5]), &ours->cpu[0]);
	clock_getcpuclockid(atoi(argv[7]), &floor->cpu[0]);
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
	snprintf(row, sizeof(row), "SNMP walk, %llu values, %d in a repetition",
		 (unsigned long long)ours->rows, ours->npoints);
	measure_print(row, "value", ours->rows, &result);
	return 0;
}

int main(int argc, char **argv)
{
	bool list = argc == 4 && !strcmp(argv[1], "list");
	int rc = -EINVAL;

	if (!list && argc != 9) {
		fprintf(stderr, "usage: walker list PEER ROOT | walker 1|8 SECONDS PEER ROOT PID FLOORROOT "
				"FLOORPID SNMPDPID\n");
		return 1;
	}
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	init_snmp("walker");
	if (list) {
		struct walk walk;

		rc = walk_init(&walk, connect_to(argv[2]), argv[3], 1);
		walk.list = true;
		if (rc == 0)
			rc = run(&walk);
	} else {
		struct walk ours, floor;
		void *session = connect_to(argv[3]);

		rc = walk_init(&ours, session, argv[4], atoi(argv[1]));
		if (rc == 0)
			rc = walk_init(&floor, session, argv[6], atoi(argv[1]));
		if (rc == 0)
			rc = compare(&ours, &floor, argv);
	}
	if (rc < 0)
		fprintf(stderr, "walker: %s\n", strerror(-rc));
	return rc < 0;
}
