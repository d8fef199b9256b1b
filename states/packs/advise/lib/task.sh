# shellcheck shell=sh
# shellcheck disable=SC2154 # anchor is set by trailhand.sh
# Runs an agent on one task of tasks.yml.

# work <next>: runs the agent on the task that is named like this state, and requests <next>.
work() {
  require_agent
  anchor Goal "$TRAILHAND_COMMIT"
  reply=$(task_prompt | run_agent)
  printf '%s\n' "$reply" | answer "$1" "$TRAILHAND_STATE: done, $1 is next" "Goal: $anchor"
}

# task_prompt: prints all tasks, the one to do, the goal, and the reply of the previous task.
task_prompt() {
  printf 'Do only the task "%s" of the list below. Change only the paths that it owns.\n\n' "$TRAILHAND_STATE"
  cat "${0%/*}/tasks.yml"
  printf '\n## The goal of all tasks\n\n'
  git log -1 --format=%B "$anchor"
  if [ "$anchor" = "$TRAILHAND_COMMIT" ]; then return; fi
  printf '\n## Reply of the previous task\n\n%s\n' "$TRAILHAND_BODY"
}
