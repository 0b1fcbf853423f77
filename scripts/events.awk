# SPDX-License-Identifier: MIT
#
# Check common/events/events.tsv and reasons.tsv (reasons.awk, to be given first) and make of them, with -v out=c, the tables that are
# compiled in, or, with -v out=md, docs/events.md.
# The first error of each line goes to stderr as FILE:LINE: MESSAGE; if there is any, nothing is made and the exit status is 1.

BEGIN {
	FS = "\t"
	names("arch", "s390 x86 arm64 powerpc riscv loongarch mips")
	names("class", "cumulative instant peak linear_hist log_hist")
	names("unit", "count ns bytes cycles boolean")
	names("scope", "vm vcpu")
	names("category", "exits io idle instruction interrupt yield memory userspace other")
	names("judge", "- work pressure follow")
	names("sign", "overcommit cpu-starved lock lpar-short migration memory io interrupt timer ipi userspace nested spin unknown")
	split("Several architectures|s390 (IBM Z, LinuxONE)|x86|arm64|powerpc|riscv|loongarch|mips", title, "|")
	if (out != "c" && out != "md")
		fail("events.awk: say -v out=c or -v out=md")
}

# A list of words: nword[LIST], word[LIST, 1..], and number[LIST, WORD] from 0 on.
function names(list, words,    i, w) {
	nword[list] = split(words, w, " ")
	for (i = 1; i <= nword[list]; i++) {
		word[list, i] = w[i]
		number[list, w[i]] = i - 1
	}
}

function fail(message) {
	print message | "cat 1>&2"
	failed = 1
}

function bad(line, message) {
	fail(FILENAME ":" line ": " message)
}

/^#/ || /^$/ {
	next
}

$1 == "alias" {
	add_alias()
	next
}

{
	add_event()
}

function check_word(list, w) {
	if ((list, w) in number)
		return 1
	bad(FNR, "unknown " list " \"" w "\"")
	return 0
}

function check_name(name) {
	if (name ~ /^[A-Za-z0-9_]+$/ && length(name) < 128)
		return 1
	bad(FNR, "\"" name "\" cannot be the name of an event")
	return 0
}

function check_archs(list,    i, n, w) {
	n = split(list, w, ",")
	for (i = 1; i <= n; i++)
		if (!check_word("arch", w[i]))
			return 0
	return n > 0
}

# "exits,io" or "userspace!s390": the categories to adds[NAME], the exception to except[NAME].
function check_adds(name, field, dead,    i, n, w) {
	n = split(field, w, "!")
	if (n > 2 || (n == 2 && !check_archs(w[2])))
		return n <= 2 || bad(FNR, "more than one \"!\" in \"" field "\"")
	adds[name] = w[1] == "-" ? "" : w[1]
	except[name] = n == 2 ? w[2] : ""
	n = split(adds[name], w, ",")
	for (i = 1; i <= n; i++)
		if (!check_word("category", w[i]))
			return 0
		else if (dead || w[i] == "other")
			bad(FNR, dead ? "a dead event adds to nothing" : "\"other\" has no total")
	return 1
}

function check_number(n) {
	if (n !~ /^[0-9]+$/ || n + 0 < 1 || n + 0 > 65535)
		bad(FNR, "number " n " is not between 1 and 65535")
	else if ((n + 0) in number_line)
		bad(FNR, "number " n " is that of line " number_line[n + 0] " already")
	else
		return number_line[n + 0] = FNR
	return 0
}

# How an event is judged: all of judge, floor and signs, or none.
function check_judged() {
	if (!check_word("judge", $14))
		return 0
	if ($14 == "-")
		return $15 == "-" && $16 == "-" || bad(FNR, $2 " is not judged, but has a floor or signs")
	if ($3 != "cumulative")
		return bad(FNR, $2 " is " $3 ": only the rates of cumulative events are judged") + 0
	if ($15 !~ /^[0-9]+$/ || $15 + 0 < 1)
		return bad(FNR, "the floor of " $2 " is no rate") + 0
	return check_word("sign", $16)
}

function add_event() {
	if (NF != 16)
		return bad(FNR, "an event has 16 fields separated by tabs, this has " NF)
	if (!check_number($1) || !check_name($2))
		return
	if ($2 in line)
		return bad(FNR, "event " $2 " is in line " line[$2] " already")
	line[$2] = FNR
	if (!check_word("class", $3) || !check_word("unit", $4) || !check_word("scope", $5) || !check_word("category", $6))
		return
	if (!check_adds($2, $7, $11 == "dead") || !check_archs($10))
		return
	if ($11 != "dead" && $11 != "-")
		return bad(FNR, "unknown flag \"" $11 "\"")
	if ($12 !~ /\.$/)
		return bad(FNR, "the text of " $2 " is no sentence")
	if (!check_judged())
		return
	events[++nevents] = $2
	num[$2] = $1 + 0
	class[$2] = $3
	unit[$2] = $4
	scope[$2] = $5
	category[$2] = $6
	parent[$2] = $8
	since[$2] = $9
	archs[$2] = $10
	dead[$2] = $11 == "dead"
	text[$2] = $12
	hint[$2] = $13
	judge[$2] = $14
	floor[$2] = $15
	signs[$2] = $16
}

function add_alias() {
	if (NF != 4)
		return bad(FNR, "an alias has 4 fields separated by tabs, this has " NF)
	if (!check_name($2) || !check_archs($3))
		return
	if ($2 in alias_line)
		return bad(FNR, "alias " $2 " is in line " alias_line[$2] " already")
	alias_line[$2] = FNR
	aliases[++naliases] = $2 "\t" $3 "\t" $4 "\t" FNR
}

END {
	check_references()
	if (failed) {
		close("cat 1>&2")
		exit 1
	}
	sort(events, nevents)
	sort(aliases, naliases)
	for (i = 1; i <= nevents; i++)
		rank[events[i]] = i - 1
	if (out == "c")
		make_c()
	else
		make_md()
}

function check_references(    i, name, f, p, steps) {
	check_reasons()
	for (i = 1; i <= nevents; i++) {
		name = events[i]
		steps = 0
		for (p = parent[name]; p != "-" && p in num && steps < 16; p = parent[p])
			steps++
		if (p != "-")
			bad(line[name], steps < 16 ? "unknown parent \"" p "\" of " name : name " is its own ancestor")
	}
	for (i = 1; i <= naliases; i++) {
		split(aliases[i], f, "\t")
		if (!(f[3] in num))
			bad(f[4], "alias " f[1] " is of the unknown event \"" f[3] "\"")
		if (f[1] in num)
			check_alias_archs(f)
	}
}

# An old name may be the name of another event, but not on the same architecture.
function check_alias_archs(f,    i, n, w) {
	n = split(f[2], w, ",")
	for (i = 1; i <= n; i++)
		if (("," archs[f[1]] ",") ~ ("," w[i] ","))
			bad(f[4], "alias " f[1] " is an event of " w[i] " (line " line[f[1]] ")")
}

# As strcmp() does, whatever the locale: C looks names up by binary search.
function less(a, b,    i, x, y) {
	for (i = 1; substr(a, i, 1) != "" && substr(a, i, 1) == substr(b, i, 1); i++)
		;
	x = index(ORDER, substr(a, i, 1))
	y = index(ORDER, substr(b, i, 1))
	return x < y
}

function sort(array, n,    i, j, low, high, mid, item) {
	ORDER = "\t,0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	for (i = 2; i <= n; i++) {
		item = array[i]
		low = 1
		high = i
		while (low < high) {
			mid = int((low + high) / 2)
			if (less(item, array[mid]))
				high = mid
			else
				low = mid + 1
		}
		for (j = i; j > low; j--)
			array[j] = array[j - 1]
		array[low] = item
	}
}

# ---- out=c ----------------------------------------------------------------------------------------------------

function bits(list, words,    i, n, w, sum) {
	n = split(words, w, ",")
	for (i = 1; i <= n; i++)
		sum += bit[number[list, w[i]]]
	return sum + 0
}

function quote(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}

function make_c(    i, e, f) {
	bit[0] = 1
	for (i = 1; i < 16; i++)
		bit[i] = 2 * bit[i - 1]
	print "/* Made of common/events/events.tsv and reasons.tsv by scripts/events.awk. */"
	print "#include \"events/event_table.h\"\n#include \"events/reason_table.h\"\n"
	print "const struct known_event event_table[] = {"
	for (i = 1; i <= nevents; i++) {
		e = events[i]
		printf "\t{ .name = \"%s\", .text = %s,\n", e, quote(text[e])
		printf "\t  .number = %d, .parent = %d, .class = %d, .unit = %d, .scope = %d, .category = %d,\n", num[e],
			parent[e] == "-" ? -1 : rank[parent[e]], number["class", class[e]], number["unit", unit[e]],
			number["scope", scope[e]], number["category", category[e]]
		printf "\t  .adds_to = %d, .adds_not_on = %d, .archs = %d, .dead = %d },\n", bits("category", adds[e]),
			bits("arch", except[e]), bits("arch", archs[e]), dead[e]
	}
	print "};\nconst size_t event_table_count = sizeof(event_table) / sizeof(event_table[0]);\n"
	print "const struct known_alias alias_table[] = {"
	for (i = 1; i <= naliases; i++) {
		split(aliases[i], f, "\t")
		printf "\t{ .name = \"%s\", .archs = %d, .event = %d },\n", f[1], bits("arch", f[2]), rank[f[3]]
	}
	print "};\nconst size_t alias_table_count = sizeof(alias_table) / sizeof(alias_table[0]);\n"
	print "const char *const arch_table[] = {"
	for (i = 1; i <= nword["arch"]; i++)
		printf "\t\"%s\",\n", word["arch", i]
	print "};\nconst size_t arch_table_count = sizeof(arch_table) / sizeof(arch_table[0]);"
	make_c_judged()
	make_c_reasons()
}

# In order of number.
function make_c_judged(    i, e) {
	for (i = 1; i <= nevents; i++)
		by_number[num[events[i]]] = events[i]
	print "\nconst struct kvmstat_judged judged_table[] = {"
	for (i = 1; i <= 65535; i++) {
		e = (i in by_number) ? by_number[i] : ""
		if (e == "" || judge[e] == "-" || judge[e] == "")
			continue
		printf "\t{ .number = %d, .name = \"%s\", .parent = \"%s\",\n", i, e, parent[e] == "-" ? "" : parent[e]
		printf "\t  .judge = KVMSTAT_%s, .signs = KVMSTAT_CAUSE_%s, .floor = %d },\n", toupper(judge[e]),
			constant(signs[e]), floor[e]
	}
	print "};\nconst size_t judged_table_count = sizeof(judged_table) / sizeof(judged_table[0]);"
}

# "cpu-starved" to CPU_STARVED.
function constant(word) {
	gsub(/-/, "_", word)
	return toupper(word)
}

# ---- out=md ---------------------------------------------------------------------------------------------------

function section_of(n) {
	return n < 1000 ? 1 : int(n / 1000) + 1
}

# "s390:<=4.18 x86,arm64:5.10" to "4.18 or earlier on s390; 5.10 on x86, arm64".
function since_text(e,    i, n, w, f, s, v) {
	n = split(since[e], w, " ")
	for (i = 1; i <= n; i++) {
		split(w[i], f, ":")
		v = f[2]
		sub(/^>/, "after ", v)
		if (sub(/^<=/, "", v) && !sub(/\.\./, " or earlier, to ", v))
			v = v " or earlier"
		sub(/\.\./, " to ", v)
		gsub(/,/, ", ", f[1])
		s = s (i > 1 ? "; " : "") v (index(archs[e], ",") ? " on " f[1] : "")
	}
	return s
}

function old_names(e,    i, f, s) {
	for (i = 1; i <= naliases; i++) {
		split(aliases[i], f, "\t")
		if (f[3] == e) {
			gsub(/,/, ", ", f[2])
			s = s (s ? ", " : "") "`" f[1] "`" (index(archs[e], ",") ? " on " f[2] : "")
		}
	}
	return s
}

function adds_text(e,    s) {
	s = adds[e]
	gsub(/,/, ", ", s)
	return s (except[e] ? " (not on " except[e] ")" : "")
}

function md_event(e,    old) {
	printf "### %s\n\n", e
	printf "%s\n", text[e]
	if (hint[e] != "-")
		printf "**High rate:** %s\n", hint[e]
	printf "\nNumber %d · %s · %s, %s, %s · category %s", num[e], archs[e], class[e], unit[e], scope[e], category[e]
	printf "%s · since %s", adds[e] ? ", part of the total of " adds_text(e) : "", since_text(e)
	if (parent[e] != "-")
		printf " · counted in [%s](#%s) as well", parent[e], parent[e]
	old = old_names(e)
	printf "%s\n\n", old ? " · before: " old : ""
}

function md_section(s,    n) {
	printf "## %s\n\n", title[s]
	if (s == 2)
		print "The events `halt_*`, `blocking`, `remote_tlb_flush*` and `signal_exits` are on s390 as well; see\n[several architectures](#several-architectures).\n"
	for (n = 1; n <= 65535; n++)
		if (n in by_number && section_of(n) == s)
			md_event(by_number[n])
}

# The events of a category's total, on s390 or elsewhere.
function members(category, on_s390,    e, i, is, list) {
	for (i = 1; i <= 65535; i++) {
		if (!(i in by_number))
			continue
		e = by_number[i]
		is = on_s390 ? archs[e] ~ /s390/ && except[e] !~ /s390/ : archs[e] != "s390"
		if (is && ("," adds[e] ",") ~ ("," category ","))
			list = list (list ? ", " : "") "`" e "`"
	}
	return list
}

function md_totals(    c, category) {
	print "| category | its total on s390 is the sum of | elsewhere, of |\n| --- | --- | --- |"
	for (c = 1; c < nword["category"]; c++) {
		category = word["category", c]
		printf "| %s | %s | %s |\n", category, members(category, 1), members(category, 0)
	}
	print ""
}

function make_md(    i, s) {
	for (i = 1; i <= nevents; i++)
		by_number[num[events[i]]] = events[i]
	md_intro()
	md_totals()
	md_section(2)
	md_section(1)
	for (s = 3; s <= 8; s++)
		md_section(s)
	md_reasons()
}

function md_intro() {
	print "<!-- Made of common/events/events.tsv and reasons.tsv by scripts/events.awk; change it there. -->"
	print "# Events\n"
	print "Every event that kvmstat knows: what it is, and what a high rate suggests. There is no good or bad number as such: compare a guest"
	print "with itself on a good day, and rates for each guest CPU rather than for each guest. An event that is not in this list is a new one of"
	print "your kernel; it is collected all the same, with the class and unit that the kernel gives it.\n"
	print "## How to read an entry\n"
	print "- The **name** is the kernel's, in the form of Linux 5.14 and later. Names that older kernels use are given as *before*; they are"
	print "  translated, and may be used in options as well."
	print "- **cumulative** events only grow while the guest runs: look at their rate. **instant** ones are as of now. **peak** is the highest value so"
	print "  far. **log_hist** is a distribution: one value for each power of two."
	print "- **vcpu** events are counted for each guest CPU and summed up for the guest (of a peak the maximum is taken); **vm** events for the guest."
	print "- *Since* is the first kernel that was seen to have the event. Stable kernels and distributions carry some of them back, and what"
	print "  kvmstat shows is always what the running kernel has."
	print "- An event that is *counted in* another is a part of it: do not add the two.\n"
	print "## Numbers\n"
	print "SNMP knows an event by its number. Numbers up to 65535 are given in this list; one number means one event for ever, on every host, kernel"
	print "and architecture: 1 to 999 events of several architectures, from 1000 s390, 2000 x86, 3000 arm64, 4000 powerpc, 5000 riscv, 6000 loongarch, 7000"
	print "mips, 20000 to 29999 exits by reason. An event that is not in this list gets a number above 65535 that is made of its name, 65536 + FNV-1a(name) modulo (2^31 - 65536) with the"
	print "64-bit FNV-1a hash, so that hosts agree on it; if that number is taken by another event already, the next free one. It is remembered on this host.\n"
	print "## Totals of categories\n"
	print "Categories let hosts of different architectures be compared. A category's total is the sum of those of its events that the kernel has;"
	print "no exit counts twice in it. It is absent where the kernel has none of them. Some totals are lower bounds, because not everything is counted:"
	print "`exits` on s390 (some intercepts have no counter), `userspace` everywhere but on s390, `memory` on s390 (only faults that needed the"
	print "host's disk). `interrupt` is what KVM delivers; interrupts that the hardware delivers by itself do not show.\n"
}
