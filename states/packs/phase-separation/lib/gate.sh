# shellcheck shell=sh
# Checks the hand-off file of a phase. The response contains no text of its agent, so the file is all that
# the next phase gets.

# The maximum size of a hand-off file.
LINES=120
BYTES=12000

# gate <phase> <next>: requests <next> if the file of <phase> exists and is short, otherwise <phase> again.
gate() {
  file=handoff/$1.md
  lines=$(git cat-file blob "$TRAILHAND_COMMIT:$file" 2>/dev/null | awk 'END { print NR }')
  bytes=$(git cat-file blob "$TRAILHAND_COMMIT:$file" 2>/dev/null | wc -c | tr -d ' ')
  if [ "$bytes" -gt 1 ] && [ "$lines" -le "$LINES" ] && [ "$bytes" -le "$BYTES" ]; then
    answer "$2" "gate-$1: passed with $lines lines, $2 is next" <<END
The result of the previous phase is $file; read nothing else of that phase. To correct the file, change it
in a commit on this branch: the next phase then starts again.
END
    return
  fi
  answer "$1" "gate-$1: rejected, $1 is next" <<END
$file has $lines lines and $bytes bytes; 1 to $LINES lines and at most $BYTES bytes are allowed. Keep only
what the next phase needs.
END
}
