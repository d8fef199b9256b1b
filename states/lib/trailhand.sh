# shellcheck shell=sh
# Functions that state scripts share. Load them with: . "${0%/*}/lib/trailhand.sh"
#
# Invariants:
# - Untrusted text (branch names, messages, replies of agents) occurs only in quoted variables and on
#   standard input.
# - A response is written at once, after the agent has ended.
# - Nothing is pushed, and no ref is moved.

# After this many rejections in a row, `reject` parks the branch for a person.
ROUNDS=3

# trailer <key>: prints the first value of this trailer of the request, or nothing.
trailer() {
  git log -1 --format="%(trailers:key=$1,valueonly,unfold)" "$TRAILHAND_COMMIT" | sed -n 1p
}

# anchor <key> [<default>]: sets $anchor to the commit that this trailer of the request names. Parks
# when the trailer is missing, or when its commit is not an ancestor because history was rewritten.
anchor() {
  anchor=$(trailer "$1")
  anchor=${anchor:-${2-}}
  case $anchor in
    '' | *[!0-9a-f]*) ;;
    *) if git merge-base --is-ancestor "$anchor" "$TRAILHAND_COMMIT"; then return; fi ;;
  esac
  park "$TRAILHAND_STATE cannot start: the request has no valid trailer $1" <<END
The trailer $1 must name a commit of this branch. Request the first state again; trailhand graph
shows which state comes first.
END
}

# origin <commit> <branch>: prints the request that started the hand-offs which lead to a commit. Its
# message is the goal. Commits of scripts and work that ended earlier are skipped.
origin() {
  git log --first-parent -n 400 --format="%H%x1f$(trailer_format State)%x1f$(trailer_format Branch)%x1f$(trailer_format Answers)%x1f$(trailer_format Parent)" \
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

# trailer_format <key>: prints the format for git log that shows all values of a trailer on one line.
trailer_format() { printf '%%(trailers:key=%s,valueonly,unfold,separator=%%x20)' "$1"; }

# answer <state> <subject> [<trailer line>...]: writes the response; its summary is standard input. The
# runner copies the trailers of the request, so pass only new and changed ones.
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

# block <key>: prints standard input as one multi-line value. No input line can end the value early.
block() {
  printf '%s<<end-%s\n' "$1" "$TRAILHAND_RUN"
  tail -c 12000 | tr -d '\000\r' | sed "/^end-$TRAILHAND_RUN\$/d"
  printf '\nend-%s\n' "$TRAILHAND_RUN"
}

# json_string: prints standard input as one JSON string. Line breaks are kept, other control characters
# are removed.
json_string() (
  export LC_ALL=C
  printf '"'
  tr '\011\015' '  ' | tr -d '\000-\010\013\014\016-\037\177' | sed 's/[\\"]/\\&/g' |
    awk 'BEGIN { ORS = "" } NR > 1 { print "\\n" } { print }'
  printf '"'
)

# park <subject>: stops the work until a person continues it. Standard input says what to do. It ends
# the script, so use a file or a here-document: in a pipe it would only end the subshell.
park() {
  answer parked "$1" "Round: 1"
  exit 0
}

# reject <state> <commit>: restores the files of <commit> and requests <state> again. The reasons are
# standard input. After ROUNDS rejections it parks the branch. The rejected commit stays in history.
# The script continues afterwards: end it with `exit 0`.
reject() {
  restore "$2"
  round=$(trailer Round)
  case $round in
    [1-9] | [1-9][0-9]) ;;
    *) round=1 ;;
  esac
  if [ "$round" -ge "$ROUNDS" ]; then
    answer parked "$TRAILHAND_STATE: rejected $round times, parked for a person" "Round: 1"
  else
    round=$((round + 1))
    answer "$1" "$TRAILHAND_STATE: rejected, $1 is next (round $round of $ROUNDS)" "Round: $round"
  fi
}

# restore <commit>: sets files and index to those of <commit>. HEAD stays, so no history is lost.
restore() {
  git reset --quiet --hard
  git clean --quiet -ffd
  git read-tree --reset -u "$1"
}

# size_of <from> <to> [<path>...]: prints the number of lines removed and added. It reads the hunk
# headers, so an attribute of the branch cannot hide a file by marking it as binary.
size_of() {
  git diff --no-renames --no-ext-diff --no-textconv --text --unified=0 "$@" | awk '
    /^@@ / {
      split($2, old, ","); split($3, new, ",")
      n += (old[2] == "" ? 1 : old[2]) + (new[2] == "" ? 1 : new[2])
    }
    END { print n + 0 }'
}

# require_agent: parks with the command to run when no agent is configured.
require_agent() {
  if [ -n "${TRAILHAND_AGENT:-}" ]; then return; fi
  park "$TRAILHAND_STATE: no agent is configured" <<'END'
Set TRAILHAND_AGENT to a command that reads a prompt on standard input, works in the current directory
and prints its reply. Request the state again, and start the runner with the variable:

    trailhand resume
    TRAILHAND_AGENT='claude -p' trailhand run
END
}

# run_agent: passes the prompt on standard input to the agent and prints its reply. The agent does not
# see where responses are written. Its exit code ends the attempt (75: later, any other: failed).
run_agent() (
  unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
  exec sh -c "$TRAILHAND_AGENT"
)

# --- Children: branches that a response creates, and their results.

# json_list: prints the words of standard input as a JSON list of strings.
json_list() {
  LC_ALL=C sed 's/[\\"]/\\&/g' | LC_ALL=C tr -d '\000-\010\013-\037\177' | LC_ALL=C awk '
    { for (i = 1; i <= NF; i++) printf "%s\"%s\"", (n++ ? ", " : "["), $i }
    END { printf n ? "]" : "[]" }'
}

# parse_pieces <file>: reads lines "- <key> [<glob>...]: <subject>" from standard input; `+` is also
# accepted as the sign. Prints sign, key, globs and subject, separated by $US. Other lines are ignored.
# A line that starts like a piece but is not valid is written to <file>.
parse_pieces() {
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

# add_child <key> <state> <subject> <globs> [<JSON field>...]: adds a child to $children. Standard input
# is its prompt. It may change only paths that match the globs; with no globs, any path.
add_child() {
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

# create_children: adds $children to the response, so that the runner creates their branches. Call it
# after `answer`.
create_children() {
  printf 'children=[%s]\n' "${children:-}" >>"$TRAILHAND_OUTPUT"
}

# list_children [<fate>...]: prints a line "key fate state head age" for each child with one of these
# fates, or for every child.
list_children() {
  printf '%s\n' "${TRAILHAND_CHILDREN:-}" |
    awk -v wanted=" $* " 'NF && (wanted == "  " || index(wanted, " " $2 " "))'
}

# cancel_children [<fate>...]: adds to the response the cancellation of the children with these fates, or
# of all unfinished children. Call it after `answer`.
cancel_children() {
  if [ "$#" -eq 0 ]; then set -- going parked; fi
  list_children "$@" | awk '{ printf "%s%s", (NR > 1 ? " " : "cancel="), $1 } END { if (NR) print "" }' \
    >>"$TRAILHAND_OUTPUT"
}

# body_of <commit>: prints its message without the subject and the trailers.
body_of() {
  git log -1 --format=%B "$1" | awk -v RS='' 'NR > 2 { print last "\n" } { last = $0 }'
}

# merge <commit> <subject>: merges a commit into the worktree, never as a fast-forward, so that the first
# parents stay those of this branch. On a conflict it returns 1, sets $conflict to the conflicting files
# and restores the worktree. Any other failure ends the script.
merge() {
  conflict=
  if git -c core.hooksPath=/dev/null -c rerere.enabled=false merge --quiet --no-ff --no-edit \
    --no-gpg-sign -m "$2" "$1" </dev/null; then return; fi
  conflict=$(git diff --name-only --diff-filter=U)
  if [ -z "$conflict" ]; then exit 1; fi
  git merge --abort
  return 1
}

# merge_children: merges every finished child and prints the result of each child. $missing has the keys
# of the children that were not merged. Redirect its output to a file: a pipe would lose $missing.
merge_children() {
  missing=
  while read -r key fate state head _; do
    if [ -z "$key" ]; then continue; fi
    if [ "$fate" = "done" ] && merge "$head" "chore: merge $key"; then
      printf -- '- %s: done. %s\n' "$key" "$(git log -1 --format=%s "$head")"
      continue
    fi
    missing="$missing $key"
    if [ "$fate" = "done" ]; then
      printf -- '- %s: done, but not merged: these files conflict\n' "$key"
      printf '%s\n' "$conflict" | sed 's/^/    /'
    elif [ "$head" = - ]; then
      printf -- '- %s: its branch was deleted\n' "$key"
    else
      printf -- '- %s: %s, at %s. %s\n' "$key" "$fate" "$state" "$(git log -1 --format=%s "$head")"
    fi
  done <<END
$(list_children)
END
}

# --- Commits for the trusted branch.

# squash <commit> <branch>: writes one commit with all changes of the branch on top of $tip, and sets $tip
# to it. Without changes, $tip stays. On a conflict it returns 1 and lists the files in $scratch/why;
# $scratch is a directory of the caller. It uses no worktree, so no hook runs.
squash() {
  if git merge-tree --write-tree --no-messages --name-only "$tip" "$1" >"$scratch/merged" 2>"$scratch/why"; then
    tree=$(sed -n 1p "$scratch/merged")
  else
    code=$?
    # 1 is a conflict. Unrelated histories are reported like one; any other code is a failure of git.
    if [ "$code" -ne 1 ] && ! grep -q 'unrelated histories' "$scratch/why"; then exit "$code"; fi
    sed 1d "$scratch/merged" >>"$scratch/why"
    return 1
  fi
  if [ "$tree" = "$(git rev-parse "$tip^{tree}")" ]; then return 0; fi
  from=$(origin "$1" "$2")
  landing_message "$from" "$1" "$2" >"$scratch/message"
  author=$(git log -1 --format=%an "$from")
  address=$(git log -1 --format=%ae "$from")
  tip=$(
    GIT_AUTHOR_NAME=${author:-$GIT_AUTHOR_NAME} GIT_AUTHOR_EMAIL=${address:-$GIT_AUTHOR_EMAIL} \
      git -c i18n.commitEncoding=UTF-8 commit-tree -p "$tip" -F "$scratch/message" "$tree"
  ) || exit 1
}

# landing_message <origin> <commit> <branch>: prints the message of the request that started the work.
# Trailers of Trailhand are removed; others, such as Refs and Co-authored-by, are kept.
landing_message() {
  block=$(git log -1 --format='%(trailers)' "$1" | grep -c . || :)
  git log -1 --format=%B "$1" | awk -v block="$block" '
    { line[NR] = $0 }
    END {
      last = NR
      while (last > 0 && line[last] ~ /^[ \t\r]*$/) last--
      last -= block
      while (last > 0 && line[last] ~ /^[ \t\r]*$/) last--
      if (last < 1) print "Merge a branch"
      for (n = 1; n <= last; n++) print line[n]
    }'
  echo
  git log -1 --format='%(trailers:only,unfold)' "$1" | grep . | grep -viE "^($HAND_OFF) *:" || :
  printf 'Landed-From: %s\nArchive: %s\n' "$3" "$2"
}
HAND_OFF='state|branch|parent|answers|run|attempt|runner|took|hops|workflow|script|children|joined'
HAND_OFF="$HAND_OFF|cancels|plan|step|rounds|spent|evidence|risk|approved-by|archive|landed-from|owns"
HAND_OFF="$HAND_OFF|budget|approves|priority|not-before|depends-on|assigned-to|cost|tokens|model"
