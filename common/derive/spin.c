// SPDX-License-Identifier: MIT
#include "derive/spin.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void spin_free(struct spin *spin)
{
	free(spin->seconds);
}

static int make_room(struct spin *spin, uint32_t count)
{
	float *seconds;

	if (count <= spin->room)
		return 0;
	seconds = reallocarray(spin->seconds, count, sizeof(*seconds));
	if (!seconds)
		return -ENOMEM;
	memset(seconds + spin->room, 0, (count - spin->room) * sizeof(*seconds));
	spin->seconds = seconds;
	spin->room = count;
	return 0;
}

int spin_note(struct spin *spin, uint32_t vcpu, double cpu_ns, double halts, double seconds)
{
	/* Not if either is unknown. */
	bool computes = cpu_ns >= parameters.spin_cpu * 1e9 && halts < parameters.spin_halts;

	if (!computes && vcpu >= spin->room)
		return 0;
	if (make_room(spin, vcpu + 1) < 0)
		return -ENOMEM;
	spin->seconds[vcpu] = computes ? spin->seconds[vcpu] + (float)seconds : 0;
	return 0;
}

static void count_spinning(struct spin *spin)
{
	spin->count = 0;
	for (uint32_t i = spin->room; i-- > 0;) {
		if (spin->seconds[i] < parameters.spin)
			continue;
		spin->count++;
		spin->first = i;
	}
}

static void end(struct spin *spin)
{
	spin->record = fmaxf(spin->record, (float)spin->peak);
	spin->abnormal = false;
}

void spin_step(struct spin *spin, bool judged, const struct pace *pace)
{
	bool more;

	count_spinning(spin);
	/* By half as many again after a week, by one until that has faded by half. */
	more = (float)spin->count > (float)M_SQRT2 * spin->record && (float)spin->count > roundf(spin->record);
	if (spin->abnormal) {
		spin->peak = spin->count > spin->peak ? spin->count : spin->peak;
		spin->calm = more ? 0 : spin->calm + pace->step;
		if (spin->calm >= parameters.clear)
			end(spin);
	} else if (judged && more) {
		spin->abnormal = true;
		spin->peak = spin->count;
		spin->calm = 0;
	} else {
		spin->record = fmaxf(spin->record, (float)spin->count);
	}
}

void spin_fade(struct spin *spin, unsigned int units)
{
	spin->record *= exp2f(-(float)units / 1024);
}

void spin_adopt(struct spin *spin)
{
	if (spin->abnormal)
		end(spin);
}

void spin_forget(struct spin *spin)
{
	if (spin->room)
		memset(spin->seconds, 0, spin->room * sizeof(*spin->seconds));
	spin->abnormal = false;
	spin->count = 0;
}
