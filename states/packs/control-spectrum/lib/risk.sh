# shellcheck shell=sh
# Risk points of a change: for its riskiest path, its size, and its cost so far.
#
# Paths are only compared by git, never by the shell.

# A change with this many points is a draft, or a suggestion.
DRAFT=3
SUGGEST=6

# path_points <from> <to> <table>: prints the points of the riskiest changed path.
path_points() {
  most=0
  others=$(mktemp)
  printf ':(top)\n' >"$others"
  while read -r points globs; do
    case $points in '' | *[!0-9]*) continue ;; esac
    : >"$others.line"
    # One glob per line, so that the shell does not expand it.
    printf '%s\n' "$globs" | tr ' ' '\n' | while IFS= read -r glob; do
      if [ -n "$glob" ]; then
        printf ':(top,glob)%s\n' "$glob" >>"$others.line"
        printf ':(top,exclude,glob)%s\n' "$glob" >>"$others"
      fi
    done
    if [ "$points" -gt "$most" ] && touches "$1" "$2" "$others.line"; then most=$points; fi
  done <"$3"
  if [ "$most" -lt 2 ] && touches "$1" "$2" "$others"; then most=2; fi
  rm -f "$others" "$others.line"
  echo "$most"
}

# touches <from> <to> <file of pathspecs>: succeeds when a matching path changed. A renamed file
# counts under both names.
touches() {
  from=$1 to=$2 list=$3
  set --
  while IFS= read -r spec; do set -- "$@" "$spec"; done <"$list"
  ! git diff --quiet --no-renames --no-ext-diff "$from" "$to" -- "$@"
}

# size_points <lines>: prints the points for the size.
size_points() {
  if [ "$1" -le 20 ]; then echo 0; elif [ "$1" -le 100 ]; then echo 1; elif [ "$1" -le 400 ]; then echo 3; else echo 6; fi
}

# cost_points <Spent>: prints the points for the cost; expensive work needs a closer look.
cost_points() {
  printf '%s\n' "$1" | awk '
    match($0, /[0-9.]+ USD/) { usd = substr($0, RSTART) + 0 }
    END { print (usd >= 2 ? 3 : usd >= 0.5 ? 1 : 0) }'
}
