# shellcheck shell=sh
# The list of features: FEATURES.txt, one line for each, `[ ] key: what` or `[x] key: what`.
#
# What must hold: keys come from the branch, so only those that are plain names count as features.

# keys <mark>: the keys of the features with this mark, in their order. ' ' is open, 'x' passes.
keys() {
  sed -n "s/^\[$1\] \([a-z0-9][a-z0-9-]*\): ..*\$/\1/p" FEATURES.txt
}

# passes <key>: runs the test of one feature, which is not told where answers are written.
passes() (
  unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
  printf '%s:\n' "$1"
  "./features/$1" 2>&1
)

# hand_on: asks for the first open feature, or ends the work when there is none.
hand_on() {
  key=$(keys ' ' | sed -n 1p)
  if [ -n "$key" ]; then
    sed -n "s/^\[ \] $key: /The next feature is $key: /p" FEATURES.txt |
      answer maintain "$TRAILHAND_STATE: $key is next" "Feature: $key" "Round: 1"
  else
    cat FEATURES.txt | answer "done" "$TRAILHAND_STATE: every feature passes" "Feature: none" "Round: 1"
  fi
}
