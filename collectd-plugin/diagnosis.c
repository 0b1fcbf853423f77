/* SPDX-License-Identifier: MIT */
/*
 * diagnosis.c - the diagnosis from pass to pass: it is fed, kept in a file, and each alarm has its address
 */
#include "diagnosis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- begin and end ------------------------------------------------------ */

static int allocate(struct diagnosis *diagnosis, const struct kvmstat_diagnosis_config *config, const char *dir)
{
	diagnosis->core = kvmstat_diagnosis_new(config);
	diagnosis->rates = kvmstat_rates_new();
	diagnosis->keeper.dir = dir ? strdup(dir) : NULL;
	return diagnosis->core && diagnosis->rates && (diagnosis->keeper.dir || !dir) ? 0 : -ENOMEM;
}

int diagnosis_begin(struct diagnosis *diagnosis, const struct options *options, const char *dir, char *text,
		    size_t size)
{
	struct kvmstat_diagnosis_config config = options->diagnosis.config;
	struct utsname host;

	*diagnosis = (struct diagnosis){.keeper.program = "collectd"};
	if (options->state_dir)
		dir = options->state_dir[0] ? options->state_dir : NULL;
	config.release = uname(&host) ? "" : host.release;
	if (allocate(diagnosis, &config, dir)) {
		diagnosis_end(diagnosis);
		return -ENOMEM;
	}
	return kvmstat_keeper_load(&diagnosis->keeper, diagnosis->core, text, size);
}

void diagnosis_end(struct diagnosis *diagnosis)
{
	kvmstat_diagnosis_free(diagnosis->core);
	kvmstat_rates_free(diagnosis->rates);
	free(diagnosis->keeper.dir);
	free(diagnosis->addresses);
	*diagnosis = (struct diagnosis){0};
}

/* ---- addresses ---------------------------------------------------------- */

static const struct guest_state *find_guest(const struct state *state, const struct kvmstat_sample *sample,
					    const char *key)
{
	for (uint32_t i = 0; i < sample->nrows; i++)
		if (state->guests[i].named && !strcmp(sample->rows[i].guest->key, key))
			return &state->guests[i];
	return NULL;
}

const char *alarm_uuid(const struct kvmstat_alarm *alarm)
{
	static const char prefix[] = "uuid:";

	return strncmp(alarm->key, prefix, sizeof(prefix) - 1) ? "" : alarm->key + sizeof(prefix) - 1;
}

/* The label of the guest's values; of one that ended meanwhile, what it would be called. */
static void address_guest(struct address *address, const struct kvmstat_alarm *alarm, const struct state *state,
			  const struct naming *naming, const struct kvmstat_sample *sample)
{
	const struct guest_state *guest = find_guest(state, sample, alarm->key);

	if (guest)
		address->label = guest->label;
	else
		label_make(&address->label, naming, alarm->guest, alarm_uuid(alarm));
}

static struct address address_of(const struct kvmstat_alarm *alarm, const struct state *state,
				 const struct naming *naming, const struct kvmstat_sample *sample)
{
	struct address address = {.number = alarm->number};
	const struct kvmstat_judged *about = alarm->first_event;
	const char *event = about ? about->name : alarm->cause->name;

	if (alarm->key[0])
		address_guest(&address, alarm, state, naming, sample);
	else
		snprintf(address.label.host, LABEL_SIZE, "%s", naming->hostname);
	if (about && about->number == KVMSTAT_NUMBER_CPU)
		event = series_time_name(TIME_CPU);
	else if (about && about->number == KVMSTAT_NUMBER_WAIT)
		event = series_time_name(TIME_WAIT);
	snprintf(address.type_instance, LABEL_SIZE, "%s", event);
	return address;
}

static int make_room(struct diagnosis *diagnosis, size_t count)
{
	struct address *addresses;

	if (count <= diagnosis->room)
		return 0;
	addresses = reallocarray(diagnosis->addresses, 2 * count, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	diagnosis->addresses = addresses;
	diagnosis->room = 2 * count;
	return 0;
}

/* Addresses of alarms that are not kept any more go. Both are in order of number. */
static void drop_addresses(struct diagnosis *diagnosis, const struct kvmstat_alarm *const *alarms, size_t count)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < diagnosis->naddresses; i++) {
		while (at < count && alarms[at]->number < diagnosis->addresses[i].number)
			at++;
		if (at < count && alarms[at]->number == diagnosis->addresses[i].number)
			diagnosis->addresses[kept++] = diagnosis->addresses[i];
	}
	diagnosis->naddresses = kept;
}

/* A new alarm has a higher number than all before, so its address belongs at the end. */
static int update_addresses(struct diagnosis *diagnosis, const struct state *state, const struct naming *naming,
			    const struct kvmstat_sample *sample)
{
	const struct kvmstat_alarm *const *alarms;
	size_t count;

	alarms = kvmstat_diagnosis_alarms(diagnosis->core, &count);
	diagnosis->active = 0;
	for (size_t i = 0; i < count; i++)
		diagnosis->active += !alarms[i]->cleared_ns;
	drop_addresses(diagnosis, alarms, count);
	if (make_room(diagnosis, count))
		return -ENOMEM;
	for (size_t i = diagnosis->naddresses; i < count; i++)
		diagnosis->addresses[diagnosis->naddresses++] = address_of(alarms[i], state, naming, sample);
	return 0;
}

const struct address *diagnosis_address(const struct diagnosis *diagnosis, const struct kvmstat_alarm *alarm)
{
	for (size_t i = 0; i < diagnosis->naddresses; i++)
		if (diagnosis->addresses[i].number == alarm->number)
			return &diagnosis->addresses[i];
	return NULL;
}

/* ---- a pass ------------------------------------------------------------- */

int diagnosis_judge(struct diagnosis *diagnosis, const struct state *state, const struct naming *naming,
		    const struct kvmstat_sample *sample, const struct kvmstat_change **changes, size_t *nchanges)
{
	int err, late;

	*nchanges = 0;
	err = kvmstat_rates_update(diagnosis->rates, diagnosis->began ? diagnosis->rates : NULL,
				   diagnosis->began ? state->before : NULL, sample);
	if (err)
		return err;
	err = kvmstat_diagnose(diagnosis->core, sample, diagnosis->rates, changes, nchanges);
	diagnosis->began = true;
	late = update_addresses(diagnosis, state, naming, sample);
	return err ? err : late;
}
