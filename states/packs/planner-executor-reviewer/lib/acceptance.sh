# shellcheck shell=sh
# Reads acceptance.md of the request.

# list_below <heading>: prints the entries of the list below "## <heading>".
list_below() {
  git cat-file blob "$TRAILHAND_COMMIT:acceptance.md" 2>/dev/null | tr -d '\r`' | awk -v heading="## $1" '
    /^#/ { here = ($0 == heading) }
    here && /^[-*] +[^ ]/ { sub(/^[-*] +/, ""); sub(/ +$/, ""); print }'
}
