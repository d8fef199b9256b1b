# shellcheck shell=sh
# What each agent is: its definition, the memory, and the prompt, all of one commit of the trusted branch.
#
# What must hold: everything is read beside this file, never from the branch that is worked on; the
# answer names the tree it was read from, as the trailer Workspace, and no agent can name another one:
# a second list of trailers fails the attempt.
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
