# shellcheck shell=sh
# Makes an external effect happen once, even if its script runs several times.
#
# The key is the id of the request: the same for every attempt and runner, and different for the next
# request. The key shows after a crash whether the effect happened.

# once <command> [<argument>...]: runs the command with IDEMPOTENCY_KEY set. The command must send the key,
# and the receiver must ignore a key that it has already seen.
once() {
  IDEMPOTENCY_KEY=$TRAILHAND_COMMIT
  export IDEMPOTENCY_KEY
  "$@"
}

# deliver <file>: copies the file to OUTBOX, named by the key. Replace this with your service, such as
# curl -H "Idempotency-Key: $IDEMPOTENCY_KEY" …, or an INSERT with the key as primary key.
deliver() {
  draft=$OUTBOX/.$IDEMPOTENCY_KEY.$TRAILHAND_RUN
  cp "$1" "$draft"
  # If two attempts run at once, one creates the name and the other finds it. Both have succeeded.
  ln "$draft" "$OUTBOX/$IDEMPOTENCY_KEY" 2>/dev/null || [ -f "$OUTBOX/$IDEMPOTENCY_KEY" ]
  rm -f "$draft"
}

# need_outbox: parks with the next command if OUTBOX is not a folder.
need_outbox() {
  case ${OUTBOX:-} in
    /*) if [ -d "$OUTBOX" ]; then return; fi ;;
  esac
  park "$TRAILHAND_STATE: OUTBOX is not a folder" <<'END'
Set OUTBOX to the absolute path of an existing folder, and run: trailhand resume
END
}
