# shellcheck shell=sh
# shellcheck disable=SC2154 # scratch is set by the states
# Reads the phases from the request that started the work.

# goal: prints the body of that request.
goal() { body_of "$(origin "$TRAILHAND_COMMIT" "$TRAILHAND_BRANCH")"; }

# phase_number: prints the number of the current phase, 0 before the first. It is read from the keys of
# the existing pieces, so a commit of a person does not change it.
phase_number() {
  list_children | awk -F - '$1 + 0 > most { most = $1 + 0 } END { print most + 0 }'
}

phase_count() { goal | grep -c '^Phase ..*' || :; }

phase_name() { goal | sed -n 's/^Phase //p' | sed -n "$1p"; }

# phase_lines <n>: prints the lines of a phase, and writes the text before the first phase to
# $scratch/context.
phase_lines() {
  goal >"$scratch/goal"
  awk '/^Phase ./ { exit } { print }' "$scratch/goal" >"$scratch/context"
  awk -v wanted="$1" '/^Phase ./ { n++; next } n == wanted { print }' "$scratch/goal"
}
