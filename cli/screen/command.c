// SPDX-License-Identifier: MIT
/*
 * command.c - kvmstat top: take samples, read keys, draw
 */
#include <signal.h>
#include <stdlib.h>

#include "screen/terminal.h"
#include "select.h"

#define FOREVER 1e9

/* Take the next sample; the rows that the screen has are of the last one. Returns an exit status. */
static int take_sample(struct screen *screen)
{
	int status = watch_again(screen->watch);

	if (!status) {
		screen_sampled(screen);
		screen_refresh(screen);
	}
	return status;
}

/* The table was made after the last sample or key; another height only moves what is shown of it. */
static void set_height(struct screen *screen, size_t height)
{
	if (height == screen->height)
		return;
	screen->height = height;
	screen_refresh(screen);
}

/* Returns whether the terminal has it. */
static bool draw(struct screen *screen)
{
	struct picture picture;
	size_t height, width;
	bool drawn;

	terminal_size(&height, &width);
	set_height(screen, picture_rows(height));
	picture_make(&picture, screen, height, width);
	drawn = terminal_draw(&picture);
	picture_free(&picture);
	return drawn;
}

static void read_keys(struct screen *screen)
{
	int key;

	while (!screen->quit && (key = terminal_key()) >= 0)
		screen_key(screen, key);
}

static double seconds_left(const struct screen *screen)
{
	return screen->frozen ? FOREVER : watch_left(screen->watch, screen->options.interval);
}

/* Samples go on while the terminal takes no output. */
static int run(struct screen *screen)
{
	int status = EXIT_SUCCESS;

	while (!screen->quit && !status) {
		bool drawn = draw(screen);
		unsigned int woken = terminal_wait(seconds_left(screen), !drawn);

		if (woken & WOKEN_BY_END)
			break;
		if (woken & WOKEN_BY_KEY)
			read_keys(screen);
		if (!screen->quit && seconds_left(screen) <= 0)
			status = take_sample(screen);
	}
	return status;
}

/* Ended by a signal, the program ends as if it had not handled the signal. */
static void end_by_signal(void)
{
	if (!terminal_signal())
		return;
	signal(terminal_signal(), SIG_DFL);
	raise(terminal_signal());
}

static int show(struct watch *watch, const struct options *options)
{
	struct selection rows;
	struct screen screen;
	int status = select_guest(&rows, watch, options->guest);

	if (!status)
		status = terminal_begin(options);
	if (status)
		return status;
	screen_begin(&screen, watch, options);
	if (options->guest)
		screen_open_guest(&screen, watch->now->rows[rows.first].guest);
	screen_refresh(&screen);
	status = run(&screen);
	terminal_end();
	screen_end(&screen);
	return status;
}

/* Everything that the screen can show. */
static void set_options(const struct options *options)
{
	static const char *const wanted[] = { "ReportVcpus", "ReportHistograms" };
	char error[256];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (kvmstat_config_set(options->config, wanted[i], "true", error, sizeof(error)))
			out_of_memory();
}

int top_command(const struct options *options)
{
	struct watch watch;
	int status = terminal_check();

	if (status)
		return status;
	set_options(options);
	status = watch_start(&watch, options);
	if (!status)
		status = show(&watch, options);
	watch_stop(&watch);
	end_by_signal();
	return status;
}
