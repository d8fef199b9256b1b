# shellcheck shell=sh
# shellcheck disable=SC2154 # anchor is set by trailhand.sh
# Runs the steps and their gates.
#
# The next step starts only from accepted work. A rejection restores the files of the last accepted commit,
# which the trailer Validated names.

# step: runs the agent with prompts/<state>.md, and requests the gate of this state.
step() {
  require_agent
  anchor Goal "$TRAILHAND_COMMIT"
  goal=$anchor
  anchor Validated "$TRAILHAND_COMMIT"
  reply=$(step_prompt | run_agent)
  printf '%s\n' "$reply" |
    answer "gate-$TRAILHAND_STATE" "$TRAILHAND_STATE: done, gate-$TRAILHAND_STATE is next" \
      "Goal: $goal" "Validated: $anchor"
}

# step_prompt: prints the prompt, the goal, and the last message.
step_prompt() {
  cat "${0%/*}/prompts/$TRAILHAND_STATE.md"
  printf '\n## The goal\n\n'
  git log -1 --format=%B "$goal"
  if [ "$goal" = "$TRAILHAND_COMMIT" ]; then return; fi
  printf '\n## The last message\n\n%s\n' "$TRAILHAND_BODY"
}

# gate <step> <next>: runs checks/<step>. Its exit code decides: 0 accepts the work, 1 rejects it with the
# printed reason, any other code fails the attempt.
gate() {
  anchor Validated
  VALIDATED=$anchor
  export VALIDATED
  if report=$("${0%/*}/checks/$1" 2>&1); then code=0; else code=$?; fi
  printf '%s\n' "$report"
  case $code in
    0)
      # Files that a check wrote are removed.
      restore "$TRAILHAND_COMMIT"
      printf '%s\n' "$report" |
        answer "$2" "gate-$1: passed, $2 is next" "Validated: $TRAILHAND_COMMIT" "Round: 1"
      ;;
    1) printf '%s\n\nThe rejected work: git show %s\n' "$report" "$TRAILHAND_COMMIT" | reject "$1" "$VALIDATED" ;;
    *) exit "$code" ;;
  esac
}
