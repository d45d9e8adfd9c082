#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# kill_server.sh QUEST ARGUMENTS...: runs quest and kills its server while the first chapter goes on.
"$@" &
quest=$!
server=
while [ -z "$server" ] && kill -0 "$quest" 2>/dev/null; do
    sleep 0.5
    read -r server _ <"/proc/$quest/task/$quest/children"
done
kill -s KILL "$server"
wait "$quest"
