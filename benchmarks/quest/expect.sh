#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# expect.sh STATUS TEXT COMMAND...: runs the command; it must end with the status and print the text.
status=$1
text=$2
shift 2
output=$("$@" 2>&1)
seen=$?
printf '%s\n' "$output"
if [ "$seen" -ne "$status" ]; then
    echo "expected exit status $status, not $seen" >&2
    exit 1
fi
case $output in
    *"$text"*) ;;
    *) echo "expected the text: $text" >&2; exit 1 ;;
esac
