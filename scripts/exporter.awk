# SPDX-License-Identifier: MIT
#
# exporter.awk - modules for Prometheus' snmp_exporter, made of KVMSTAT-MIB
#
#	awk -v root=1.3.6.1.4.1.8072.9999.9999.7619 -v form=modules -f scripts/exporter.awk mibs/KVMSTAT-MIB.txt.in
#
# form=modules is for snmp_exporter 0.23 and later, form=flat for 0.22 and before. The exporter's own generator needs the
# IETF's modules and makes one of the two, depending on its version; and to it KvmGauge64, which may fall, is a counter.

BEGIN {
	if (form != "modules" && form != "flat")
		fail("set -v form=modules or -v form=flat")
	if (root !~ /^[0-9]+(\.[0-9]+)+$/)
		fail("set -v root=OID, the one of make OID_ROOT=")
	# What each module asks for: scalars, columns, whole tables.
	nmodules = split("kvmstat kvmstat_events", module, " ")
	wanted["kvmstat"] = "kvmInterval kvmSampleNumber kvmSampleAge kvmSampleDuration kvmErrors" \
		" kvmHostGuests kvmHostVcpus kvmHostCpus kvmHostLockdown kvmHostEvents" \
		" kvmAlarmsActive kvmAlarmsRaised kvmAlarmsSuppressed kvmGuestAlarm kvmGuestLearnt" \
		" kvmSourceState kvmProblemActive kvmProblemCount" \
		" kvmGuestVcpus kvmGuestMemory kvmGuestCpuTime kvmGuestWaitTime kvmGuestDiscontinuity kvmGuestActivityTable"
	wanted["kvmstat_events"] = "kvmInterval kvmSampleAge kvmGuestEventHCCount kvmGuestEventHCLevel"
	# The column that has the name of what an index stands for.
	name_of["kvmGuestIndex"] = "kvmGuestName"
	name_of["kvmEventNumber"] = "kvmEventName"
	name_of["kvmSourceIndex"] = "kvmSourceName"
	name_of["kvmProblemIndex"] = "kvmProblemName"
}

function fail(why)
{
	print "exporter.awk: " why > "/dev/stderr"
	failed = 1
	exit 1
}

# ---- reading ----

# "::= { PARENT NUMBER }": where the object is.
function define(name, parent, number)
{
	if (!(parent in oid))
		fail(FILENAME ": " name " hangs below " parent ", which is not defined before it")
	oid[name] = oid[parent] "." number
	parent_of[name] = parent
	child[parent, ++nchildren[parent]] = name
}

function braces(line)
{
	gsub(/.*\{ *| *\}.*/, "", line)
	gsub(/,/, "", line)
	return line
}

$2 == "MODULE-IDENTITY" && NF == 2 { oid[$1] = root }
$2 == "OBJECT" && $3 == "IDENTIFIER" { define($1, $6, $7) }
$2 == "OBJECT-TYPE" && NF == 2 { object = $1; in_text = 0 }
object == "" { next }
$1 == "SYNTAX" { syntax[object] = $2 }
$1 == "INDEX" { indexes[object] = braces($0) }
$1 == "AUGMENTS" { augments[object] = braces($0) }
$1 == "DESCRIPTION" { in_text = 1; next }
in_text && !/^    ::=/ {
	sub(/^ +/, "")
	text[object] = text[object] (text[object] == "" ? "" : " ") $0
	if (/"$/)
		in_text = 0
}
/^    ::= \{/ {
	define(object, $3, $4)
	object = ""
}

# ---- writing ----

function say(depth, line)
{
	print substr("        ", 1, 2 * (depth + (form == "modules"))) line
}

function type_of(name)
{
	if (syntax[name] ~ /^Counter/)
		return "counter"
	if (syntax[name] ~ /^(Gauge32|KvmGauge64|Unsigned32|INTEGER|TimeStamp|TruthValue)$/)
		return "gauge"
	fail("what is " name "? " syntax[name] " is no number")
}

# The first sentence of the description.
function help(name,    line)
{
	line = substr(text[name], 2)
	sub(/"$/, "", line)
	sub(/\. .*/, "", line)
	sub(/\.$/, "", line)
	gsub(/'/, "''", line)
	return "'" line " - " oid[name] "'"
}

# The indices of a column, "" of a scalar.
function indexes_of(name,    entry)
{
	entry = parent_of[name]
	if (entry in augments)
		entry = augments[entry]
	return indexes[entry]
}

function metric(name,    n, i, label)
{
	say(1, "- name: " name)
	say(1, "  oid: " oid[name])
	say(1, "  type: " type_of(name))
	say(1, "  help: " help(name))
	n = split(indexes_of(name), label, " ")
	if (!n)
		return
	say(1, "  indexes:")
	for (i = 1; i <= n; i++) {
		say(1, "  - labelname: " label[i])
		say(1, "    type: gauge")
	}
	say(1, "  lookups:")
	for (i = 1; i <= n; i++) {
		say(1, "  - labels: [" label[i] "]")
		say(1, "    labelname: " name_of[label[i]])
		say(1, "    oid: " oid[name_of[label[i]]])
		say(1, "    type: DisplayString")
	}
}

# Remember what a column needs beside itself: the names of what its indices stand for.
function look_up(name,    n, i, label)
{
	n = split(indexes_of(name), label, " ")
	for (i = 1; i <= n; i++) {
		if (!(label[i] in name_of))
			fail("no column has the name of what " label[i] " stands for")
		if (!seen[name_of[label[i]]]++)
			walk[++nwalk] = name_of[label[i]]
	}
}

function take(name,    i, entry)
{
	if (!(name in oid))
		fail("there is no object " name)
	if (name ~ /Table$/) {
		entry = child[name, 1]
		look_up(child[entry, 1])
		for (i = 1; i <= nchildren[entry]; i++)
			column[++ncolumns] = child[entry, i]
		walk[++nwalk] = name
		return
	}
	column[++ncolumns] = name
	if (indexes_of(name) == "") {
		get[++nget] = name
		return
	}
	look_up(name)
	walk[++nwalk] = name
}

function write_module(name,    n, i, object)
{
	nwalk = nget = ncolumns = 0
	split("", seen)
	n = split(wanted[name], object, " ")
	for (i = 1; i <= n; i++)
		take(object[i])
	say(0, name ":")
	say(1, "walk:")
	for (i = 1; i <= nwalk; i++)
		say(1, "- " oid[walk[i]])
	say(1, "get:")
	for (i = 1; i <= nget; i++)
		say(1, "- " oid[get[i]] ".0")
	say(1, "metrics:")
	for (i = 1; i <= ncolumns; i++)
		metric(column[i])
	say(1, "max_repetitions: 50")
}

END {
	if (failed)
		exit 1
	print "# SPDX-License-Identifier: MIT"
	print "# For Prometheus' snmp_exporter " (form == "modules" ? "0.23 and later" : "0.22 and before") \
		". Made by scripts/exporter.awk of KVMSTAT-MIB: change it there."
	if (form == "modules") {
		# As in the exporter's own file; it is the one that a scrape uses which names none.
		print "auths:\n  public_v2:\n    community: public\n    version: 2\nmodules:"
	}
	for (m = 1; m <= nmodules; m++)
		write_module(module[m])
}
