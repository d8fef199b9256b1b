# shellcheck shell=sh
# Which issue a branch is about.
#
# What must hold: it is read from the commit that opened it, so that neither an agent's trailers nor a
# person's later commit without any can make it another issue.

issue=$(origin "$TRAILHAND_COMMIT" "$TRAILHAND_BRANCH")
refs=$(git log -1 --format='%(trailers:key=Refs,valueonly,unfold)' "$issue" | sed -n 1p)
