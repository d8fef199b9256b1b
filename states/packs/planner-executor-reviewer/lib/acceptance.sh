# shellcheck shell=sh
# What acceptance.md says, read from the commit that was asked about.

# list_below <heading>: the entries of the list below "## <heading>".
list_below() {
  git cat-file blob "$TRAILHAND_COMMIT:acceptance.md" 2>/dev/null | tr -d '\r`' | awk -v heading="## $1" '
    /^#/ { here = ($0 == heading) }
    here && /^[-*] +[^ ]/ { sub(/^[-*] +/, ""); sub(/ +$/, ""); print }'
}
