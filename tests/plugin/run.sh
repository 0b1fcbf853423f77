#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh DIRECTORY PLUGIN: run the tests built in DIRECTORY, and count. PLUGIN is the one that is installed. RUN may
# name what runs them, an emulator with its options.
set -u
dir=$1
plugin=$2
here=$(dirname "$0")
out=$dir/output
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

# A test program that ends early is a failure, whatever it printed before.
run() {
	name=$1
	shift
	timeout 120 "$@" >> "$out" || echo "FAIL $name ended with status $?" >> "$out"
}

: > "$out"
run check-symbols.sh sh "$here/check-symbols.sh" "$plugin"
run test_pure ${RUN-} "$dir/test_pure"
run test_values ${RUN-} "$dir/test_values" "$dir/fake.so"
run test_vcpus ${RUN-} "$dir/test_vcpus" "$dir/fake.so"
run test_options ${RUN-} "$dir/test_options" "$dir/fake.so"
run test_alarms ${RUN-} "$dir/test_alarms" "$dir/fake.so" "$(cd "$dir" && pwd)/state"
run test_tree ${RUN-} "$dir/test_tree" "$dir/kvmstat.so" "$dir/tree"

grep -v '^ok ' "$out"
passed=$(grep -c '^ok ' "$out")
failed=$(grep -c '^FAIL ' "$out")
skipped=$(grep -c '^skip: ' "$out")
echo "plugin: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
