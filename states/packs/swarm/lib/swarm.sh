# shellcheck shell=sh
# shellcheck disable=SC2154 # conflict is set by trailhand.sh
# Merges passing pieces and lists the others.
#
# Invariants:
# - All merged pieces have passed the tests together.
# - A failing piece blocks no other one, and is listed with the end of its log.

tests_log=$(mktemp)
candidates=$(mktemp)
failures=$(mktemp)
trap 'rm -f "$tests_log" "$candidates" "$failures"' EXIT

# tests_pass: runs the tests in the worktree, and removes the files that they wrote.
tests_pass() {
  if "${0%/*}/checks/tests" >"$tests_log" 2>&1 </dev/null; then code=0; else code=$?; fi
  git reset --quiet --hard
  git clean --quiet -ffd
  case $code in
    0 | 1) return "$code" ;;
    *) cat "$tests_log" >&2 && exit "$code" ;;
  esac
}

# reset_to <commit>: resets the worktree to a commit.
reset_to() { git reset --quiet --hard "$1"; }

# merge_passing: merges all passing pieces that are neither merged nor set aside. If they fail together, it
# merges them one by one, and adds the keys of those that fail to $aside.
merge_passing() {
  list_children "done" | while read -r key _ _ head _; do
    case " $aside " in *" $key "*) continue ;; esac
    if ! git merge-base --is-ancestor "$head" HEAD; then printf '%s %s\n' "$key" "$head"; fi
  done >"$candidates"
  if ! [ -s "$candidates" ]; then return; fi
  base=$(git rev-parse HEAD)
  all_merged=yes
  while read -r key head; do
    merge "$head" "chore: merge $key" || all_merged=
  done <"$candidates"
  if [ -n "$all_merged" ] && tests_pass; then return; fi
  reset_to "$base"
  while read -r key head; do
    base=$(git rev-parse HEAD)
    if ! merge "$head" "chore: merge $key"; then
      printf '%s conflicts in:\n%s\n\n' "$key" "$(printf '%s\n' "$conflict" | sed 's/^/    /')" >>"$failures"
    elif ! tests_pass; then
      reset_to "$base"
      printf '%s fails together with the others:\n\n%s\n\n' "$key" "$(tail -n 15 "$tests_log" | indent)" >>"$failures"
    else
      continue
    fi
    aside="$aside $key"
  done <"$candidates"
}

# indent: prints standard input indented, with long lines cut.
indent() { cut -c 1-200 | sed 's/^/    /'; }

# list_failed [<fate>...]: prints a section for each piece that failed, is parked or deleted, or has one of
# these fates.
list_failed() {
  cat "$failures"
  list_children failed parked gone "$@" | while read -r key _ state head _; do
    printf '%s (%s):\n\n' "$key" "$state"
    if [ "$head" != - ]; then body_of "$head" | tail -n 15 | indent; fi
    printf '\n'
  done
}

# count_merged: prints the number of merged pieces.
count_merged() {
  list_children "done" | while read -r _ _ _ head _; do
    if git merge-base --is-ancestor "$head" HEAD; then echo merged; fi
  done | awk 'END { print NR }'
}

# answer_result [<fate>...]: writes the final response. Pieces with these fates are listed as failed too.
answer_result() {
  all=$(list_children | awk 'END { print NR }')
  merged=$(count_merged)
  if [ "$merged" -eq "$all" ]; then
    answer "done" "$TRAILHAND_STATE: all $all pieces are merged" "Aside: -" </dev/null
  else
    list_failed "$@" | answer red "$TRAILHAND_STATE: $merged of $all pieces are merged" "Aside: ${aside:--}"
  fi
}

# Pieces that passed alone and failed together are not tried again.
aside=$(trailer Aside | tr -cd 'a-z0-9 -')
if [ "$aside" = - ]; then aside=; fi
