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

# origin <commit> <branch>: the request that began the line of hand-offs at a commit: what all of it
# is for. Commits that a script made on its own are passed over, and so is work that ended before.
origin() {
  git log --first-parent -n 400 --format="%H%x1f$(field State)%x1f$(field Branch)%x1f$(field Answers)%x1f$(field Parent)" \
    "$TRAILHAND_TARGET_COMMIT..$1" |
    awk -F '\037' -v branch="$2" -v head="$1" '
      want != "" && $1 != want { next }
      {
        want = $4
        if ($3 != "" && $3 != branch) exit
        if (steps++ && ($2 == "done" || $2 == "cancelled")) exit
        if ($4 != "" || $2 == "") next
        found = $1
        if ($5 != "") exit
      }
      END { print (found == "" ? head : found) }'
}

# field <key>: how git shows the values of a trailer on one line.
field() { printf '%%(trailers:key=%s,valueonly,unfold,separator=%%x20)' "$1"; }

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

# --- Work that is handed out: children, and what became of them.

# json_list: the words of standard input as a JSON list of strings.
json_list() {
  LC_ALL=C sed 's/[\\"]/\\&/g' | LC_ALL=C tr -d '\000-\010\013-\037\177' | LC_ALL=C awk '
    { for (i = 1; i <= NF; i++) printf "%s\"%s\"", (n++ ? ", " : "["), $i }
    END { printf n ? "]" : "[]" }'
}

# pieces <file>: reads lines "- <key> [<glob>...]: <subject>", with `+` in place of `-` where the
# caller knows that, and prints sign, key, globs and subject, with $US between. Other text is passed
# over; a line that begins so and is none goes to <file>, so that no piece is without a subject.
pieces() {
  LC_ALL=C tr '\t\r' '  ' | LC_ALL=C tr -d '\000-\011\013-\037\177' | LC_ALL=C awk -v wrong="$1" '
    !/^[-+] / { next }
    {
      at = index($0, ":")
      n = split(substr($0, 3, at > 3 ? at - 3 : 0), word, " ")
      subject = substr($0, at + 1)
      gsub(/^ +| +$/, "", subject)
      if (n < 1 || subject == "" || word[1] !~ /^[a-z0-9][a-z0-9-]*$/ || length(word[1]) > 40 || seen[word[1]]++) {
        print > wrong
        next
      }
      globs = ""
      for (i = 2; i <= n; i++) globs = globs (i > 2 ? " " : "") word[i]
      printf "%s\037%s\037%s\037%s\n", substr($0, 1, 1), word[1], globs, subject
    }'
}
US=$(printf '\037')

# child <key> <state> <subject> <globs> [<JSON field>...]: adds a child to $children. Its prompt is
# standard input; what it owns are the globs, anything without one.
child() {
  children=${children:+$children, }$(
    printf '{"key": "%s", "state": "%s", "subject": ' "$1" "$2"
    printf '%s\n' "$3" | json_string
    printf ', "owns": '
    printf '%s\n' "$4" | json_list
    shift 4
    if [ "$#" -gt 0 ]; then printf ', %s' "$@"; fi
    printf ', "prompt": '
    json_string
    printf '}'
  )
}

# hand_out: the children that were added are made with the answer; call it after `answer`.
hand_out() {
  printf 'children=[%s]\n' "${children:-}" >>"$TRAILHAND_OUTPUT"
}

# offspring [<fate>...]: a line "key fate state head age" for each child with one of these fates.
offspring() {
  printf '%s\n' "${TRAILHAND_CHILDREN:-}" |
    awk -v wanted=" $* " 'NF && (wanted == "  " || index(wanted, " " $2 " "))'
}

# call_off [<fate>...]: children are called off with the answer: those with one of these fates, or all
# that are not at an end; call it after `answer`.
call_off() {
  if [ "$#" -eq 0 ]; then set -- going parked; fi
  offspring "$@" | awk '{ printf "%s%s", (NR > 1 ? " " : "cancel="), $1 } END { if (NR) print "" }' \
    >>"$TRAILHAND_OUTPUT"
}

# words_of <commit>: its message without the first line and the trailers.
words_of() {
  git log -1 --format=%B "$1" | awk -v RS='' 'NR > 2 { print last "\n" } { last = $0 }'
}

# merge <commit> <subject>: merges it into the worktree, with a commit of its own even where none were
# needed, so that the first parents stay those of this branch. A conflict is left to a person: it
# returns 1, with the files in $conflict and the worktree as it was. Another failure ends the script.
merge() {
  conflict=
  if git -c core.hooksPath=/dev/null -c rerere.enabled=false merge --quiet --no-ff --no-edit \
    --no-gpg-sign -m "$2" "$1" </dev/null; then return; fi
  conflict=$(git diff --name-only --diff-filter=U)
  if [ -z "$conflict" ]; then exit 1; fi
  git merge --abort
  return 1
}

# gather: merges each child that is done, and prints what became of each one. The keys whose work is
# not in are in $missing. It prints to a file, because in a pipe they would be lost.
gather() {
  missing=
  while read -r key fate state head _; do
    if [ -z "$key" ]; then continue; fi
    if [ "$fate" = "done" ] && merge "$head" "chore: take in $key"; then
      printf -- '- %s: done. %s\n' "$key" "$(git log -1 --format=%s "$head")"
      continue
    fi
    missing="$missing $key"
    if [ "$fate" = "done" ]; then
      printf -- '- %s: done, and not taken in, because these files conflict:\n' "$key"
      printf '%s\n' "$conflict" | sed 's/^/    /'
    elif [ "$head" = - ]; then
      printf -- '- %s: its branch is gone\n' "$key"
    else
      printf -- '- %s: %s, at %s. %s\n' "$key" "$fate" "$state" "$(git log -1 --format=%s "$head")"
    fi
  done <<END
$(offspring)
END
}

# --- What lands on the trusted branch.

# squash <commit> <branch>: one commit on top of $tip with all that the branch changed, and $tip is
# that commit. A branch whose changes are there already adds none. On a conflict it returns 1, with the
# files in $room/why; $room is a folder of the caller's. The worktree takes no part, so neither does a
# hook or a merge that is half done.
squash() {
  if git merge-tree --write-tree --no-messages --name-only "$tip" "$1" >"$room/merged" 2>"$room/why"; then
    tree=$(sed -n 1p "$room/merged")
  else
    code=$?
    # Without a common history git's own words are the reason; it must be no fault of the disk.
    if [ "$code" -ne 1 ] && ! grep -q 'unrelated histories' "$room/why"; then exit "$code"; fi
    sed 1d "$room/merged" >>"$room/why"
    return 1
  fi
  if [ "$tree" = "$(git rev-parse "$tip^{tree}")" ]; then return 0; fi
  from=$(origin "$1" "$2")
  landing_message "$from" "$1" "$2" >"$room/message"
  author=$(git log -1 --format=%an "$from")
  address=$(git log -1 --format=%ae "$from")
  tip=$(
    GIT_AUTHOR_NAME=${author:-$GIT_AUTHOR_NAME} GIT_AUTHOR_EMAIL=${address:-$GIT_AUTHOR_EMAIL} \
      git -c i18n.commitEncoding=UTF-8 commit-tree -p "$tip" -F "$room/message" "$tree"
  ) || exit 1
}

# landing_message <origin> <commit> <branch>: the words of the request that began the work. The
# trailers of hand-offs are left out; others, such as Refs and Co-authored-by, are kept.
landing_message() {
  block=$(git log -1 --format='%(trailers)' "$1" | grep -c . || :)
  git log -1 --format=%B "$1" | awk -v block="$block" '
    { line[NR] = $0 }
    END {
      last = NR
      while (last > 0 && line[last] ~ /^[ \t\r]*$/) last--
      last -= block
      while (last > 0 && line[last] ~ /^[ \t\r]*$/) last--
      if (last < 1) print "Land a branch"
      for (n = 1; n <= last; n++) print line[n]
    }'
  echo
  git log -1 --format='%(trailers:only,unfold)' "$1" | grep . | grep -viE "^($HAND_OFF) *:" || :
  printf 'Landed-From: %s\nArchive: %s\n' "$3" "$2"
}
HAND_OFF='state|branch|parent|answers|run|attempt|runner|took|hops|workflow|script|children|joined'
HAND_OFF="$HAND_OFF|cancels|plan|step|rounds|spent|evidence|risk|approved-by|archive|landed-from|owns"
HAND_OFF="$HAND_OFF|budget|approves|priority|not-before|depends-on|assigned-to|cost|tokens|model"
