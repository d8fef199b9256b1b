# shellcheck shell=sh
# shellcheck disable=SC2154 # scratch, base and count are set by integrate
# Functions of the merge queue: squash a batch, test it, and write the response of each branch. The tests
# cannot see where the queue writes its response.

# nth <n> <field>: prints the commit (field 1) or the branch (field 2) of an entry of the queue.
nth() { sed -n "$1p" "$scratch/queue" | cut -d ' ' -f "$2"; }

# batch_passes <first> <last>: squashes these entries onto $base, one commit each, and tests the last
# commit, $tip. On failure $cause is tests or conflict, and $scratch/why has the details.
batch_passes() {
  tip=$base
  at=$1
  while [ "$at" -le "$2" ]; do
    if ! squash "$(nth "$at" 1)" "$(nth "$at" 2)"; then
      cause=conflict
      return 1
    fi
    at=$((at + 1))
  done
  if [ "$tip" = "$base" ] || checks_pass; then return 0; fi
  cause=tests
  return 1
}

# numbers <from> <to>: prints the numbers, one per line.
numbers() { awk -v at="$1" -v to="$2" 'BEGIN { for (; at <= to; at++) print at }'; }

# checks_pass: runs the checks of the trusted branch on $tip. Identical files are not checked twice.
checks_pass() {
  files=$(git rev-parse "$tip^{tree}")
  if [ -e "$scratch/passed-$files" ]; then return 0; fi
  if [ -e "$scratch/failed-$files" ]; then cp "$scratch/failed-$files" "$scratch/why" && return 1; fi
  git checkout --quiet --force --detach "$tip" || exit 1
  git clean --quiet -ffd || exit 1
  for check in "${0%/*}"/checks/*; do
    # The output is also part of the log of the run.
    code=$(
      unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
      "$check" >"$scratch/log" 2>&1 </dev/null || echo "$?"
    )
    cat "$scratch/log"
    case $code in
      '') ;;
      1)
        {
          printf '%s failed. The end of its log:\n\n' "${check##*/}"
          tail -n 40 "$scratch/log" | tail -c 3000 | sed 's/^/    /'
        } >"$scratch/failed-$files"
        cp "$scratch/failed-$files" "$scratch/why"
        return 1
        ;;
      *) exit "$code" ;;
    esac
  done
  : >"$scratch/passed-$files"
}

# record_answer <n> <state> <subject>: records the response of an entry; its summary is standard input.
record_answer() {
  printf '%s\n' "$2" >"$scratch/state.$1"
  printf '%s\n' "$3" >"$scratch/subject.$1"
  cat >"$scratch/summary.$1"
}

# answer_merged <n>: records that an entry was merged.
answer_merged() {
  if [ "$base" = "$TRAILHAND_TARGET_COMMIT" ]; then
    echo "The trusted branch already has these changes." | record_answer "$1" "done" "integrate: nothing to merge"
  else
    echo "Tested and merged: $base" | record_answer "$1" "done" "integrate: merged into $TRAILHAND_TARGET"
  fi
}

# answer_rejected <n>: records why an entry was not merged.
answer_rejected() {
  case $cause in
    conflict)
      record_answer "$1" conflict "integrate: conflicts with $TRAILHAND_TARGET" <<END
These files conflict with $TRAILHAND_TARGET and the rest of the batch ($base):

$(cat "$scratch/why")

Merge $TRAILHAND_TARGET into the branch, resolve the conflicts, and request integrate again.
END
      ;;
    *)
      record_answer "$1" repair "integrate: the tests fail on top of $TRAILHAND_TARGET" <<END
Tested on top of $base:

$(cat "$scratch/why")
END
      ;;
  esac
}

# member_answers: prints the responses of all branches but the first as a JSON list.
member_answers() {
  separator='['
  for at in $(numbers 2 "$count"); do
    printf '%s{"branch":%s,"commit":"%s","state":"%s","subject":%s,"summary":%s}' "$separator" \
      "$(nth "$at" 2 | json_string)" "$(nth "$at" 1)" "$(cat "$scratch/state.$at")" \
      "$(json_string <"$scratch/subject.$at")" "$(json_string <"$scratch/summary.$at")"
    separator=,
  done
  printf ']'
}
