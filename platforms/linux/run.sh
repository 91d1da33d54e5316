# Starts an image as a process of this machine. The packer puts the values of the image and what every platform has in
# common in front (crates/pack/src/run.sh).

# Prints the words of settings, one a line, the last one first; double quotes keep spaces in a word.
words() {
    printf '%s\n' "$1" | grep -o '"[^"]*"\|[^ "][^ ]*' | tr -d '"' | sed '1!G;h;$!d' || true
}

# Settings go in front of the application's arguments, the appended ones last of them: the last of a name counts.
set -- -- "$@"
while IFS= read -r word; do
    if [ -n "$word" ]; then set -- "$word" "$@"; fi
done <<EOF
$(words "$append")
EOF
if wants network; then
    if [ -n "${UNICORE_TAP:-}" ]; then set -- "tap=$UNICORE_TAP" "$@"; fi
else
    forward_the_rest
    for forward in $forwards; do set -- "forward=$forward" "$@"; done
fi
# The first of them comes last, and counts.
while IFS= read -r disk; do
    if [ -n "$disk" ]; then set -- "disk=$disk" "$@"; fi
done <<EOF
$disks
EOF
if [ -n "$initrd" ]; then set -- "initrd=$initrd" "$@"; fi
if [ -n "$memory" ]; then set -- "memory=$memory" "$@"; fi

print_if_dry "$IMAGE_FILE" "$@"
if ! wants network; then announce; fi
exec "$IMAGE_FILE" "$@"
