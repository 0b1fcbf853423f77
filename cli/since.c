// SPDX-License-Identifier: MIT
/* since.c - totals: since the guest began, or since a mark that the user has set */
#include "select.h"
#include "since.h"

/* The guest's row when the mark was set, or NULL: it was not there, or there is no mark. */
static const struct kvmstat_row *marked_row(const struct watch *watch, uint32_t row)
{
	return watch->mark ? select_row(watch->mark, watch->now->rows[row].guest->id) : NULL;
}

static const struct kvmstat_vcpu *marked_vcpu(const struct kvmstat_row *row, uint32_t id)
{
	for (uint32_t i = 0; row && i < row->nvcpus; i++)
		if (row->vcpus[i].id == id)
			return &row->vcpus[i];
	return NULL;
}

/* Cells may have moved since: an event is found by its number. */
static bool take_marked(const struct watch *watch, const struct kvmstat_column *column, uint32_t cell,
			const uint64_t *values, const uint8_t *from, uint64_t *value)
{
	const struct kvmstat_column *old = kvmstat_sample_column(watch->mark, column->event->number);

	if (!old || cell >= old->cells || from[old->first_cell + cell] == KVMSTAT_ABSENT)
		return true;
	if (values[old->first_cell + cell] > *value)
		return false;
	*value -= values[old->first_cell + cell];
	return true;
}

static bool grows(const struct kvmstat_column *column)
{
	return column->event->class == KVMSTAT_CUMULATIVE || kvmstat_is_histogram(column->event->class);
}

bool since_value(const struct watch *watch, uint32_t row, const struct kvmstat_column *column, uint32_t cell, uint64_t *value)
{
	const struct kvmstat_row *now = &watch->now->rows[row], *old = marked_row(watch, row);

	if (now->from[column->first_cell + cell] == KVMSTAT_ABSENT)
		return false;
	*value = now->value[column->first_cell + cell];
	return !old || !grows(column) || take_marked(watch, column, cell, old->value, old->from, value);
}

bool since_value_of_vcpu(const struct watch *watch, uint32_t row, const struct kvmstat_vcpu *vcpu,
			 const struct kvmstat_column *column, uint64_t *value)
{
	const struct kvmstat_vcpu *old = marked_vcpu(marked_row(watch, row), vcpu->id);

	if (vcpu->from[column->first_cell] == KVMSTAT_ABSENT)
		return false;
	*value = vcpu->value[column->first_cell];
	return !old || !grows(column) || take_marked(watch, column, 0, old->value, old->from, value);
}

void since_activity(const struct watch *watch, uint32_t row, struct kvmstat_activity activity[KVMSTAT_NCATEGORIES])
{
	const struct kvmstat_row *old = marked_row(watch, row);
	struct kvmstat_activity before[KVMSTAT_NCATEGORIES];

	kvmstat_activity(watch->now, watch->rates, row, activity);
	if (!old)
		return;
	kvmstat_activity(watch->mark, NULL, (uint32_t)(old - watch->mark->rows), before);
	for (int c = 0; c < KVMSTAT_OTHER; c++) {
		if (!before[c].has_count)
			continue;
		activity[c].has_count &= activity[c].count >= before[c].count;
		activity[c].count -= before[c].count;
	}
}
