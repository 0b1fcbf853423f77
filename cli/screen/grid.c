// SPDX-License-Identifier: MIT
/* grid.c - the rows of a table in the order of the screen, and a cursor that stays on its row */
#include <stdlib.h>
#include <string.h>

#include "screen/grid.h"

/* ---- order -------------------------------------------------------------- */

/* A row on its way to its place. */
struct place {
	const struct cell *cells;
	size_t row;
	struct place *parent;	/* that it is part of, or NULL */
	bool matches;
	bool shown;
};

struct sorter {
	const struct order *order;
	const struct sorting *sorting;
	struct place *places;
	size_t count;
	struct grid *grid;
};

static double number_of(const struct cell *cell)
{
	return cell->kind == CELL_COUNT ? (double)cell->count : cell->number;
}

/* Negative: a comes first. Both have values. */
static int compare_values(const struct cell *a, const struct cell *b)
{
	double x, y;

	if (a->kind == CELL_STRING && b->kind == CELL_STRING)
		return strcmp(a->string, b->string);
	if (a->kind == CELL_COUNT && b->kind == CELL_COUNT)
		return (a->count < b->count) - (a->count > b->count);
	x = a->kind == CELL_STRING ? 0 : number_of(a);
	y = b->kind == CELL_STRING ? 0 : number_of(b);
	return (x < y) - (x > y);
}

static int compare_cells(const struct cell *a, const struct cell *b, bool reverse)
{
	int result;

	if (a->kind == CELL_NONE || b->kind == CELL_NONE)
		return (a->kind == CELL_NONE) - (b->kind == CELL_NONE);
	result = compare_values(a, b);
	return reverse ? -result : result;
}

/* Of equal rows the first one of the table stays the first. */
static int compare(const void *a, const void *b, void *context)
{
	const struct place *x = a, *y = b;
	const struct sorter *sorter = context;
	int group = sorter->order->group, column = sorter->sorting->column, result = 0;

	if (group != NOWHERE)
		result = compare_cells(&x->cells[group], &y->cells[group], true);
	if (!result && column != NOWHERE)
		result = compare_cells(&x->cells[column], &y->cells[column], sorter->sorting->reverse);
	return result ? result : (x->row > y->row) - (x->row < y->row);
}

/* ---- choice ------------------------------------------------------------- */

static struct place *find_parent(const struct sorter *sorter, const struct place *place)
{
	int id = sorter->order->id, parent = sorter->order->parent;

	if (parent == NOWHERE || place->cells[parent].kind == CELL_NONE)
		return NULL;
	for (size_t i = 0; i < sorter->count; i++)
		if (sorter->places[i].cells[id].count == place->cells[parent].count)
			return &sorter->places[i];
	return NULL;
}

/* Is it part of a row that matches? */
static bool is_below_match(const struct place *place)
{
	do
		place = place->parent;
	while (place && !place->matches);
	return place != NULL;
}

static void choose(struct sorter *sorter, const struct pick *pick)
{
	bool all = !pick->matches;

	for (size_t i = 0; i < sorter->count; i++) {
		struct place *place = &sorter->places[i];

		place->matches = all ? !(pick->folded && place->parent) :
				       pick->matches(sorter->grid->table, place->row, pick->context);
	}
	for (size_t i = 0; i < sorter->count; i++) {
		struct place *place = &sorter->places[i];

		if (!place->matches && (pick->folded || !is_below_match(place)))
			continue;
		for (; place && !place->shown; place = place->parent)
			place->shown = true;
	}
}

static void add(struct grid *grid, const struct place *place)
{
	if (place->shown)
		grid->rows[grid->nrows++] = place->row;
}

/* The rows that are part of one, or of none, each followed by what is part of it. */
static void add_children(struct sorter *sorter, const struct place *parent)
{
	for (size_t i = 0; i < sorter->count; i++) {
		const struct place *place = &sorter->places[i];

		if (!place->shown || place->parent != parent)
			continue;
		add(sorter->grid, place);
		add_children(sorter, place);
	}
}

void grid_make(struct grid *grid, const struct table *table, const struct order *order, const struct sorting *sorting,
	       const struct pick *pick)
{
	struct sorter sorter = { order, sorting, get_memory(table->nrows, sizeof(struct place)), table->nrows, grid };

	*grid = (struct grid){ .table = table, .order = order, .rows = get_memory(table->nrows, sizeof(*grid->rows)) };
	for (size_t i = 0; i < table->nrows; i++)
		sorter.places[i] = (struct place){ .cells = table->cells + i * table->ncolumns, .row = i };
	qsort_r(sorter.places, sorter.count, sizeof(*sorter.places), compare, &sorter);
	for (size_t i = 0; i < sorter.count; i++)
		sorter.places[i].parent = find_parent(&sorter, &sorter.places[i]);
	choose(&sorter, pick);
	if (order->parent != NOWHERE)
		add_children(&sorter, NULL);
	for (size_t i = 0; order->parent == NOWHERE && i < sorter.count; i++)
		add(grid, &sorter.places[i]);
	free(sorter.places);
}

void grid_free(struct grid *grid)
{
	free(grid->rows);
	*grid = (struct grid){ .rows = NULL };
}

const struct cell *grid_cell(const struct grid *grid, size_t at, int column)
{
	return &grid->table->cells[grid->rows[at] * grid->table->ncolumns + (size_t)column];
}

uint64_t grid_id(const struct grid *grid, size_t at)
{
	return grid_cell(grid, at, grid->order->id)->count;
}

/* ---- cursor ------------------------------------------------------------- */

/* Scroll no more than needed. */
static void scroll(struct cursor *cursor, const struct grid *grid, size_t height)
{
	size_t last = grid->nrows > height ? grid->nrows - height : 0;

	if (cursor->at >= cursor->first + height)
		cursor->first = cursor->at + 1 - height;
	if (cursor->at < cursor->first)
		cursor->first = cursor->at;
	if (cursor->first > last)
		cursor->first = last;
}

/* Where it is; what is there now is its row from here on. */
static void take_row(struct cursor *cursor, const struct grid *grid, size_t height)
{
	if (cursor->at >= grid->nrows)
		cursor->at = grid->nrows ? grid->nrows - 1 : 0;
	if (grid->nrows)
		cursor->id = grid_id(grid, cursor->at);
	scroll(cursor, grid, height ? height : 1);
}

void cursor_follow(struct cursor *cursor, const struct grid *grid, size_t height)
{
	for (size_t i = 0; cursor->held && i < grid->nrows; i++) {
		if (grid_id(grid, i) == cursor->id) {
			cursor->at = i;
			break;
		}
	}
	take_row(cursor, grid, height);
}

void cursor_move(struct cursor *cursor, const struct grid *grid, long rows, size_t height)
{
	cursor->held = rows >= 0 || (size_t)-rows <= cursor->at;
	if (rows >= 0)
		cursor->at += (size_t)rows;
	else
		cursor->at -= cursor->held ? (size_t)-rows : cursor->at;
	take_row(cursor, grid, height);
}

void cursor_put(struct cursor *cursor, uint64_t id)
{
	cursor->id = id;
	cursor->held = true;
}

static bool contains(const struct grid *grid, size_t at, const char *text)
{
	const struct cell *cell = grid_cell(grid, at, grid->order->name);
	size_t width;
	char *name = table_image(cell, &grid->table->headings[grid->order->name], &width);
	bool found = strcasestr(name, text);

	free(name);
	return found;
}

bool cursor_find(struct cursor *cursor, const struct grid *grid, const char *text, bool after, size_t height)
{
	for (size_t i = 0; i < grid->nrows; i++) {
		size_t at = (cursor->at + i + after) % grid->nrows;

		if (!contains(grid, at, text))
			continue;
		cursor->at = at;
		cursor->held = true;
		take_row(cursor, grid, height);
		return true;
	}
	return false;
}
