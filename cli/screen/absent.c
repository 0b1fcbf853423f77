// SPDX-License-Identifier: MIT
/* absent.c - kvmstat top in a build without ncurses */
#include <stdlib.h>

#include "cli.h"

int top_command(const struct options *options)
{
	(void)options;
	complain("cannot show a screen: kvmstat was built without ncurses (WITH_NCURSES=0); 'kvmstat guests 1' needs no screen");
	return EXIT_FAILURE;
}
