#!/usr/bin/env bash
# Sessions of category todo_ongoing (esrfv3): something can be registered, but it may still change.
# Arguments go to every call: ./todo_ongoing.sh --register
# Stops where a call ends with 6 (q was answered) or above 128 (a signal), and ends with the same; goes on after any
# other failure, and ends with the highest code there was.
# Quoted names may hold what shellcheck takes for a mistake:
# shellcheck disable=SC1003,SC1110,SC1111,SC1112,SC2016,SC2088
{  # bash reads on to the closing brace before it runs anything: this file may be rewritten meanwhile
code=0 highest=0
trap 'code=$?
    if ((code == 6 || code > 128)); then exit "$code"; fi
    if ((code > highest)); then highest=$code; fi' ERR

/opt/icat-tui/bin/icat-sync-raw --format esrfv3 --cache-dir /var/cache/icat --save-dir '/srv/over view' /data/visitor/ma1/id99/20260130 "$@"

exit "$highest"
}
