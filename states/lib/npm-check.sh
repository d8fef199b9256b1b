# shellcheck shell=sh
# Runs this repository's own checks in the current directory.

# npm_check <log>: writes what was printed to <log>, and ends with the code of the checks.
npm_check() {
  if ! [ -d node_modules ] && ! npm ci --prefer-offline --no-audit --no-fund >"$1" 2>&1; then
    # npm says what is wrong first, and then how it is used.
    sed -n 1,20p "$1"
    exit 1
  fi
  if npm run check >"$1" 2>&1; then code=0; else code=$?; fi
  cat "$1"
  # npm itself could not be started: that says nothing about the branch.
  if [ "$code" -ge 126 ]; then exit "$code"; fi
  return "$code"
}

# last_words <log>: the end of a log as a summary.
last_words() {
  printf 'The end of the log:\n\n'
  tail -n 40 "$1" | sed 's/^/    /'
}
