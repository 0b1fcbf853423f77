// SPDX-License-Identifier: MIT
/* terminal.c - the only part of the screen that knows curses */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "screen/terminal.h"

enum {
	ESCAPE_MS = 200,	/* a slow line delivers the bytes of an arrow key as far apart */
	PATIENCE_S = 3,		/* of a terminal that is stopped, at the end of the program */
};

static int woken[2] = { -1, -1 };	/* a pipe: signals interrupt the wait */
static volatile sig_atomic_t ending;
static struct termios before;
static SCREEN *terminal;

/* ---- the end ------------------------------------------------------------ */

/* A terminal that takes no output would make endwin() wait for ever. */
static void give_up(int number)
{
	(void)number;
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	_exit(EXIT_FAILURE);
}

static void end_by(int number)
{
	int error = errno;

	ending = number;
	alarm(PATIENCE_S);
	/* A full pipe ends the wait, too. */
	(void)!write(woken[1], "", 1);
	errno = error;
}

int terminal_signal(void)
{
	return ending;
}

static void handle(int number, void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(number, &action, NULL);
}

static void handle_signals(void)
{
	handle(SIGINT, end_by);
	handle(SIGTERM, end_by);
	handle(SIGHUP, end_by);
	handle(SIGQUIT, end_by);
	handle(SIGALRM, give_up);
	handle(SIGPIPE, SIG_IGN);
}

void terminal_end(void)
{
	if (!terminal)
		return;
	alarm(PATIENCE_S);
	endwin();
	alarm(0);
	delscreen(terminal);
	terminal = NULL;
	close(woken[0]);
	close(woken[1]);
}

/* ---- the beginning ------------------------------------------------------ */

static bool wants_colours(const struct options *options)
{
	const char *no = getenv("NO_COLOR");

	if (options->color == COLOR_AUTO)
		return !no || !*no;
	return options->color == COLOR_ALWAYS;
}

enum { PAIR_ALARM = 1, PAIR_TOP, PAIR_MESSAGE };

static void begin_colours(const struct options *options)
{
	if (!wants_colours(options) || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(PAIR_ALARM, COLOR_RED, -1);
	init_pair(PAIR_TOP, COLOR_CYAN, -1);
	init_pair(PAIR_MESSAGE, COLOR_YELLOW, -1);
}

int terminal_begin(const struct options *options)
{
	if (pipe2(woken, O_CLOEXEC | O_NONBLOCK) || tcgetattr(STDIN_FILENO, &before))
		return terminal_refuse(strerror(errno), NULL);
	handle_signals();
	set_escdelay(ESCAPE_MS);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return terminal_refuse("curses cannot use a terminal of the kind", getenv("TERM"));
	atexit(terminal_end);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, true);
	nodelay(stdscr, true);
	begin_colours(options);
	return EXIT_SUCCESS;
}

/* ---- keys --------------------------------------------------------------- */

static const struct {
	int curses;
	int key;
} keys[] = {
	{ KEY_UP, K_UP },
	{ KEY_DOWN, K_DOWN },
	{ KEY_LEFT, K_LEFT },
	{ KEY_RIGHT, K_RIGHT },
	{ KEY_PPAGE, K_PAGE_UP },
	{ KEY_NPAGE, K_PAGE_DOWN },
	{ KEY_HOME, K_TOP },
	{ KEY_END, K_BOTTOM },
	{ KEY_ENTER, K_RETURN },
	{ '\r', K_RETURN },
	{ '\n', K_RETURN },
	{ KEY_BACKSPACE, K_RUBOUT },
	{ '\b', K_RUBOUT },
	{ 0x7f, K_RUBOUT },
};

int terminal_key(void)
{
	int key = getch();

	if (key == 'L' - '@')
		clearok(curscr, true);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	/* What curses names and we do not use, such as KEY_RESIZE, is 0: a key that does nothing. */
	return key >= K_FIRST_SPECIAL ? 0 : key == ERR ? -1 : key;
}

unsigned int terminal_wait(double seconds, bool room)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = woken[0], .events = POLLIN },
		{ .fd = room ? STDOUT_FILENO : -1, .events = POLLOUT },
	};
	int ms = seconds > 1e6 ? 1000000000 : (int)(seconds * 1000 + 0.999);

	/* Interrupted by SIGWINCH: curses has a key for that. */
	if (poll(fds, sizeof(fds) / sizeof(*fds), ms) < 0)
		return ending ? WOKEN_BY_END : WOKEN_BY_KEY;
	if (fds[2].revents & (POLLHUP | POLLERR | POLLNVAL))
		return WOKEN_BY_END;
	return (fds[0].revents & POLLIN ? WOKEN_BY_KEY : 0) |
	       (ending || fds[0].revents & (POLLHUP | POLLERR | POLLNVAL) ? WOKEN_BY_END : 0) |
	       (fds[2].revents ? WOKEN_BY_ROOM : 0);
}

/* ---- output ------------------------------------------------------------- */

void terminal_size(size_t *height, size_t *width)
{
	*height = (size_t)LINES;
	*width = (size_t)COLS;
}

static attr_t attributes(enum style style)
{
	static const attr_t plain[NSTYLES] = {
		[STYLE_TOP] = A_BOLD,
		[STYLE_PATH] = A_NORMAL,
		[STYLE_HEAD] = A_REVERSE,
		[STYLE_CURSOR] = A_REVERSE,
		[STYLE_ALARM] = A_BOLD,
		[STYLE_CURSOR_ALARM] = A_REVERSE | A_BOLD,
		[STYLE_MESSAGE] = A_BOLD,
	};
	static const short pairs[NSTYLES] = {
		[STYLE_TOP] = PAIR_TOP,
		[STYLE_ALARM] = PAIR_ALARM,
		[STYLE_CURSOR_ALARM] = PAIR_ALARM,
		[STYLE_MESSAGE] = PAIR_MESSAGE,
	};

	/* Pair 0 is there without colours. */
	return plain[style] | (COLOR_PAIRS > PAIR_MESSAGE ? (attr_t)COLOR_PAIR(pairs[style]) : 0);
}

static bool fills_line(enum style style)
{
	return style == STYLE_HEAD || style == STYLE_CURSOR || style == STYLE_CURSOR_ALARM;
}

static void draw_line(const struct line *line, int y, size_t width)
{
	attr_t style = attributes(line->style);

	move(y, 0);
	attrset((int)style);
	addstr(line->text ? line->text : "");
	if (fills_line(line->style))
		chgat(-1, style & ~A_COLOR, PAIR_NUMBER((int)style), NULL);
	attrset(A_NORMAL);
	if (line->to > line->from && line->to <= width)
		mvchgat(y, (int)line->from, (int)(line->to - line->from), A_BOLD | A_UNDERLINE, 0, NULL);
}

static bool takes_output(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
}

bool terminal_draw(const struct picture *picture)
{
	if (!takes_output())
		return false;
	erase();
	for (size_t y = 0; y < picture->height; y++)
		draw_line(&picture->lines[y], (int)y, picture->width);
	move((int)picture->cursor_y, (int)picture->cursor_x);
	refresh();
	return true;
}
