#!/bin/sh
# SPDX-License-Identifier: MIT
# Run fuzz targets, as many at once as there are processors: run.sh DIR SECONDS TARGET...
# New inputs go to DIR/corpus/TARGET, what fails to DIR/crash-TARGET-*; seeds are only read.
dir=$1 seconds=$2
shift 2

# The command lines of the tests, as /proc has them: an argument a line is an argument with a NUL.
seed_command_lines() {
	for fixture in tests/fixtures/cmdlines/*.args; do
		tr '\n' '\0' <"$fixture" >"$1/$(basename "$fixture")"
	done
}

fuzz() {
	target=$1 corpus=$dir/corpus/$1 log=$dir/$1.log
	mkdir -p "$corpus"
	[ "$target" != cmdline ] || seed_command_lines "$corpus"
	seeds=tests/fuzz/seeds/$target
	[ ! -d "tests/fixtures/$target" ] || [ "$target" = btf ] || seeds="$seeds tests/fixtures/$target"
	# shellcheck disable=SC2086 # one word a directory
	if "$dir/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
		-dict="tests/fuzz/dict/$target" -artifact_prefix="$dir/crash-$target-" "$corpus" $seeds >"$log" 2>&1; then
		echo "PASS: $target, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s"
	else
		tail -n 40 "$log"
		echo "FAIL: $target: see $log, and run $dir/fuzz_$target with the crash file it names"
	fi
}

# By itself, once for each target.
if [ "${FUZZ_ONE-}" ]; then
	fuzz "$1" >"$dir/$1.said"
	exit 0
fi
printf '%s\n' "$@" | FUZZ_ONE=1 xargs -P "$(nproc 2>/dev/null || echo 1)" -I TARGET sh "$0" "$dir" "$seconds" TARGET
passed=0 failed=0
for target in "$@"; do
	cat "$dir/$target.said"
	if grep -q '^PASS' "$dir/$target.said"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "fuzz: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
