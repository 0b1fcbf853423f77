// SPDX-License-Identifier: MIT
/* cli/screen/: rows and the cursor, columns that fit, lines that are typed, without a terminal */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "screen/layout.h"
#include "screen/screen.h"

enum { ID, PARENT, GROUP, NAME, RATE, TOTAL, NCOLUMNS };

static const struct order tree_order = { ID, PARENT, GROUP, NAME, RATE, TOTAL, NOWHERE };
static const struct order flat_order = { ID, NOWHERE, NOWHERE, NAME, RATE, TOTAL, NOWHERE };

static const struct heading headings[NCOLUMNS] = {
	[NAME] = { .title = "NAME", .left = true, .wraps = true },
	[RATE] = { .title = "RATE" },
	[TOTAL] = { .title = "TOTAL", .narrow = true },
};

/* What the tests put in; rate < 0: it has none. */
struct row {
	uint64_t id, parent, group;
	const char *name;
	double rate;
	uint64_t total;
};

static struct table make_table(const struct row *rows, size_t count)
{
	struct table table = { .headings = headings, .ncolumns = NCOLUMNS };

	for (size_t i = 0; i < count; i++) {
		struct cell cells[NCOLUMNS] = {
			[ID] = cell_count(rows[i].id),
			[PARENT] = rows[i].parent ? cell_count(rows[i].parent) : cell_none(),
			[GROUP] = cell_count(rows[i].group),
			[NAME] = cell_string(rows[i].name),
			[RATE] = rows[i].rate < 0 ? cell_none() : cell_number(rows[i].rate),
			[TOTAL] = cell_count(rows[i].total),
		};

		table_add(&table, cells);
	}
	return table;
}

/* Ids of the rows from the top, as a text: "1 2 3". */
static const char *ids(const struct grid *grid)
{
	static char text[200];
	int used = 0;

	*text = '\0';
	for (size_t i = 0; i < grid->nrows; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%u", i ? " " : "", (unsigned int)grid_id(grid, i));
	return text;
}

static bool named(const struct table *table, size_t row, const void *context)
{
	return strstr(table->cells[row * table->ncolumns + NAME].string, context);
}

/* ---- rows --------------------------------------------------------------- */

static const struct row events[] = {
	{ 1, 0, 0, "exit", 50, 9 },   { 2, 1, 0, "instruction", 20, 90 },    { 3, 2, 0, "diagnose", 5, 7 },
	{ 4, 2, 0, "sigp", 15, 3 },   { 5, 0, 1, "wait_ns", 1e9, 1 },        { 6, 0, 0, "inject", -1, 100 },
	{ 7, 0, 0, "deliver", 80, 2 }, { 8, 7, 0, "deliver_diagnose", 1, 1 },
};

static void check_tree(const char *wanted, struct sorting sorting, const char *filter, bool folded)
{
	struct table table = make_table(events, sizeof(events) / sizeof(*events));
	struct pick pick = { filter ? named : NULL, filter, folded };
	struct grid grid;

	grid_make(&grid, &table, &tree_order, &sorting, &pick);
	assert_string_equal(ids(&grid), wanted);
	grid_free(&grid);
	table_free(&table);
}

static void parts_follow_their_whole(void **state)
{
	(void)state;
	check_tree("7 8 1 2 4 3 6 5", (struct sorting){ RATE, false }, NULL, false);
	check_tree("6 1 2 3 4 7 8 5", (struct sorting){ TOTAL, false }, NULL, false);
	check_tree("7 8 1 2 4 3 6 5", (struct sorting){ RATE, false }, "", false);
	check_tree("1 2 3 4 6 7 8 5", (struct sorting){ NOWHERE, false }, NULL, false);
}

static void no_value_is_last_in_both_directions(void **state)
{
	(void)state;
	check_tree("7 1 6 5", (struct sorting){ RATE, false }, NULL, true);
	check_tree("1 7 6 5", (struct sorting){ RATE, true }, NULL, true);
}

static void filter_keeps_the_way_to_what_matches(void **state)
{
	(void)state;
	check_tree("7 8 1 2 3", (struct sorting){ RATE, false }, "diagnose", true);
	check_tree("1 2", (struct sorting){ RATE, false }, "instruction", true);
	check_tree("1 2 4 3", (struct sorting){ RATE, false }, "instruction", false);
	check_tree("", (struct sorting){ RATE, false }, "nothing", false);
}

static void texts_and_large_counts(void **state)
{
	const struct row rows[] = { { 1, 0, 0, "b", 1, UINT64_MAX - 1 }, { 2, 0, 0, "a", 1, UINT64_MAX }, { 3, 0, 0, "c", 1, 0 } };
	struct table table = make_table(rows, 3);
	struct sorting by_total = { TOTAL, false }, by_name = { NAME, false }, by_rate = { RATE, true };
	struct pick pick = { 0 };
	struct grid grid;

	(void)state;
	grid_make(&grid, &table, &flat_order, &by_total, &pick);
	assert_string_equal(ids(&grid), "2 1 3");
	grid_free(&grid);
	grid_make(&grid, &table, &flat_order, &by_name, &pick);
	assert_string_equal(ids(&grid), "2 1 3");
	grid_free(&grid);
	/* Equal ones stay in the order of the table. */
	grid_make(&grid, &table, &flat_order, &by_rate, &pick);
	assert_string_equal(ids(&grid), "1 2 3");
	grid_free(&grid);
	table_free(&table);
}

/* ---- cursor ------------------------------------------------------------- */

/* Ten rows at most, whose order is that of the ids in a text. */
struct list {
	struct table table;
	struct grid grid;
};

static void make_list(struct list *list, const char *order)
{
	struct row rows[10] = { 0 };
	struct sorting sorting = { NOWHERE, false };
	struct pick pick = { 0 };
	size_t count = strlen(order);

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct row){ .id = (uint64_t)(order[i] - '0'), .name = i % 2 ? "odd" : "EVEN" };
	list->table = make_table(rows, count);
	grid_make(&list->grid, &list->table, &flat_order, &sorting, &pick);
}

static void free_list(struct list *list)
{
	grid_free(&list->grid);
	table_free(&list->table);
}

static void follow(struct cursor *cursor, const char *order, size_t height, uint64_t id, size_t at, size_t first)
{
	struct list list;

	make_list(&list, order);
	cursor_follow(cursor, &list.grid, height);
	free_list(&list);
	assert_int_equal(cursor->id, id);
	assert_int_equal(cursor->at, at);
	assert_int_equal(cursor->first, first);
}

static void move(struct cursor *cursor, const char *order, size_t height, long rows, uint64_t id)
{
	struct list list;

	make_list(&list, order);
	cursor_move(cursor, &list.grid, rows, height);
	free_list(&list);
	assert_int_equal(cursor->id, id);
	assert_in_range(cursor->at, cursor->first, cursor->first + height - 1);
}

static void cursor_stays_on_its_row(void **state)
{
	struct cursor cursor = { 0 };

	(void)state;
	follow(&cursor, "123456", 3, 1, 0, 0);
	follow(&cursor, "213456", 3, 2, 0, 0);		/* not moved: at the top */
	move(&cursor, "213456", 3, 1, 1);
	follow(&cursor, "231456", 3, 1, 2, 0);
	follow(&cursor, "2345617", 3, 1, 5, 3);		/* scrolled no more than needed */
	follow(&cursor, "1234567", 3, 1, 0, 0);
	follow(&cursor, "", 3, 1, 0, 0);		/* nobody is there for a moment */
	follow(&cursor, "21", 3, 1, 1, 0);
}

static void cursor_stays_where_it_is_if_its_row_has_gone(void **state)
{
	struct cursor cursor = { 0 };

	(void)state;
	move(&cursor, "123456", 4, 2, 3);
	follow(&cursor, "12456", 4, 4, 2, 0);
	follow(&cursor, "1", 4, 1, 0, 0);
	follow(&cursor, "6712", 4, 1, 2, 0);
}

static void cursor_ends_at_the_ends(void **state)
{
	struct cursor cursor = { 0 };

	(void)state;
	move(&cursor, "12345", 2, 100, 5);
	move(&cursor, "12345", 2, -2, 3);
	move(&cursor, "12345", 2, -100, 1);
	assert_false(cursor.held);
	move(&cursor, "12345", 2, 0, 1);
	assert_true(cursor.held);
	move(&cursor, "1", 1, 1, 1);
}

static void cursor_finds(void **state)
{
	struct cursor cursor = { 0 };
	struct list list;

	(void)state;
	make_list(&list, "12345");
	assert_true(cursor_find(&cursor, &list.grid, "ODD", false, 2));
	assert_int_equal(cursor.id, 2);
	assert_true(cursor_find(&cursor, &list.grid, "odd", false, 2));
	assert_int_equal(cursor.id, 2);
	assert_true(cursor_find(&cursor, &list.grid, "odd", true, 2));
	assert_int_equal(cursor.id, 4);
	assert_int_equal(cursor.first, 2);
	assert_true(cursor_find(&cursor, &list.grid, "odd", true, 2));
	assert_int_equal(cursor.id, 2);
	assert_false(cursor_find(&cursor, &list.grid, "neither", true, 2));
	assert_int_equal(cursor.id, 2);
	free_list(&list);
}

/* ---- columns ------------------------------------------------------------ */

static void check_layout(const struct row *rows, size_t count, size_t width, const char *head, const char *first)
{
	struct table table = make_table(rows, count);
	struct sorting sorting = { NOWHERE, false };
	struct pick pick = { 0 };
	size_t kept[NCOLUMNS] = { 0 }, from, to;
	struct layout layout;
	struct grid grid;
	char *line;

	grid_make(&grid, &table, &flat_order, &sorting, &pick);
	layout_make(&layout, &grid, kept, width);
	line = layout_head(&layout, RATE, &from, &to);
	assert_string_equal(line, head);
	assert_int_equal(to, strstr(line, "RATE") ? strstr(line, "RATE") + strlen("RATE") - line : 0);
	free(line);
	line = layout_row(&layout, 0, false);
	assert_string_equal(line, first);
	free(line);
	layout_free(&layout);
	grid_free(&grid);
	table_free(&table);
}

static void columns_that_fit(void **state)
{
	const struct row rows[] = { { 1, 0, 0, "a-rather-long-name", 100.5, 1234567 }, { 2, 0, 0, "b", 1, 1 } };

	(void)state;
	check_layout(rows, 2, 80, "NAME                RATE TOTAL", "a-rather-long-name 100.5 1.23M");
	check_layout(rows, 2, 24, "NAME          RATE TOTAL", "a-rather-lo~ 100.5 1.23M");
	check_layout(rows, 2, 18, "NAME          RATE", "a-rather-lo~ 100.5");
	check_layout(rows, 2, 10, "NAME      ", "a-rather-~");
	check_layout(rows, 2, 3, "NA~", "a-~");
	check_layout(rows, 2, 1, "~", "~");
}

static void columns_of_wide_characters(void **state)
{
	const struct row rows[] = { { 1, 0, 0, "日本日本日本", 1, 1 } };

	(void)state;
	check_layout(rows, 1, 80, "NAME         RATE TOTAL", "日本日本日本  1.0     1");
	/* Half of a character does not exist. */
	check_layout(rows, 1, 10, "NAME      ", "日本日本~ ");
	check_layout(rows, 1, 9, "NAME     ", "日本日本~");
}

static void columns_only_grow(void **state)
{
	const struct row wide = { 1, 0, 0, "name", 1000000, 1 }, narrow = { 1, 0, 0, "name", 1, 1 };
	struct table tables[] = { make_table(&wide, 1), make_table(&narrow, 1) };
	struct sorting sorting = { NOWHERE, false };
	struct pick pick = { 0 };
	size_t kept[NCOLUMNS] = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct layout layout;
		struct grid grid;

		grid_make(&grid, &tables[i], &flat_order, &sorting, &pick);
		layout_make(&layout, &grid, kept, 80);
		assert_int_equal(layout.widths[RATE], strlen("1000000.0"));
		layout_free(&layout);
		grid_free(&grid);
		table_free(&tables[i]);
	}
}

/* ---- what is typed ------------------------------------------------------ */

static void lines_that_are_typed(void **state)
{
	struct prompt prompt;

	(void)state;
	prompt_begin(&prompt, "ab");
	assert_true(prompt_type(&prompt, 0xc3) && prompt_type(&prompt, 0xbc));
	assert_string_equal(prompt.text, "ab\xc3\xbc");
	assert_true(prompt_type(&prompt, K_RUBOUT));
	assert_string_equal(prompt.text, "ab");
	assert_false(prompt_type(&prompt, K_UP));
	assert_false(prompt_type(&prompt, '\t'));
	assert_true(prompt_type(&prompt, K_KILL));
	assert_string_equal(prompt.text, "");
	assert_true(prompt_type(&prompt, K_RUBOUT));
	for (int i = 0; i < 2 * PROMPT_SIZE; i++)
		prompt_type(&prompt, 'x');
	assert_int_equal(strlen(prompt.text), PROMPT_SIZE - 1);
}

static void filters(void **state)
{
	struct event_filter filter = { .compiled = false };

	(void)state;
	assert_true(filter_matches(&filter, "anything"));
	assert_true(filter_set(&filter, "^exit_|44$"));
	assert_true(filter_matches(&filter, "exit_null") && filter_matches(&filter, "instruction_diagnose_44"));
	assert_false(filter_matches(&filter, "instruction_diagnose_9c"));
	assert_false(filter_set(&filter, "("));
	assert_string_equal(filter.text, "^exit_|44$");
	assert_false(filter_matches(&filter, "instruction_diagnose_9c"));
	assert_true(filter_set(&filter, ""));
	assert_true(filter_matches(&filter, "instruction_diagnose_9c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_follow_their_whole),
		cmocka_unit_test(no_value_is_last_in_both_directions),
		cmocka_unit_test(filter_keeps_the_way_to_what_matches),
		cmocka_unit_test(texts_and_large_counts),
		cmocka_unit_test(cursor_stays_on_its_row),
		cmocka_unit_test(cursor_stays_where_it_is_if_its_row_has_gone),
		cmocka_unit_test(cursor_ends_at_the_ends),
		cmocka_unit_test(cursor_finds),
		cmocka_unit_test(columns_that_fit),
		cmocka_unit_test(columns_of_wide_characters),
		cmocka_unit_test(columns_only_grow),
		cmocka_unit_test(lines_that_are_typed),
		cmocka_unit_test(filters),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
