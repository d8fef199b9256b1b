# shellcheck shell=sh
# Sets $issue to the request that opened the issue, and $refs to its number. Trailers of later commits
# cannot change them.

issue=$(origin "$TRAILHAND_COMMIT" "$TRAILHAND_BRANCH")
refs=$(git log -1 --format='%(trailers:key=Refs,valueonly,unfold)' "$issue" | sed -n 1p)
