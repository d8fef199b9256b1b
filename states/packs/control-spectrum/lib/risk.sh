# shellcheck shell=sh
# The points of risk of a change: its most delicate path, its size, and what it has cost so far.
#
# What must hold: the table is that of the trusted branch; a name is only ever compared by git.

# From these points on a change is a draft, and from those on only a suggestion.
DRAFT=3
SUGGEST=6

# path_points <from> <to> <table>: the points of the most delicate path that changed.
path_points() {
  most=0
  rest=$(mktemp)
  printf ':(top)\n' >"$rest"
  while read -r points globs; do
    case $points in '' | *[!0-9]*) continue ;; esac
    : >"$rest.line"
    # Each glob on a line of its own, so that the shell takes none of them for files.
    printf '%s\n' "$globs" | tr ' ' '\n' | while IFS= read -r glob; do
      if [ -n "$glob" ]; then
        printf ':(top,glob)%s\n' "$glob" >>"$rest.line"
        printf ':(top,exclude,glob)%s\n' "$glob" >>"$rest"
      fi
    done
    if [ "$points" -gt "$most" ] && touches "$1" "$2" "$rest.line"; then most=$points; fi
  done <"$3"
  if [ "$most" -lt 2 ] && touches "$1" "$2" "$rest"; then most=2; fi
  rm -f "$rest" "$rest.line"
  echo "$most"
}

# touches <from> <to> <file of pathspecs>: true when a path changed that they name. The renamed count
# under both of their names.
touches() {
  from=$1 to=$2 list=$3
  set --
  while IFS= read -r spec; do set -- "$@" "$spec"; done <"$list"
  ! git diff --quiet --no-renames --no-ext-diff "$from" "$to" -- "$@"
}

# size_points <lines>, cost_points <Spent>: what more of it adds.
size_points() {
  if [ "$1" -le 20 ]; then echo 0; elif [ "$1" -le 100 ]; then echo 1; elif [ "$1" -le 400 ]; then echo 3; else echo 6; fi
}

# Work that is dear went astray somewhere, and deserves eyes.
cost_points() {
  printf '%s\n' "$1" | awk '
    match($0, /[0-9.]+ USD/) { usd = substr($0, RSTART) + 0 }
    END { print (usd >= 2 ? 3 : usd >= 0.5 ? 1 : 0) }'
}
