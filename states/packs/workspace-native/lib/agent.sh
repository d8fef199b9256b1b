# shellcheck shell=sh
# Runs TRAILHAND_AGENT with the definition of the agent, the memory and the prompt.
#
# Invariants:
# - All files are read from the trusted branch.
# - The trailer Workspace names their tree. An agent cannot forge it: a second list of trailers fails the
#   attempt.
set -eu
here=${0%/*}
name=${0##*/}
. "$here/../lib/trailhand.sh"

require_agent
{
  cat "$here/$name.md"
  printf '\n## What is known\n\n'
  for file in "$here"/../memory/*.md; do
    if [ -f "$file" ]; then cat "$file"; fi
  done
  printf '\n'
  cat
} | sh -c "$TRAILHAND_AGENT"

workspace=$(git rev-parse --verify --quiet "$TRAILHAND_TARGET_COMMIT:states")
printf '\ntrailers=Workspace: %s\n' "$workspace" >>"$TRAILHAND_OUTPUT"
