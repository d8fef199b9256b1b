# shellcheck shell=sh
# shellcheck disable=SC2154 # anchor is set by trailhand.sh
# The two halves of each hand-off: a step that an agent takes, and the gate behind it.
#
# What must hold: a step's work is used only after its gate; when a gate refuses, the files are
# again those of the last commit that passed one, which the trailer Validated names.

# step: the agent works on prompts/<state>.md; the gate of this state is next.
step() {
  require_agent
  anchor Goal "$TRAILHAND_COMMIT"
  goal=$anchor
  anchor Validated "$TRAILHAND_COMMIT"
  reply=$(step_prompt | ask)
  printf '%s\n' "$reply" |
    answer "gate-$TRAILHAND_STATE" "$TRAILHAND_STATE: written, its gate is next" \
      "Goal: $goal" "Validated: $anchor"
}

# step_prompt: what to do, why, and what was said last; the goal is the commit that began it all.
step_prompt() {
  cat "${0%/*}/prompts/$TRAILHAND_STATE.md"
  printf '\n## The goal\n\n'
  git log -1 --format=%B "$goal"
  if [ "$goal" = "$TRAILHAND_COMMIT" ]; then return; fi
  printf '\n## What was said last\n\n%s\n' "$TRAILHAND_BODY"
}

# gate <step> <next>: runs checks/<step>. Its exit code: 0 passes, 1 refuses with what it printed,
# another one means that it could not check, and fails the attempt.
gate() {
  anchor Validated
  VALIDATED=$anchor
  export VALIDATED
  if report=$("${0%/*}/checks/$1" 2>&1); then code=0; else code=$?; fi
  printf '%s\n' "$report"
  case $code in
    0)
      # What a check left behind is no part of the work.
      restore "$TRAILHAND_COMMIT"
      printf '%s\n' "$report" |
        answer "$2" "$1: passed its gate, $2 is next" "Validated: $TRAILHAND_COMMIT" "Round: 1"
      ;;
    1) printf '%s\n\nThe refused work: git show %s\n' "$report" "$TRAILHAND_COMMIT" | refuse "$1" "$VALIDATED" ;;
    *) exit "$code" ;;
  esac
}
