#!/bin/sh
# SPDX-License-Identifier: MIT
# check-symbols.sh PLUGIN: collectd loads plugins with RTLD_NOW, so one symbol that it does not have ends the daemon;
# and a symbol that the plugin exports may be taken by another plugin.
set -eu
plugin=$1
nm=${NM:-nm}
collectd=$(command -v collectd || echo /usr/sbin/collectd)

exported=$($nm -D --defined-only "$plugin" | awk '{ print $NF }')
if [ "$exported" = module_register ]; then
	echo "ok only module_register is exported"
else
	echo "exported: $exported" >&2
	echo "FAIL only module_register is exported"
fi

if [ ! -x "$collectd" ]; then
	echo "skip: every symbol is found: no collectd here"
	exit 0
fi
if ! ldd "$plugin" >/dev/null 2>&1; then
	echo "skip: every symbol is found: not asked of a plugin for another machine"
	exit 0
fi
libraries=$(ldd "$plugin" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }')
have=$(for file in "$collectd" $libraries; do $nm -D --defined-only "$file"; done | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u)
missing=$($nm -D --undefined-only "$plugin" | awk '$1 == "U" { sub(/@.*/, "", $NF); print $NF }' | sort -u |
	{ echo "$have" > "${TMPDIR:-/tmp}/have.$$"; comm -23 - "${TMPDIR:-/tmp}/have.$$"; rm -f "${TMPDIR:-/tmp}/have.$$"; })
if [ -z "$missing" ]; then
	echo "ok every symbol is found in collectd or a library"
else
	echo "nobody has: $missing" >&2
	echo "FAIL every symbol is found in collectd or a library"
fi
