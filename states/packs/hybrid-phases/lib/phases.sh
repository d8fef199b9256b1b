# shellcheck shell=sh
# shellcheck disable=SC2154 # room is set by the states
# The phases of a goal, as the request that began the work lists them.

# goal: its body. What stands above the first phase is for everybody.
goal() { words_of "$(origin "$TRAILHAND_COMMIT" "$TRAILHAND_BRANCH")"; }

# phase_number: the phase that the work is in; 0 before the first. The pieces that were handed out say
# so, whoever asked last.
phase_number() {
  offspring | awk -F - '$1 + 0 > most { most = $1 + 0 } END { print most + 0 }'
}

phase_count() { goal | grep -c '^Phase ..*' || :; }

phase_name() { goal | sed -n 's/^Phase //p' | sed -n "$1p"; }

# phase_lines <n>: the lines of a phase; $room/context are those above the first one.
phase_lines() {
  goal >"$room/goal"
  awk '/^Phase ./ { exit } { print }' "$room/goal" >"$room/context"
  awk -v wanted="$1" '/^Phase ./ { n++; next } n == wanted { print }' "$room/goal"
}
