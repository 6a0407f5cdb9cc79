#!/usr/bin/env bash
# Sessions of category has_invalid (esrfv2): something can't be registered as it is.
# Arguments go to every call: ./has_invalid.sh --register
# Stops where a call ends with 6 (q was answered) or above 128 (a signal), and ends with the same; goes on after any
# other failure, and ends with the highest code there was.
# Quoted names may hold what shellcheck takes for a mistake:
# shellcheck disable=SC1003,SC1110,SC1111,SC1112,SC2016,SC2088
{  # bash reads on to the closing brace before it runs anything: this file may be rewritten meanwhile
code=0 highest=0
trap 'code=$?
    if ((code == 6 || code > 128)); then exit "$code"; fi
    if ((code > highest)); then highest=$code; fi' ERR

# Below each session: its invalid datasets and why they are. Put right what is wrong, and the line without its `#`
# registers the dataset by hand. A sample that is not known is called as the collection is: make sure of it. A time that
# is not known is given as -p startDate=2026-01-31T08:00:00+01:00 -p endDate=2026-01-31T09:00:00+01:00.


exit "$highest"
}
