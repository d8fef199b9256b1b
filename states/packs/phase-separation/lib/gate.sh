# shellcheck shell=sh
# What stands between two phases.
#
# What must hold: the next phase hears nothing of the one before but its hand-off, so the answer here
# has no word of its agent; a hand-off that is too long to be one is asked for again.

# The most lines and bytes of a hand-off.
LINES=120
BYTES=12000

# gate <phase> <next>: <next> follows when the hand-off of <phase> is there and short.
gate() {
  file=handoff/$1.md
  lines=$(git cat-file blob "$TRAILHAND_COMMIT:$file" 2>/dev/null | awk 'END { print NR }')
  bytes=$(git cat-file blob "$TRAILHAND_COMMIT:$file" 2>/dev/null | wc -c | tr -d ' ')
  if [ "$bytes" -gt 1 ] && [ "$lines" -le "$LINES" ] && [ "$bytes" -le "$BYTES" ]; then
    answer "$2" "gate-$1: $lines lines are handed on, $2 is next" <<END
Everything that there is to know of the phase before is $file, and nothing else of it is to be read.
To correct it, change the file in a commit of your own: the phase after it begins anew.
END
    return
  fi
  answer "$1" "gate-$1: this is no hand-off, $1 is next" <<END
$file has $lines lines and $bytes bytes; 1 to $LINES lines and at most $BYTES bytes are wanted. Keep
what the next phase cannot do without.
END
}
