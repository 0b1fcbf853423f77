# SPDX-License-Identifier: MIT
#
# trial.sh - what tests share that run inside a system of their own, which they source it into. The current folder is theirs.
passed=0 failed=0
log=$PWD/log

# ok WHAT COMMAND...: a line, "ok" or "failed", and what COMMAND printed if it failed. A test that knows more defines explain().
ok() {
	what=$1
	shift
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok: $what"
	else
		failed=$((failed + 1))
		echo "failed: $what"
		{ tail -n 25 "$log"; explain; } 2>&1 | sed 's/^/    | /'
	fi
}

explain() {
	:
}

# On an emulated processor everything takes its time.
wait_for() {
	for _ in $(seq 240); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	"$@"
}
