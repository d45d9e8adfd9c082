#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# The legs of CI, each on its own or all in order: .ci/ci.sh [leg...], .ci/ci.sh --list
# Ends with one table, with the end of what failed (of a long log only the end may be kept), and with
# the number of tests that passed and failed as the last line.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export CMAKE_BUILD_PARALLEL_LEVEL=$jobs
reports=build/ci
# What has a leg of its own; every build folder knows these tests.
separate='^(headers|package|recipes|compile|budget)$'

build() { # <preset> [option of cmake --build...]
    cmake --preset "$1" >/dev/null && cmake --build --preset "$@"
}

tests() { # <preset> [option of ctest...]
    local preset=$1
    shift
    report=$reports/$leg-$preset.xml
    rm -f "$report"
    ctest --preset "$preset" --output-junit "$PWD/$report" "$@"
}

# ---- the legs

checkers() {
    local status=0 check
    for check in floors style versions; do
        python3 -B .ci/check_$check.py || status=1
    done
    python3 -B tests/http/conformance/list.py --check || status=1
    return $status
}
gcc_release() { build test && tests test -LE "$separate" -j "$jobs"; }
asan() { build asan && tests asan -LE "$separate|^ci$" -j "$jobs"; }
# The floors that start threads, and the deep chains: the rest is single-threaded by construction.
tsan() { $fixed_addresses "${BASH_SOURCE[0]}" --inside tsan; }
tsan_inside() { build tsan --target threaded_tests && tests tsan -j "$jobs"; }
# -O0, where GCC makes no tail calls and the trampoline has to work.
gcc_debug() {
    local floors=() floor
    for floor in core sync tasks depth; do
        if compgen -G "tests/$floor/*_test.cpp" >/dev/null; then floors+=("test_$floor"); fi
    done
    build dev --target "${floors[@]}" && tests dev -L '^(core|sync|tasks|depth)$' -j "$jobs"
}
headers() { cmake --preset dev >/dev/null && tests dev -L headers; }
# Not for their figures: that they build, run, give right answers and allocate no more than they may.
benchmarks() {
    local status=0 program
    cmake --preset bench >/dev/null || return 1
    for program in bench_cpu bench_pipeline; do
        cmake --build --preset bench --target $program || { status=1; continue; }
        build/bench/bin/$program --quick >/dev/null || { echo "$program --quick failed"; status=1; }
    done
    return $status
}
package() { cmake --preset test >/dev/null && tests test -L '^(package|recipes)$'; }
must_fail() {
    local status=0
    cmake --preset test >/dev/null && tests test -L '^compile$' -j "$jobs" || status=1
    cmake --preset asan >/dev/null && tests asan -L '^compile$' -j "$jobs" || status=1
    return $status
}
# Each target for FUZZ_SECONDS, two at a time.
# What a server can send has the longest time.
fuzz() {
    local status=0
    tests/fuzz/run.sh "${FUZZ_SECONDS:-60}" url response chunked sse || status=1
    tests/fuzz/run.sh "${FUZZ_SECONDS:-20}" decode cookies settings || status=1
    return $status
}
compile_time() { cmake --preset test >/dev/null && tests test -L '^budget$'; }

legs=(checkers gcc_release asan tsan gcc_debug headers package must_fail compile_time benchmarks fuzz)

# ---- running them

# clang 16's ThreadSanitizer does not start where the kernel randomises addresses with more than 28
# bits, which only root may read; then the leg runs with fixed addresses, if that is allowed.
fixed_addresses=
if [[ $(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 32) -gt 28 ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    fixed_addresses="setarch $(uname -m) -R"
fi

case ${1:-} in
    --list) printf '%s\n' "${legs[@]}"; exit 0 ;;
    --inside) leg=$2; "$2_inside"; exit ;;
esac
chosen=("$@")
[[ $# -gt 0 ]] || chosen=("${legs[@]}")
for leg in "${chosen[@]}"; do
    if [[ ! " ${legs[*]} " == *" $leg "* ]]; then
        echo "ci.sh: there is no leg \"$leg\"; there are: ${legs[*]}" >&2
        exit 2
    fi
done

rm -rf "$reports"
mkdir -p "$reports"
table=()
failed_legs=0
broken_legs=()
for leg in "${chosen[@]}"; do
    printf '\n==== %s\n' "$leg"
    start=$SECONDS
    if "$leg" 2>&1 | tee "$reports/$leg.log"; then verdict=ok; else verdict=FAILED; failed_legs=$((failed_legs + 1)); fi
    line=$(printf '%-14s %-7s %5d s' "$leg" "$verdict" $((SECONDS - start)))
    counts=$(python3 -B .ci/count_tests.py "$reports/$leg"-*.xml)
    # A leg that fails before its tests (it does not build, a checker complains) counts as one.
    if [[ $verdict == FAILED && ! $counts =~ [1-9][0-9]*\ failed ]]; then broken_legs+=("$leg"); fi
    table+=("$line   $counts")
    printf '==== %s\n' "$line"
done

printf '\n%-14s %-7s %7s   %s\n' leg verdict time tests
printf '%s\n' "${table[@]}"
printf '%-14s %-7s %5d s\n\n' all "" "$SECONDS"
for leg in ${broken_legs[@]+"${broken_legs[@]}"}; do
    printf '==== %s failed:\n' "$leg"
    tail -n 40 "$reports/$leg.log"
    echo
done
python3 -B .ci/count_tests.py --last "--broken=${#broken_legs[@]}" "$reports"/*.xml
tests_ok=$?
[[ $failed_legs -eq 0 && $tests_ok -eq 0 ]]
