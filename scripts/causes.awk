# SPDX-License-Identifier: MIT
#
# Check common/derive/causes.tsv and make of it, with -v out=c, the table that is compiled in, or, with -v out=md, docs/causes.md.
# The first error of each line goes to stderr as FILE:LINE: MESSAGE; if there is any, nothing is made and the exit status is 1.

BEGIN {
	FS = "\t"
	split("critical major minor warning", w, " ")
	for (i = 1; i in w; i++)
		severities[w[i]] = i
	split("event rate usual vcpus cpus wait used taker spinning guest", w, " ")
	for (i = 1; i in w; i++)
		holes[w[i]] = 1
	if (out != "c" && out != "md")
		fail("causes.awk: say -v out=c or -v out=md")
}

function fail(message) {
	print message | "cat 1>&2"
	failed = 1
}

# 0, for a check that failed.
function bad(message) {
	fail(FILENAME ":" FNR ": " message)
	return 0
}

/^#/ || /^$/ {
	next
}

check() {
	line[$2] = FNR
	name[++ncauses] = $2
	severity[ncauses] = $3
	hold[ncauses] = $4
	words[ncauses] = $5
	look[ncauses] = $6
	meaning[ncauses] = $7
}

function check() {
	if (NF != 7)
		return bad("a cause has 7 fields separated by tabs, this has " NF)
	if ($1 != ncauses + 1)
		return bad("number " $1 " does not follow " ncauses + 0)
	if ($2 !~ /^[a-z][a-z-]*$/ || $2 in line)
		return bad("\"" $2 "\" cannot be the name of a cause, or is one already")
	if (!($3 in severities))
		return bad("unknown severity \"" $3 "\"")
	if ($4 !~ /^[0-9]+$/)
		return bad("\"" $4 "\" is no number of seconds")
	if ($7 !~ /\.$/)
		return bad("the meaning of " $2 " is no sentence")
	return check_holes($5 $6)
}

function check_holes(text,    hole) {
	while (match(text, /[{][^}]*[}]/)) {
		hole = substr(text, RSTART + 1, RLENGTH - 2)
		if (!(hole in holes))
			return bad("unknown {" hole "}")
		text = substr(text, RSTART + RLENGTH)
	}
	return 1
}

END {
	if (failed) {
		close("cat 1>&2")
		exit 1
	}
	if (out == "c")
		make_c()
	else
		make_md()
}

function quote(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}

function constant(word) {
	gsub(/-/, "_", word)
	return toupper(word)
}

function make_c(    i) {
	print "/* Made of common/derive/causes.tsv by scripts/causes.awk. */"
	print "#include \"derive/cause.h\"\n"
	print "const struct kvmstat_cause cause_table[KVMSTAT_NCAUSES] = {"
	for (i = 1; i <= ncauses; i++) {
		printf "\t[KVMSTAT_CAUSE_%s] = {\n", constant(name[i])
		printf "\t\t.number = %d, .severity = KVMSTAT_%s, .hold_s = %d, .name = \"%s\",\n", i, toupper(severity[i]), hold[i], name[i]
		printf "\t\t.words = %s,\n\t\t.next = %s,\n\t\t.meaning = %s,\n\t},\n", quote(words[i]), quote(look[i]), quote(meaning[i])
	}
	print "};"
}

function make_md(    i) {
	print "<!-- Made of common/derive/causes.tsv by scripts/causes.awk; change it there. -->"
	print "# Causes\n"
	print "What an alarm of kvmstat means. The number is the one that SNMP shows (kvmAlarmCause). *Held* is how long the events must be abnormal before the alarm"
	print "is raised. What stands in braces is filled in: the event that speaks for the cause, its rate, and what it never was above before.\n"
	for (i = 1; i <= ncauses; i++) {
		printf "## %s\n\n%s\n\n", name[i], meaning[i]
		printf "Number %d · %s · held %s\n\n", i, severity[i], hold[i] < 120 ? hold[i] " s" : hold[i] / 60 " min"
		printf "    GUEST: %s (%s). %s\n%s", words[i], name[i], look[i], i < ncauses ? "\n" : ""
	}
}
