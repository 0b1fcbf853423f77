# SPDX-License-Identifier: MIT
#
# count.awk LOG - what the test runners said: "PASSED FAILED SKIPPED", then "FAIL: TEST" of each failure that has a name, and
# "skip: REASON" of each skip, a line each
#
# They are cmocka (1.1.6 and later put the group's name before the numbers), pytest (with and without -q) and our own.
# If there is no summary, or the numbers do not add up, there is one line that says so, and the status is 1.

function number(unit) {
	return match($0, "[0-9]+ " unit) ? substr($0, RSTART, RLENGTH) + 0 : 0
}

function skip(times, reason) {
	while (times-- > 0)
		reasons[++nreasons] = reason == "" ? "no reason given" : reason
}

function fail(name) {
	names[++nnames] = name
}

function unreadable(why) {
	print "no summary that can be read: " why
	exit 1
}

# cmocka: the tests that began, those that ended, and what became of them.
/^\[==========\] .*Running [0-9]+ test/	{ begun += number("test"); summaries++ }
/^\[==========\] .*[0-9]+ test\(s\) run/	{ ended += number("test") }
/^\[  PASSED  \] .*[0-9]+ test\(s\)/	{ passed += number("test"); became += number("test") }
/^\[  FAILED  \] .*[0-9]+ test\(s\)/	{ failed += number("test"); became += number("test") }
/^\[  SKIPPED \] .*[0-9]+ test\(s\)/	{ skipped += number("test"); became += number("test") }

# The reason is what a test said last.
/^\[ RUN      \] /	{ test = $NF; said = "" }
test != "" && !/^\[/	{ said = $0 }
/^\[  SKIPPED \] / && $NF == test	{ skip(1, said) }
/^\[  FAILED  \] / && $NF == test	{ fail(test) }
/^\[ +(OK|FAILED|SKIPPED) +\] /	{ test = "" }

# pytest
/^(=+ )?([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s/ {
	passed += number("passed")
	failed += number("failed") + number("error")
	skipped += number("skipped")
	summaries++
}
/^(skip: .*: )?SKIPPED \[[0-9]+\] / {
	match($0, /SKIPPED \[[0-9]+/)
	times = substr($0, RSTART + 9, RLENGTH - 9) + 0
	sub(/^.*SKIPPED \[[0-9]+\] ([^ ]+:[0-9]+: )?/, "")
	skip(times, $0)
	next
}
/^(FAILED|ERROR) [^ ]+\.py(::| |$)/ {
	fail(substr($0, length($1) + 2))
	next
}

# our own
/^[a-z0-9-]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
	passed += $2
	failed += $4
	skipped += $6
	summaries++
}
/^skip: /	{ skip(1, substr($0, 7)) }
/^FAIL: /	{ fail(substr($0, 7)) }

END {
	if (!summaries)
		unreadable("none")
	if (begun != ended || ended != became)
		unreadable(begun + 0 " tests began, " ended + 0 " ended, " became + 0 " passed, failed or were skipped")
	print passed + 0, failed + 0, skipped + 0
	skip(skipped - nreasons, "")
	for (i = 1; i <= nnames; i++)
		print "FAIL: " names[i]
	for (i = 1; i <= nreasons; i++)
		print "skip: " reasons[i]
}
