# shellcheck shell=sh
# What state scripts share. Use it with: . "${0%/*}/lib/trailhand.sh"
#
# What must hold: words from outside (a branch name, a message, an agent's reply) are only ever
# quoted variables or standard input; an answer is written after the agent has ended, in one go;
# nothing is pushed, and no ref is moved.

# How often a state is asked again before a person is.
ROUNDS=3

# trailer <key>: the first value of a trailer of the request, or nothing.
trailer() {
  git log -1 --format="%(trailers:key=$1,valueonly,unfold)" "$TRAILHAND_COMMIT" | sed -n 1p
}

# anchor <key> [<default>]: sets $anchor to the commit that a trailer of the request names. Parks
# when there is none, or when the request does not stand on it: then somebody rewrote the history.
anchor() {
  anchor=$(trailer "$1")
  anchor=${anchor:-${2-}}
  case $anchor in
    '' | *[!0-9a-f]*) ;;
    *) if git merge-base --is-ancestor "$anchor" "$TRAILHAND_COMMIT"; then return; fi ;;
  esac
  park "$TRAILHAND_STATE cannot begin: the request has no usable trailer $1" <<END
A commit of this branch is expected there. Ask for the first state again: trailhand graph
END
}

# answer <state> <subject> [<trailer line>...]: writes the answer; the summary is standard input.
# Trailers of the request are passed on by the runner, so only new and changed ones are named.
answer() {
  state=$1
  subject=$2
  shift 2
  {
    printf 'state=%s\n' "$state"
    printf 'subject=%s\n' "$(printf '%s' "$subject" | tr '\r\n' '  ')"
    if [ "$#" -gt 0 ]; then printf '%s\n' "$@" | block trailers; fi
    block summary
  } >"$TRAILHAND_OUTPUT"
}

# block <key>: standard input as one value; no line of it can close the value early.
block() {
  printf '%s<<end-%s\n' "$1" "$TRAILHAND_RUN"
  tail -c 12000 | tr -d '\000\r' | sed "/^end-$TRAILHAND_RUN\$/d"
  printf '\nend-%s\n' "$TRAILHAND_RUN"
}

# json_string: standard input as one JSON string. Lines stay lines; other control characters do not.
json_string() (
  export LC_ALL=C
  printf '"'
  tr '\011\015' '  ' | tr -d '\000-\010\013\014\016-\037\177' | sed 's/[\\"]/\\&/g' |
    awk 'BEGIN { ORS = "" } NR > 1 { print "\\n" } { print }'
  printf '"'
)

# park <subject>: stops visibly, and a person goes on; what to do is standard input. Ends the
# script, so its input is a file or a here-document: in a pipe it would end the pipe alone.
park() {
  answer parked "$1" "Round: 1"
  exit 0
}

# refuse <state> <commit>: puts the files back to those of <commit> and asks <state> again, or a
# person after ROUNDS rounds. The reasons are standard input. What was refused stays in the history.
# The script goes on after it: leave with `exit 0`.
refuse() {
  restore "$2"
  round=$(trailer Round)
  case $round in
    [1-9] | [1-9][0-9]) ;;
    *) round=1 ;;
  esac
  if [ "$round" -ge "$ROUNDS" ]; then
    answer parked "$TRAILHAND_STATE: refused $round times, parked for a person" "Round: 1"
  else
    round=$((round + 1))
    answer "$1" "$TRAILHAND_STATE: refused, back to $1 (round $round of $ROUNDS)" "Round: $round"
  fi
}

# restore <commit>: files and index become those of <commit>; HEAD stays, so history is only added to.
restore() {
  git reset --quiet --hard
  git clean --quiet -ffd
  git read-tree --reset -u "$1"
}

# size_of <from> <to> [<path>...]: lines removed and added, read from the hunks' headers, so that no
# attribute of the branch can call a file binary and have it not counted.
size_of() {
  git diff --no-renames --no-ext-diff --no-textconv --text --unified=0 "$@" | awk '
    /^@@ / {
      split($2, old, ","); split($3, new, ",")
      n += (old[2] == "" ? 1 : old[2]) + (new[2] == "" ? 1 : new[2])
    }
    END { print n + 0 }'
}

# require_agent: parks with the next command when no agent is named.
require_agent() {
  if [ -n "${TRAILHAND_AGENT:-}" ]; then return; fi
  park "$TRAILHAND_STATE: no agent is named" <<'END'
Give the runner a command that reads a prompt on standard input, works in its current directory
and prints its reply: TRAILHAND_AGENT='claude -p' trailhand run
Then go on with: trailhand resume
END
}

# ask: hands the prompt on standard input to the agent, and prints its reply. The agent is not told
# where answers are written; its exit code is the attempt's (75: later, another one: failed).
ask() (
  unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
  exec sh -c "$TRAILHAND_AGENT"
)
