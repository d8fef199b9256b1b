# shellcheck shell=sh
# What a piece of work and all of its children have cost together.
#
# What must hold: the amounts are those that the runner wrote, never those of a script; the budget is
# the one of a person's trailer, else the one of the workflow.

# usd: the sum of the lines "Spent" on standard input, in USD.
usd() {
  awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^USD,?$/) sum += $(i - 1) } END { print sum + 0 }'
}

# family_usd: of this branch, which has those of the children that a wait has seen settled, and of the
# children that it has not. A commit of a person says nothing of it, so the last one that does counts.
family_usd() {
  {
    git log --first-parent --format="$(field Spent)" "$TRAILHAND_TARGET_COMMIT..$TRAILHAND_COMMIT" |
      sed '/^$/d' | sed -n 1p
    offspring | awk '$4 != "-" && $5 == "new" { print $4 }' | while read -r head; do
      git log -1 --format="$(field Spent)" "$head"
    done
  } | usd
}

# budget_usd: what may be spent. What is written by hand is trusted no further than a number.
budget_usd() {
  {
    trailer Budget | tr ',' '\n' | awk '$2 == "USD" { print $1 }'
    awk '/^[^ #]/ { inside = /^limits:/ } inside && $1 == "cost:" { print $2 }' "${0%/*}/workflow.yml"
  } | awk '/^[0-9]+(\.[0-9]+)?$/' | sed -n 1p
}
