/* SPDX-License-Identifier: MIT */
/*
 * diagnosis.h - the diagnosis from pass to pass: it is fed, kept in a file, and each alarm has an address that does not
 * change as long as it lives. Nothing of collectd in it.
 */
#ifndef KVMSTAT_PLUGIN_DIAGNOSIS_H
#define KVMSTAT_PLUGIN_DIAGNOSIS_H

#include "history.h"
#include "options.h"

/* Where an alarm is reported: that of the value that it is about. The end of an alarm has the address of its begin. */
struct address {
	uint64_t number; /* of the alarm */
	struct label label;
	char type_instance[LABEL_SIZE];
};

struct diagnosis {
	struct kvmstat_diagnosis *core; /* NULL: nothing is judged */
	struct kvmstat_rates *rates;
	struct kvmstat_keeper keeper;
	bool began; /* a sample was judged */
	uint32_t active; /* alarms */
	struct address *addresses; /* [naddresses], of the core's alarms, in their order */
	size_t naddresses;
	size_t room;
};

/*
 * dir: where options->state_dir is not set; NULL: nothing is kept then. Returns 0; 1 if something is wrong with the
 * file, which text says; or -ENOMEM: nothing is judged.
 */
int diagnosis_begin(struct diagnosis *diagnosis, const struct options *options, const char *dir, char *text,
		    size_t size);
void diagnosis_end(struct diagnosis *diagnosis);

/*
 * Judge a sample that state_update() was called for, before state_advance(). *changes live until the next call.
 * 0 or -ENOMEM: not all was judged.
 */
int diagnosis_judge(struct diagnosis *diagnosis, const struct state *state, const struct naming *naming,
		    const struct kvmstat_sample *sample, const struct kvmstat_change **changes, size_t *nchanges);

/* Of an alarm in a change; NULL only if there was no memory for it. */
const struct address *diagnosis_address(const struct diagnosis *diagnosis, const struct kvmstat_alarm *alarm);

/* "" if it is not known. */
const char *alarm_uuid(const struct kvmstat_alarm *alarm);

#endif
