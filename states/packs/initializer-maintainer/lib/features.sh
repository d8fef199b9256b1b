# shellcheck shell=sh
# Reads FEATURES.txt: one line `[ ] key: text` or `[x] key: text` for each feature. The branch is not
# trusted, so only keys that are plain names count.

# keys <mark>: prints the keys of the features with this mark, in order: ' ' is open, 'x' passes.
keys() {
  sed -n "s/^\[$1\] \([a-z0-9][a-z0-9-]*\): ..*\$/\1/p" FEATURES.txt
}

# test_passes <key>: runs the test of a feature. The test cannot see where responses are written.
test_passes() (
  unset TRAILHAND_OUTPUT TRAILHAND_REQUEST
  printf '%s:\n' "$1"
  "./features/$1" 2>&1
)

# request_next: requests the first open feature, or ends the work if there is none.
request_next() {
  key=$(keys ' ' | sed -n 1p)
  if [ -n "$key" ]; then
    sed -n "s/^\[ \] $key: /The next feature is $key: /p" FEATURES.txt |
      answer maintain "$TRAILHAND_STATE: $key is next" "Feature: $key" "Round: 1"
  else
    cat FEATURES.txt | answer "done" "$TRAILHAND_STATE: every feature passes" "Feature: none" "Round: 1"
  fi
}
