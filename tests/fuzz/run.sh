#!/bin/sh
# SPDX-License-Identifier: MIT
# Run fuzz targets one after another: run.sh DIR SECONDS TARGET...
# New inputs go to DIR/corpus/TARGET, what fails to DIR/crash-TARGET-*; seeds are only read.
dir=$1 seconds=$2
shift 2
passed=0 failed=0

for target in "$@"; do
	corpus=$dir/corpus/$target log=$dir/$target.log
	mkdir -p "$corpus"
	if "$dir/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$dir/crash-$target-" "$corpus" "tests/fuzz/seeds/$target" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "PASS: $target, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "FAIL: $target: see $log, and run $dir/fuzz_$target with the crash file it names"
	fi
done
echo "fuzz: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
