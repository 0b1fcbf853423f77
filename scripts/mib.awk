# SPDX-License-Identifier: MIT
#
# mib.awk - write an OID root into KVMSTAT-MIB
#
#	awk -v root=1.3.6.1.4.1.8072.9999.9999.7619 -f scripts/mib.awk mibs/KVMSTAT-MIB.txt.in
#
# The template names its root twice, each time in a line of its own: the node it hangs below in the
# IMPORTS, and the value of the MODULE-IDENTITY.

function fail(why)
{
	printf "mib.awk: OID root '%s' %s; write decimal numbers with dots between them, such as" \
	       " 1.3.6.1.4.1.8072.9999.9999.7619 (OID_ROOT of make)\n", root, why > "/dev/stderr"
	failed = 1
	exit 1
}

# Compared as text: not every awk has exact numbers of this size.
function too_big(n)
{
	return length(n) > 10 || (length(n) == 10 && (n "") > "2147483647")
}

function check(    i)
{
	if (root !~ /^[0-9]+(\.[0-9]+)+$/)
		fail("is not a numeric OID")
	count = split(root, arc, ".")
	if (count > 64)
		fail("is longer than 64 numbers")
	for (i = 1; i <= count; i++) {
		if (arc[i] ~ /^0[0-9]/)
			fail("has a number with a leading zero, " arc[i])
		# The limit of Net-SNMP's parser; OIDs proper go to twice that.
		if (too_big(arc[i]))
			fail("has a number above 2147483647, " arc[i])
	}
	if (root in node)
		fail("is the node " node[root] ", which is everybody's")
}

# Hang it below the deepest node that SNMPv2-SMI has a name for.
function place(    i, prefix)
{
	for (i = 1; i < count; i++) {
		prefix = prefix (i > 1 ? "." : "") arc[i]
		if (prefix in node) {
			base = node[prefix]
			rest = ""
		} else {
			rest = rest " arc" i "(" arc[i] ")"
		}
	}
	if (base == "")
		fail("is not below 1.3 (iso.org)")
	rest = rest " " arc[count]
}

BEGIN {
	node["1.3"] = "org"
	node["1.3.6"] = "dod"
	node["1.3.6.1"] = "internet"
	node["1.3.6.1.1"] = "directory"
	node["1.3.6.1.2"] = "mgmt"
	node["1.3.6.1.2.1"] = "mib-2"
	node["1.3.6.1.3"] = "experimental"
	node["1.3.6.1.4"] = "private"
	node["1.3.6.1.4.1"] = "enterprises"
	node["1.3.6.1.5"] = "security"
	node["1.3.6.1.6"] = "snmpV2"
	check()
	place()
}

/^    enterprises$/ {
	$0 = "    " base
	places++
}

/^    ::= \{ enterprises .* \}$/ {
	$0 = "    ::= { " base rest " }"
	places++
}

{ print }

END {
	if (failed)
		exit 1
	if (places != 2) {
		print "mib.awk: " FILENAME " does not name its root twice, as this script expects" > "/dev/stderr"
		exit 1
	}
}
