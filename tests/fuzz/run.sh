#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Builds the fuzz targets and runs each for so many seconds (default 60), two at a time:
#   tests/fuzz/run.sh [seconds] [target...]
# What a target finds is left in build/fuzz/<target>-*.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

seconds=${1:-60}
shift || true
targets=("$@")
[[ $# -gt 0 ]] || targets=(url response chunked sse decode cookies settings)
work=build/fuzz
compiler=${FUZZ_CXX:-clang++-16}
mkdir -p "$work"

fuzz() { # <target>
    local corpus=$work/corpus-$1
    "$compiler" -std=c++20 -O1 -g1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -pthread \
        -Iinclude -Itests -Itests/support "tests/fuzz/$1.cpp" tests/fuzz/seeds.cpp -lz -o "$work/$1" || return 1
    "$work/$1" --seeds "$corpus" || return 1
    if "$work/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="$work/$1-" "$corpus" >"$work/$1.log" 2>&1; then
        echo "fuzz $1: ok, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log") inputs in $seconds s"
    else
        tail -n 40 "$work/$1.log"
        echo "fuzz $1: FAILED, see $work/$1.log"
        return 1
    fi
}

status=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    jobs=()
    for target in "${targets[@]:i:2}"; do
        fuzz "$target" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || status=1; done
done
exit $status
