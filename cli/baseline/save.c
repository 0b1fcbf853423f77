// SPDX-License-Identifier: MIT
/*
 * save.c - kvmstat baseline save: samples for some minutes become the good case of their guests
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "baseline/baseline.h"

enum { RECORD_S = 600, INTERVAL_S = 10, MINUTE_S = 60, LEAST_SAMPLES = 2 };
#define INTERVAL_LEAST 0.1

/* One event of one guest. */
struct track {
	const struct kvmstat_judged *judged;
	double before;		/* rate of the sample before, NaN if it is missing */
	double two;		/* highest that two samples reached, NaN: none did */
	double minute;		/* highest mean of a minute */
	double sum;		/* rate times seconds, of the minute so far */
	double seconds;
	double all_sum;
	double all_seconds;
};

struct recorded {
	uint64_t id;
	char *key;
	char *name;
	uint32_t vcpus;
	double seconds;
	struct track *tracks;
	size_t ntracks;
};

struct recording {
	struct recorded *guests;
	size_t nguests;
	uint64_t first_s;
	uint64_t last_s;
};

static struct recorded *guest_of(struct recording *recording, const struct kvmstat_guest *guest)
{
	struct recorded *found;

	for (size_t i = 0; i < recording->nguests; i++)
		if (recording->guests[i].id == guest->id)
			return &recording->guests[i];
	found = reallocarray(recording->guests, recording->nguests + 1, sizeof(*found));
	if (!found)
		out_of_memory();
	recording->guests = found;
	found += recording->nguests++;
	*found = (struct recorded){ .id = guest->id, .key = get_copy(guest->key), .name = get_copy(guest->name) };
	return found;
}

/* hint: where it mostly is. */
static struct track *track_of(struct recorded *guest, const struct kvmstat_judged *judged, size_t hint)
{
	struct track *tracks;

	if (hint < guest->ntracks && guest->tracks[hint].judged == judged)
		return &guest->tracks[hint];
	for (size_t i = 0; i < guest->ntracks; i++)
		if (guest->tracks[i].judged == judged)
			return &guest->tracks[i];
	tracks = reallocarray(guest->tracks, guest->ntracks + 1, sizeof(*tracks));
	if (!tracks)
		out_of_memory();
	guest->tracks = tracks;
	tracks[guest->ntracks] = (struct track){ .judged = judged, .before = NAN, .two = NAN, .minute = NAN };
	return &tracks[guest->ntracks++];
}

/* fmax() ignores NaN, fmin() must not. */
static void add(struct track *track, double rate, double seconds)
{
	if (isnan(rate)) {
		track->before = NAN;
		track->sum = track->seconds = 0;
		return;
	}
	if (!isnan(track->before))
		track->two = fmax(track->two, fmin(track->before, rate));
	track->before = rate;
	track->sum += rate * seconds;
	track->seconds += seconds;
	track->all_sum += rate * seconds;
	track->all_seconds += seconds;
	if (track->seconds < 0.95 * MINUTE_S)
		return;
	track->minute = fmax(track->minute, track->sum / track->seconds);
	track->sum = track->seconds = 0;
}

static void record_row(struct recording *recording, const struct watch *watch, uint32_t row)
{
	const struct kvmstat_row *r = &watch->now->rows[row];
	struct recorded *guest = guest_of(recording, r->guest);
	const struct kvmstat_judged *judged;
	double rate;
	size_t hint = 0;

	guest->vcpus = r->vcpu_count ? r->vcpu_count : guest->vcpus;
	guest->seconds += watch_seconds(watch);
	for (uint32_t i = 0; good_event(watch, row, i, &judged, &rate); i++)
		if (judged)
			add(track_of(guest, judged, hint++), rate, watch_seconds(watch));
}

static void record_sample(struct recording *recording, const struct watch *watch, const bool *meant)
{
	for (uint32_t i = 0; i < watch->now->nrows; i++)
		if (meant[i])
			record_row(recording, watch, i);
	recording->last_s = watch->now->realtime_ns / 1000000000u;
	if (!recording->first_s)
		recording->first_s = recording->last_s;
}

/* Guests that are named must be there in each sample. */
static int record(struct recording *recording, const struct options *options, char *const *words)
{
	double all = options->record > 0 ? options->record : RECORD_S;
	struct options each = *options;
	struct watch watch;
	uint64_t began;
	int status;

	each.interval = fmax(fmin(INTERVAL_S, all / LEAST_SAMPLES), INTERVAL_LEAST);
	status = watch_start(&watch, &each);
	began = status ? 0 : watch.now->time_ns;
	while (!status && (double)(watch.now->time_ns - began) / 1e9 < all - each.interval / 2) {
		bool *meant;

		status = watch_next(&watch, &each);
		if (status)
			break;
		meant = get_memory(watch.now->nrows, sizeof(*meant));
		status = good_rows(&watch, words, meant);
		if (!status)
			record_sample(recording, &watch, meant);
		free(meant);
	}
	watch_stop(&watch);
	return status;
}

/* A recording that is shorter than a minute has its mean instead. */
static void teach(struct kvmstat_diagnosis *diagnosis, const struct recorded *guest)
{
	for (size_t i = 0; i < guest->ntracks; i++) {
		const struct track *track = &guest->tracks[i];
		double mean = track->all_sum / track->all_seconds;
		struct kvmstat_level level = { track->judged, isnan(track->two) ? mean : track->two,
					       isnan(track->minute) ? mean : track->minute };

		if (track->all_seconds > 0 && kvmstat_diagnosis_teach(diagnosis, guest->key, &level))
			out_of_memory();
	}
}

/* Two VMs of one key are one guest for a baseline: the first counts. Returns how many there are. */
static size_t add_recorded(struct kvmstat_diagnosis *diagnosis, const struct recording *recording)
{
	size_t count = 0;

	for (size_t i = 0; i < recording->nguests; i++) {
		const struct recorded *guest = &recording->guests[i];
		struct kvmstat_learnt learnt = { guest->key, guest->name, guest->vcpus, recording->first_s,
						 recording->last_s, guest->seconds };
		int rc = kvmstat_diagnosis_add(diagnosis, &learnt);

		if (rc == -EEXIST)
			continue;
		if (rc)
			out_of_memory();
		teach(diagnosis, guest);
		count++;
	}
	return count;
}

/* What the file has of guests that were not recorded now. */
static void add_others(struct kvmstat_diagnosis *diagnosis, const struct kvmstat_diagnosis *old)
{
	struct kvmstat_learnt guest;
	struct kvmstat_level level;

	for (size_t i = 0; kvmstat_diagnosis_guest(old, i, &guest); i++) {
		if (kvmstat_diagnosis_add(diagnosis, &guest))
			continue;
		for (size_t l = 0; kvmstat_diagnosis_level(old, i, l, &level); l++)
			if (kvmstat_diagnosis_teach(diagnosis, guest.key, &level))
				out_of_memory();
	}
}

static int write_recording(const struct recording *recording, const struct options *options, char *const *words,
			   const char *dir)
{
	const char *name = options->name ? options->name : KVMSTAT_GOOD;
	struct utsname host;
	struct kvmstat_diagnosis_config config = { .release = options->root || uname(&host) ? "" : host.release };
	struct kvmstat_diagnosis *diagnosis = kvmstat_diagnosis_new(&config);
	struct state old = { .diagnosis = NULL };
	char file[128];
	size_t count;
	int status;

	if (!diagnosis)
		out_of_memory();
	count = add_recorded(diagnosis, recording);
	if (*words && good_read(&old, dir, name) == STATE_READ)
		add_others(diagnosis, old.diagnosis);
	snprintf(file, sizeof(file), KVMSTAT_GOOD_DIR "/%s", name);
	status = good_write(diagnosis, dir, file);
	if (!status)
		printf("%s/%s has %zu guests%s\n", dir, file, count,
		       strcmp(name, KVMSTAT_GOOD) ? "" : "; front ends read it when they start");
	state_free(&old);
	kvmstat_diagnosis_free(diagnosis);
	return status;
}

static void forget(struct recording *recording)
{
	for (size_t i = 0; i < recording->nguests; i++) {
		free(recording->guests[i].key);
		free(recording->guests[i].name);
		free(recording->guests[i].tracks);
	}
	free(recording->guests);
}

int baseline_save(const struct options *options, char *const *words)
{
	struct recording recording = { .nguests = 0 };
	char dir[PATH_MAX];
	int status = good_state_dir(options, dir);

	if (!status)
		status = good_prepare(dir);
	if (!status)
		status = record(&recording, options, words);
	if (!status && !recording.nguests) {
		complain("there is no guest to record; see 'kvmstat guests'");
		status = EXIT_FAILURE;
	}
	if (!status)
		status = write_recording(&recording, options, words, dir);
	forget(&recording);
	return status;
}
