// SPDX-License-Identifier: MIT
/*
 * help.c - kvmstat --help
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char usage_text[] =
	"Usage: kvmstat [OPTION]... [guests] [INTERVAL [COUNT]]\n"
	"       kvmstat [OPTION]... events [GUEST] [INTERVAL [COUNT]]\n"
	"       kvmstat [OPTION]... vcpus GUEST [INTERVAL [COUNT]]\n"
	"       kvmstat [OPTION]... histogram GUEST EVENT [INTERVAL [COUNT]]\n"
	"       kvmstat [OPTION]... top [GUEST] [INTERVAL]\n"
	"       kvmstat [OPTION]... record FILE [INTERVAL [COUNT]]\n"
	"       kvmstat [OPTION]... check [GUEST]...\n"
	"       kvmstat [OPTION]... alarms\n"
	"       kvmstat [OPTION]... baseline save|compare [GUEST]...\n"
	"       kvmstat [OPTION]... baseline list|show NAME [GUEST]|forget NAME\n"
	"       kvmstat [OPTION]... baseline rename OLD NEW\n"
	"       kvmstat [OPTION]... doctor\n"
	"       kvmstat [OPTION]... capture DIR\n"
	"Why KVM guests leave guest mode, how often, and which guest.\n"
	"\n"
	"  guests     one row per guest: CPU time and event rates\n"
	"  events     every event, of one guest (name, UUID, pid:NUMBER) or of all\n"
	"  vcpus      one row per vCPU of a guest: CPU time and its busiest events\n"
	"  histogram  how often it took how long, for events such as halt_wait_hist\n"
	"  top        a full screen: guests, their events, vCPUs, alarms; h is help\n"
	"  record     append samples to FILE, for --from\n"
	"  check      whether a guest is abnormal, as a Nagios plugin\n"
	"  alarms     which guests are or were abnormal, since when, and why\n"
	"  baseline   record what guests do when all is well, and compare with it\n"
	"  doctor     what can and cannot be read on this host, why, and what to do\n"
	"  capture    write this host to files in DIR, for support and for --root\n"
	"\n"
	"A report compares two samples INTERVAL seconds apart (default 1). With an\n"
	"INTERVAL, reports repeat until interrupted, or COUNT times.\n"
	"\n"
	"  -a, --all              events, top: also those that are zero or not readable;\n"
	"                         histogram: include empty buckets;\n"
	"                         baseline compare: every event\n"
	"  -t, --totals           guests, top: totals instead of rates per second\n"
	"      --color=WHEN       top: auto (the default), always or never\n"
	"      --scrub            capture: replace names, omit command lines\n"
	"  -n, --name=NAME        baseline: the good case of this name (default good)\n"
	"      --for=TIME         baseline: how long samples are taken, as in 90s or 10m\n"
	"      --learnt           baseline rename: also what a front end has learnt\n"
	"      --max-age=SECONDS  check: older judgements are unknown (default 1200)\n"
	"      --state-dir=DIR    where a front end keeps what is usual\n"
	"      --csv              print comma separated values (RFC 4180)\n"
	"      --json             print one JSON object per report\n"
	"  -o, --option=NAME=VALUE\n"
	"                         set one of the options below\n"
	"      --from=FILE        the four reports: play what record has written\n"
	"      --at=TIME          with --from: begin at this time, or +SECONDS after the\n"
	"                         first sample\n"
	"      --root=DIR         read DIR/sys and DIR/proc: a captured host\n"
	"  -V, --version          print the version\n"
	"  -h, --help             print this\n";

void print_help(void)
{
	const struct kvmstat_option *option;

	fputs(usage_text, stdout);
	puts("\nOptions of -o, as in -o Event=/^exit_/:");
	for (size_t i = 0; (option = kvmstat_config_option(i)); i++)
		printf("  %s=%s%*s %s\n", option->name, option->value,
		       (int)(25 - strlen(option->name) - strlen(option->value)), "", option->help);
}
