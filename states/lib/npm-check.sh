# shellcheck shell=sh
# Runs this repository's own checks in the current directory.

# npm_check <log>: runs `npm run check`, writes its output to <log>, and returns its exit code.
npm_check() {
  if ! [ -d node_modules ] && ! npm ci --prefer-offline --no-audit --no-fund >"$1" 2>&1; then
    # npm prints the error first, and its usage afterwards.
    sed -n 1,20p "$1"
    exit 1
  fi
  if npm run check >"$1" 2>&1; then code=0; else code=$?; fi
  cat "$1"
  # npm itself could not be started, so nothing is known about the branch.
  if [ "$code" -ge 126 ]; then exit "$code"; fi
  return "$code"
}

# log_tail <log>: prints the end of a log as a summary.
log_tail() {
  printf 'The end of the log:\n\n'
  tail -n 40 "$1" | sed 's/^/    /'
}
