# shellcheck shell=sh
# shellcheck disable=SC2154 # room, base and count are set by integrate
# The merge queue's tools: what stands on top of what, its tests, and what each branch is told.
#
# What must hold: the tests of a branch are run without the file in which the queue answers.

# nth <n> <field>: the commit (1) or the branch (2) of an entry of the queue.
nth() { sed -n "$1p" "$room/queue" | cut -d ' ' -f "$2"; }

# integrates <first> <last>: these entries on top of $base, one commit each, pass the checks; the
# last commit is $tip. When they do not, $cause is red or conflict, and $room/why has the details.
integrates() {
  tip=$base
  at=$1
  while [ "$at" -le "$2" ]; do
    if ! squash "$(nth "$at" 1)" "$(nth "$at" 2)"; then
      cause=conflict
      return 1
    fi
    at=$((at + 1))
  done
  if [ "$tip" = "$base" ] || passes; then return 0; fi
  cause=red
  return 1
}

# numbers <from> <to>: one a line.
numbers() { awk -v at="$1" -v to="$2" 'BEGIN { for (; at <= to; at++) print at }'; }

# passes: the checks of the trusted branch say yes to the very commit $tip. The same files are not
# checked twice.
passes() {
  files=$(git rev-parse "$tip^{tree}")
  if [ -e "$room/green-$files" ]; then return 0; fi
  if [ -e "$room/red-$files" ]; then cp "$room/red-$files" "$room/why" && return 1; fi
  git checkout --quiet --force --detach "$tip" || exit 1
  git clean --quiet -ffd || exit 1
  for check in "${0%/*}"/checks/*; do
    # Its words are shown in the log of the run, too.
    code=$(
      unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
      "$check" >"$room/log" 2>&1 </dev/null || echo "$?"
    )
    cat "$room/log"
    case $code in
      '') ;;
      1)
        {
          printf '%s says no. The end of its log:\n\n' "${check##*/}"
          tail -n 40 "$room/log" | tail -c 3000 | sed 's/^/    /'
        } >"$room/red-$files"
        cp "$room/red-$files" "$room/why"
        return 1
        ;;
      *) exit "$code" ;;
    esac
  done
  : >"$room/green-$files"
}

# verdict <n> <state> <subject>: the answer to an entry; its summary is standard input.
verdict() {
  printf '%s\n' "$2" >"$room/state.$1"
  printf '%s\n' "$3" >"$room/subject.$1"
  cat >"$room/summary.$1"
}

# landed <n>, refused <n>: what an entry is told.
landed() {
  if [ "$base" = "$TRAILHAND_TARGET_COMMIT" ]; then
    echo "What it changed is there." | verdict "$1" "done" "integrate: nothing was left to land"
  else
    echo "Tested as it lands: $base" | verdict "$1" "done" "integrate: lands on $TRAILHAND_TARGET"
  fi
}

refused() {
  case $cause in
    conflict)
      verdict "$1" conflict "integrate: conflicts with $TRAILHAND_TARGET" <<END
These files conflict with what is on $TRAILHAND_TARGET, or lands there now ($base):

$(cat "$room/why")

Merge $TRAILHAND_TARGET into the branch, settle them, and ask for integrate again.
END
      ;;
    *)
      verdict "$1" repair "integrate: fails together with $TRAILHAND_TARGET" <<END
On top of $base:

$(cat "$room/why")
END
      ;;
  esac
}

# answers: the JSON list of the answers to every branch but the first.
answers() {
  between='['
  for at in $(numbers 2 "$count"); do
    printf '%s{"branch":%s,"commit":"%s","state":"%s","subject":%s,"summary":%s}' "$between" \
      "$(nth "$at" 2 | json_string)" "$(nth "$at" 1)" "$(cat "$room/state.$at")" \
      "$(json_string <"$room/subject.$at")" "$(json_string <"$room/summary.$at")"
    between=,
  done
  printf ']'
}
