# SPDX-License-Identifier: MIT
#
# The part of events.awk that reads common/events/reasons.tsv: rows become events like those of events.tsv, and codes a table.

$1 == "isa" {
	add_isa()
	next
}

$1 == "tracepoint" {
	add_tracepoint()
	next
}

$1 == "reason" {
	add_reason()
	next
}

function hex(s,    i, digit, n) {
	s = tolower(s)
	if (s ~ /^[0-9]+$/)
		return s + 0
	if (s !~ /^0x[0-9a-f]+$/)
		return -1
	for (i = 3; i <= length(s); i++)
		n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return n
}

function add_isa() {
	if (NF != 5)
		return bad(FNR, "an isa has 5 fields separated by tabs, this has " NF)
	if (!check_word("arch", $3))
		return
	isa_arch[$2] = $3
	isa_class[$2] = $4 + 0
	isa_mask[$2] = hex($5)
	isas[++nisas] = $2
}

# The same for both kinds of rows. 1, or 0 if it cannot be.
function add_counted(n, name, archlist, up, c, sentence) {
	if (!check_number(n) || !check_name(name) || !check_word("category", c))
		return 0
	if (n + 0 < 20000 || n + 0 > 29999)
		return bad(FNR, "number " n " is not between 20000 and 29999") + 0
	if (name in line)
		return bad(FNR, "event " name " is in line " line[name] " already") + 0
	if (sentence !~ /\.$/)
		return bad(FNR, "the text of " name " is no sentence") + 0
	line[name] = FNR
	events[++nevents] = name
	num[name] = n + 0
	class[name] = "cumulative"
	unit[name] = "count"
	scope[name] = "vcpu"
	category[name] = c
	parent[name] = up
	archs[name] = archlist
	text[name] = sentence
	counted[++ncounted] = name
	return 1
}

function every_arch(    i, s) {
	for (i = 1; i <= nword["arch"]; i++)
		s = s (i > 1 ? "," : "") word["arch", i]
	return s
}

# "x86:exit_reason/isa s390:icptcode": each makes a format.
function add_tracepoint(    i, n, w, f, archlist) {
	if (NF != 6)
		return bad(FNR, "a tracepoint has 6 fields separated by tabs, this has " NF)
	n = split($4, w, " ")
	for (i = 1; i <= n; i++) {
		split(w[i], f, /[:\/]/)
		if (f[1] != "any" && !check_word("arch", f[1]))
			return
		format_of[$3, f[1]] = nformats++
		format_name[nformats] = $3
		format_code[nformats] = f[2]
		format_class[nformats] = f[3]
		archlist = archlist (i > 1 ? "," : "") f[1]
	}
	tracepoints[++ntracepoints] = $3
	add_counted($2, $3, archlist == "any" ? every_arch() : archlist, "-", $5, $6)
}

# ISA:CODE of a tracepoint to codes[]; its architecture, "" if it cannot be.
function add_code(tracepoint, name, s,    f, arch, key, code) {
	split(s, f, ":")
	arch = f[1] in isa_arch ? isa_arch[f[1]] : f[1]
	code = hex(f[2])
	if (!((tracepoint, arch) in format_of) || code < 0) {
		bad(FNR, "\"" s "\" is no code of " tracepoint)
		return ""
	}
	key = sprintf("%02d,%03d,%010.0f", format_of[tracepoint, arch], isa_class[f[1]], code)
	if (key in code_line)
		bad(FNR, "code " s " is in line " code_line[key] " already")
	code_line[key] = FNR
	codes[++ncodes] = key "\t" name
	return arch
}

function add_reason(    i, n, w, name, arch, archlist) {
	if (NF != 7)
		return bad(FNR, "a reason has 7 fields separated by tabs, this has " NF)
	if (!($3 in num))
		return bad(FNR, "unknown tracepoint \"" $3 "\"")
	name = $3 "_" $4
	n = $5 == "-" ? 0 : split($5, w, ",")
	for (i = 1; i <= n; i++) {
		arch = add_code($3, name, w[i])
		if (arch == "")
			return
		if (index("," archlist ",", "," arch ",") == 0)
			archlist = archlist (archlist ? "," : "") arch
	}
	if (n == 0 && $4 != "other")
		return bad(FNR, name " has no codes")
	given[name] = $5
	add_counted($2, name, n && archlist != "any" ? archlist : archs[$3], $3, $6, $7)
}

# Nothing may be lost.
function check_reasons(    i) {
	for (i = 1; i <= ntracepoints; i++)
		if (!((tracepoints[i] "_other") in num))
			bad(line[tracepoints[i]], tracepoints[i] " has no reason \"other\"")
}

# ---- out=c ----------------------------------------------------------------------------------------------------

function member(s) {
	return s == "" ? "NULL" : "\"" s "\""
}

function make_c_reasons(    i, f) {
	print "\nconst struct known_format format_table[] = {"
	for (i = 1; i <= nformats; i++)
		printf "\t{ .tracepoint = \"%s\", .code = %s, .class = %s, .total = %d, .other = %d },\n", format_name[i], member(format_code[i]), member(format_class[i]),
			rank[format_name[i]], rank[format_name[i] "_other"]
	print "};\nconst size_t format_table_count = sizeof(format_table) / sizeof(format_table[0]);\n"
	print "const struct known_isa isa_table[] = {"
	for (i = 1; i <= nisas; i++)
		printf "\t{ .format = %d, .class = %d, .mask = %.0fu },\n", format_of["kvm_exit", isa_arch[isas[i]]],
			isa_class[isas[i]], isa_mask[isas[i]]
	print "};\nconst size_t isa_table_count = sizeof(isa_table) / sizeof(isa_table[0]);\n"
	sort(codes, ncodes)
	print "const struct known_reason reason_table[] = {"
	for (i = 1; i <= ncodes; i++) {
		split(codes[i], f, /[,\t]/)
		printf "\t{ .format = %d, .class = %d, .code = %.0fu, .event = %d },\n", f[1], f[2], f[3], rank[f[4]]
	}
	print "};\nconst size_t reason_table_count = sizeof(reason_table) / sizeof(reason_table[0]);"
}

# ---- out=md ---------------------------------------------------------------------------------------------------

function codes_text(s) {
	if (s == "-")
		return ""
	gsub(/any:|s390:|powerpc:/, "", s)
	gsub(/:/, " ", s)
	gsub(/,/, ", ", s)
	return s
}

function md_reasons(    i, k, e) {
	print "## Exits by reason\n"
	print "Only with `ReportExitReasons`, from the tracepoint source. All are cumulative counts of a vCPU, added up for the guest; they begin when kvmstat"
	print "attaches to the tracepoint, and are part of no category's total. The events of a tracepoint's reasons add up to the tracepoint's own event, in which each of"
	print "them is counted; a reason shows when it was first met on this host.\n"
	for (i = 1; i <= ntracepoints; i++) {
		print "### " tracepoints[i] "\n\n" text[tracepoints[i]] "\n"
		print "| number | event | code | category | |\n| --- | --- | --- | --- | --- |"
		printf "| %d | `%s` | | %s | All of them. |\n", num[tracepoints[i]], tracepoints[i], category[tracepoints[i]]
		for (k = 1; k <= ncounted; k++) {
			e = counted[k]
			if (parent[e] == tracepoints[i])
				printf "| %d | `%s` | %s | %s | %s |\n", num[e], e, codes_text(given[e]), category[e], text[e]
		}
		print ""
	}
}
