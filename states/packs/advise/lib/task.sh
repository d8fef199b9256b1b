# shellcheck shell=sh
# shellcheck disable=SC2154 # anchor is set by trailhand.sh
# One task of tasks.yml, done by an agent.
#
# What must hold: the agent is told which task is its own, and what all of them are for.

# work <next>: hands the task that is named as this state to the agent; <next> follows.
work() {
  require_agent
  anchor Goal "$TRAILHAND_COMMIT"
  reply=$(task_prompt | ask)
  printf '%s\n' "$reply" | answer "$1" "$TRAILHAND_STATE: done, $1 is next" "Goal: $anchor"
}

task_prompt() {
  printf 'Do the task "%s" of these, and no other one. Change only what it owns.\n\n' "$TRAILHAND_STATE"
  cat "${0%/*}/tasks.yml"
  printf '\n## What all of it is for\n\n'
  git log -1 --format=%B "$anchor"
  if [ "$anchor" = "$TRAILHAND_COMMIT" ]; then return; fi
  printf '\n## What the task before said\n\n%s\n' "$TRAILHAND_BODY"
}
