# shellcheck shell=sh
# The cost of a branch and all of its children, and their common budget. Amounts are read from trailers
# of the runner.

# usd: prints the sum of the values of Spent on standard input, in USD.
usd() {
  awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^USD,?$/) sum += $(i - 1) } END { print sum + 0 }'
}

# spent_usd: prints the cost of this branch and its children. The newest Spent of this branch includes the
# children that an earlier wait has joined; the others, marked `new`, are added.
spent_usd() {
  {
    git log --first-parent --format="$(trailer_format Spent)" "$TRAILHAND_TARGET_COMMIT..$TRAILHAND_COMMIT" |
      sed '/^$/d' | sed -n 1p
    list_children | awk '$4 != "-" && $5 == "new" { print $4 }' | while read -r head; do
      git log -1 --format="$(trailer_format Spent)" "$head"
    done
  } | usd
}

# budget_usd: prints the budget: the trailer Budget of a person, or limits.cost of workflow.yml.
budget_usd() {
  {
    trailer Budget | tr ',' '\n' | awk '$2 == "USD" { print $1 }'
    awk '/^[^ #]/ { inside = /^limits:/ } inside && $1 == "cost:" { print $2 }' "${0%/*}/workflow.yml"
  } | awk '/^[0-9]+(\.[0-9]+)?$/' | sed -n 1p
}
