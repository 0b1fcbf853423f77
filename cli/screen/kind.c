// SPDX-License-Identifier: MIT
/* kind.c - which terminals can show a screen; apart from the rest, since term.h has macros with names such as lines */
#include <stdlib.h>
#include <unistd.h>

#include "screen/terminal.h"

#include <curses.h>
#include <term.h>

int terminal_refuse(const char *why, const char *name)
{
	complain("cannot show a screen: %s%s%s%s; 'kvmstat guests 1' needs no screen", why, name ? " '" : "", name ? name : "",
		 name ? "'" : "");
	return EXIT_FAILURE;
}

/* Whatever a terminal cannot do, curses does without; but it has to move the cursor. */
int terminal_check(void)
{
	const char *type = getenv("TERM");
	int error, status = EXIT_SUCCESS;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return terminal_refuse("standard input and output are not a terminal", NULL);
	if (!type || !*type)
		return terminal_refuse("the environment variable TERM is not set; set it to the kind of your terminal, as in TERM=vt100", NULL);
	if (setupterm(type, STDOUT_FILENO, &error) != OK)
		return terminal_refuse("there is no description of a terminal of this kind; set TERM to one that this host knows, such as vt100, "
			      "instead of", type);
	if (!cursor_address)
		status = terminal_refuse("a terminal of this kind cannot move its cursor; set TERM to what the terminal is, such as vt100, instead of",
				type);
	del_curterm(cur_term);
	return status;
}
