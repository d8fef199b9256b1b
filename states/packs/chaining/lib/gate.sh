# shellcheck shell=sh
# Checks the result of a step. The next step receives only the output of the check.

# gate <step> <next>: runs gates/<step>. Its exit code decides: 0 requests <next>, 1 requests <step> again,
# 2 parks for a person, any other code fails the attempt.
gate() {
  if report=$("${0%/*}/gates/$1" 2>&1); then code=0; else code=$?; fi
  restore "$TRAILHAND_COMMIT"
  case $code in
    0) printf '%s\n' "$report" | answer "$2" "gate-$1: passed, $2 is next" ;;
    1) printf '%s\n' "$report" | answer "$1" "gate-$1: rejected, $1 is next" ;;
    2)
      park "gate-$1: a person must answer" <<END
$report

Answer in a commit on this branch: correct the file, or write the answer into the message. End the
message with the line "State: $1".
END
      ;;
    *)
      printf '%s\n' "$report"
      exit "$code"
      ;;
  esac
}

# questions <file>: exits with 2 when the file contains a question for a person.
questions() {
  if grep '^QUESTION: ' "$1" 2>/dev/null; then exit 2; fi
}
