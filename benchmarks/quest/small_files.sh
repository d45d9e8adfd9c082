#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# small_files.sh QUEST: runs all chapters; the page stays below 300 KB and the files beside it below 600 KB.
set -eu
"$1" --scale 40 --no-python --report size.html --json size.json --trace size_trace.json
for limit in size.html:300000 size.json:600000 size_trace.json:600000; do
    file=${limit%%:*}
    size=$(wc -c <"$file")
    if [ "$size" -ge "${limit##*:}" ]; then
        echo "$file has $size bytes" >&2
        exit 1
    fi
done
