# shellcheck shell=sh
# shellcheck disable=SC2154 # conflict is set by trailhand.sh
# How green pieces get in, and how the others are listed.
#
# What must hold: what is in has passed the tests together; a piece that is red, alone or together
# with others, keeps nobody else out, and is listed with the end of its log.

tests_log=$(mktemp)
keys=$(mktemp)
sorry=$(mktemp)
trap 'rm -f "$tests_log" "$keys" "$sorry"' EXIT

# together: true when the tests pass in the worktree. What they leave behind is removed.
together() {
  if "${0%/*}/checks/tests" >"$tests_log" 2>&1 </dev/null; then code=0; else code=$?; fi
  git reset --quiet --hard
  git clean --quiet -ffd
  case $code in
    0 | 1) return "$code" ;;
    *) cat "$tests_log" >&2 && exit "$code" ;;
  esac
}

# undo <commit>: the worktree is again as it was; <commit> is the request, or what was merged on it.
undo() { git reset --quiet --hard "$1"; }

# let_in: merges what is green and neither in nor set aside, all at once, and when they are red
# together one after the other. Adds the keys that do not fit to $aside.
let_in() {
  offspring "done" | while read -r key _ _ head _; do
    case " $aside " in *" $key "*) continue ;; esac
    if ! git merge-base --is-ancestor "$head" HEAD; then printf '%s %s\n' "$key" "$head"; fi
  done >"$keys"
  if ! [ -s "$keys" ]; then return; fi
  before=$(git rev-parse HEAD)
  whole=yes
  while read -r key head; do
    merge "$head" "chore: take in $key" || whole=
  done <"$keys"
  if [ -n "$whole" ] && together; then return; fi
  undo "$before"
  while read -r key head; do
    before=$(git rev-parse HEAD)
    if ! merge "$head" "chore: take in $key"; then
      printf '%s conflicts in:\n%s\n\n' "$key" "$(printf '%s\n' "$conflict" | sed 's/^/    /')" >>"$sorry"
    elif ! together; then
      undo "$before"
      printf '%s is red together with the others:\n\n%s\n\n' "$key" "$(tail -n 15 "$tests_log" | end_of)" >>"$sorry"
    else
      continue
    fi
    aside="$aside $key"
  done <"$keys"
}

# end_of: standard input, indented and not too wide.
end_of() { cut -c 1-200 | sed 's/^/    /'; }

# list_red: a section for each piece that failed, waits for a person, or is gone.
list_red() {
  cat "$sorry"
  offspring failed parked gone "$@" | while read -r key _ state head _; do
    printf '%s (%s):\n\n' "$key" "$state"
    if [ "$head" != - ]; then words_of "$head" | tail -n 15 | end_of; fi
    printf '\n'
  done
}

# count_in: how many pieces are in.
count_in() {
  offspring "done" | while read -r _ _ _ head _; do
    if git merge-base --is-ancestor "$head" HEAD; then echo in; fi
  done | awk 'END { print NR }'
}

# end_swarm: the answer when nobody is waited for any more; $1 names fates that are listed as red too.
end_swarm() {
  all=$(offspring | awk 'END { print NR }')
  in=$(count_in)
  if [ "$in" -eq "$all" ]; then
    answer "done" "$TRAILHAND_STATE: all $all pieces are in" "Aside: -" </dev/null
  else
    list_red "$@" | answer red "$TRAILHAND_STATE: $in of $all pieces are in, the others are red" "Aside: ${aside:--}"
  fi
}

# Pieces that are green alone and do not fit are not tried again at each batch.
aside=$(trailer Aside | tr -cd 'a-z0-9 -')
if [ "$aside" = - ]; then aside=; fi
