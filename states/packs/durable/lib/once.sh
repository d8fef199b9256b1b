# shellcheck shell=sh
# An effect outside of the repository that happens once, however often its script is run.
#
# What must hold: the key is the id of the request, the same for every attempt and every runner, and
# new for the next request; whoever looks at the key after a crash can tell whether it happened.

# once <command> [<argument>...]: runs the command with IDEMPOTENCY_KEY set. The command must hand the
# key to whatever it talks to, and that must do nothing for a key that it has seen.
once() {
  IDEMPOTENCY_KEY=$TRAILHAND_COMMIT
  export IDEMPOTENCY_KEY
  "$@"
}

# deliver <file>: the effect of the example: a file in OUTBOX, named by the key. Put in its place what
# you have: curl -H "Idempotency-Key: $IDEMPOTENCY_KEY" …, or an INSERT with the key as primary key.
deliver() {
  draft=$OUTBOX/.$IDEMPOTENCY_KEY.$TRAILHAND_RUN
  cp "$1" "$draft"
  # Of two that try, one makes the name; the other one finds it made, which is as good.
  ln "$draft" "$OUTBOX/$IDEMPOTENCY_KEY" 2>/dev/null || [ -f "$OUTBOX/$IDEMPOTENCY_KEY" ]
  rm -f "$draft"
}

# need_outbox: parks with the next command when there is nowhere to deliver to.
need_outbox() {
  case ${OUTBOX:-} in
    /*) if [ -d "$OUTBOX" ]; then return; fi ;;
  esac
  park "$TRAILHAND_STATE: OUTBOX names no folder" <<'END'
Give the runner a folder to deliver to, by its whole path, and go on with: trailhand resume
END
}
