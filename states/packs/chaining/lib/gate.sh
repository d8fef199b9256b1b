# shellcheck shell=sh
# The gate behind a step of the chain.
#
# What must hold: a gate is arithmetic, not opinion; what it says is all that the next step hears.

# gate <step> <next>: runs gates/<step>, in a folder with the files as they were handed in. Its exit
# code: 0 on to <next>, 1 back to <step>, 2 to a person, another one: it could not be judged.
gate() {
  if report=$("${0%/*}/gates/$1" 2>&1); then code=0; else code=$?; fi
  restore "$TRAILHAND_COMMIT"
  case $code in
    0) printf '%s\n' "$report" | answer "$2" "gate-$1: passed, $2 is next" ;;
    1) printf '%s\n' "$report" | answer "$1" "gate-$1: not yet, $1 is next" ;;
    2)
      park "gate-$1: a person is asked" <<END
$report

Answer in a commit of your own that corrects the file, or says more, with "State: $1".
END
      ;;
    *)
      printf '%s\n' "$report"
      exit "$code"
      ;;
  esac
}

# questions <file>: leaves with 2 when the file asks a person something.
questions() {
  if grep '^QUESTION: ' "$1" 2>/dev/null; then exit 2; fi
}
