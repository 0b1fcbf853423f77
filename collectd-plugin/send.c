/* SPDX-License-Identifier: MIT */
/* send.c - select the values to send, their order and their pace */
#include "send.h"

#include <time.h>

enum {
	NS_PER_S = 1000000000,
	AUTO_PACE_VALUES = 5000, /* fewer than these do no harm in one burst */
	AUTO_PACE_US = 500,
	PATIENCE = 4,		  /* all pauses together take no more than this part of the interval */
	FLUSH_PAUSE_NS = 1000000,     /* the first one, each other one is twice as long, */
	FLUSH_PATIENCE_NS = 50000000, /* and all together */
};

/* A pause after each guest, so that a large pass does not overrun sockets. SIGTERM waits for it: not for
 * long. */
struct pace {
	uint64_t pause_ns;
	uint64_t patience_ns;
};

static struct pace pace_new(const struct pass *pass, const struct kvmstat_sample *sample)
{
	uint32_t expected = pass->sent ? pass->sent : (sample->nrows + sample->nvcpus) * sample->ncells;
	int us = pass->options->pace_us;

	if (us == PACE_AUTO)
		us = expected > AUTO_PACE_VALUES ? AUTO_PACE_US : 0;
	return (struct pace){(uint64_t)us * 1000, pass->interval_ns / PATIENCE};
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void pace_wait(struct pace *pace)
{
	struct timespec pause = {(time_t)(pace->pause_ns / NS_PER_S), (long)(pace->pause_ns % NS_PER_S)};
	uint64_t began, took;

	if (!pace->pause_ns || pace->patience_ns < pace->pause_ns)
		return;
	began = clock_ns();
	nanosleep(&pause, NULL);
	took = clock_ns() - began;
	pace->patience_ns -= took < pace->patience_ns ? took : pace->patience_ns;
}

bool pass_admit(struct pass *pass)
{
	if (pass->sent == pass->options->max_values) {
		pass->left_out++;
		return false;
	}
	pass->sent++;
	return true;
}

static void send_owner(struct pass *pass, const struct kvmstat_sample *sample,
		       const struct series_owner *owner)
{
	const struct state *state = pass->state;
	uint64_t value;

	for (uint32_t i = 0; i < state->ncells; i++) {
		switch (state_judge(state, sample, owner, i, &value)) {
		case LEAVE_OUT:
			break;
		case SEND_ZERO_FIRST:
			if (pass_admit(pass))
				pass->emit(pass->context, owner, &state->cells[i], 0,
					   state->before->realtime_ns);
			if (pass_admit(pass)) {
				state_defer(owner, i);
				pass->deferred++;
			}
			break;
		case SEND:
			if (pass_admit(pass))
				pass->emit(pass->context, owner, &state->cells[i], value,
					   sample->realtime_ns);
		}
	}
}

typedef void each_owner(struct pass *pass, const struct kvmstat_sample *sample,
			const struct series_owner *owner);

static void each_guest(struct pass *pass, const struct kvmstat_sample *sample, each_owner *act,
		       struct pace *pace)
{
	for (uint32_t row = 0; row < sample->nrows; row++) {
		struct series_owner guest = state_guest(pass->state, sample, row);

		if (!pass->state->guests[row].named)
			continue;
		act(pass, sample, &guest);
		pace_wait(pace);
	}
}

static void each_vcpu(struct pass *pass, const struct kvmstat_sample *sample, each_owner *act,
		      struct pace *pace)
{
	for (uint32_t row = 0; sample->nvcpus && row < sample->nrows; row++) {
		uint32_t first = (uint32_t)(sample->rows[row].vcpus - sample->vcpus);

		if (!pass->state->guests[row].named)
			continue;
		for (uint32_t i = 0; i < sample->rows[row].nvcpus; i++) {
			struct series_owner vcpu = state_vcpu(pass->state, sample, row, first + i);

			act(pass, sample, &vcpu);
		}
		pace_wait(pace);
	}
}

void pass_run(struct pass *pass, const struct kvmstat_sample *sample)
{
	struct pace pace = pace_new(pass, sample);

	pass->sent = 0;
	pass->left_out = 0;
	pass->deferred = 0;
	each_guest(pass, sample, send_owner, &pace);
	each_vcpu(pass, sample, send_owner, &pace);
}

static void flush_owner(struct pass *pass, const struct kvmstat_sample *sample, const struct series_owner *owner)
{
	const struct state *state = pass->state;
	uint64_t value;

	for (uint32_t i = 0; i < state->ncells; i++) {
		if (!state_is_deferred(owner, i) || !pass->arrived(pass->context, owner, &state->cells[i]))
			continue;
		pass->deferred--;
		if (state_flush(sample, owner, i, &value))
			pass->emit(pass->context, owner, &state->cells[i], value, sample->realtime_ns);
	}
}

static void forget_deferred(struct pass *pass, const struct kvmstat_sample *sample,
			    const struct series_owner *owner)
{
	uint64_t value;

	for (uint32_t i = 0; i < pass->state->ncells; i++)
		if (state_is_deferred(owner, i))
			state_flush(sample, owner, i, &value);
}

void pass_end(struct pass *pass, const struct kvmstat_sample *sample)
{
	uint64_t patience_ns = pass->interval_ns / PATIENCE;
	struct pace none = {0}, pace = {FLUSH_PAUSE_NS,
					patience_ns < FLUSH_PATIENCE_NS ? patience_ns : FLUSH_PATIENCE_NS};

	while (pass->deferred) {
		each_guest(pass, sample, flush_owner, &none);
		each_vcpu(pass, sample, flush_owner, &none);
		if (!pass->deferred || pace.patience_ns < pace.pause_ns)
			break;
		pace_wait(&pace);
		pace.pause_ns *= 2;
	}
	if (pass->deferred) {
		each_guest(pass, sample, forget_deferred, &none);
		each_vcpu(pass, sample, forget_deferred, &none);
	}
	pass->deferred = 0;
}
