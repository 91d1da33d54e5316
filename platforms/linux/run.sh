#!/bin/sh
# Starts an image as a process. What is built has the variables IMAGE (its name), IMAGE_FILE, ARCH and PORTS (words of the
# form name=port) in front of this.
set -eu

usage() {
    cat <<EOF
usage: run [OPTION]... [-- ARGUMENT...]

Runs $IMAGE as a process of this machine ($ARCH).

  --memory MiB           limit of the image's heap, instead of what it was built with
  --forward HOST:GUEST   serve the image's port GUEST at 127.0.0.1:HOST; ports of the image that no such option names are
                         served at their own number, those below 1024 at that number plus 8000
  --append SETTINGS      further settings, such as "ip=10.0.2.15/24 gw=10.0.2.2"
  --dry-run              print the command instead of running it
  --help                 print this text

Ports of this image: ${PORTS:-none}
Environment: UNICORE_PORT_BASE; UNICORE_TAP, the interface of an image with the room tap, which forwards no ports
EOF
}

fail() {
    echo "run: $1; see run --help" >&2
    exit 2
}

# Whether the image has a room.
has() {
    grep -q "\"$1\"" "$(dirname "$IMAGE_FILE")/manifest.json" 2>/dev/null
}

# Prints the words of settings, one a line, the last one first; double quotes keep spaces in a word.
words() {
    printf '%s\n' "$1" | grep -o '"[^"]*"\|[^ "][^ ]*' | tr -d '"' | sed '1!G;h;$!d' || true
}

# Whether a TCP port of this machine is in use.
in_use() {
    grep -q "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Prints a port that nothing uses now, from $1 on.
free_port() {
    port=$1
    while in_use "$port"; do port=$((port + 1)); done
    echo "$port"
}

# Prints the host's port that --forward chose for one of the image's, if any.
forwarded() {
    for forward in $forwards; do
        if [ "${forward#*:}" = "$1" ]; then echo "${forward%%:*}"; fi
    done
}

# Adds the ports of the image that --forward did not name to $forwards.
forward_the_rest() {
    base=${UNICORE_PORT_BASE:-}
    next=${base:-0}
    if [ "$base" = 0 ]; then next=$((20000 + $$ % 20000)); fi
    for entry in $PORTS; do
        guest=${entry#*=}
        if [ -n "$(forwarded "$guest")" ]; then continue; fi
        case $base in
        '') if [ "$guest" -lt 1024 ]; then host=$((guest + 8000)); else host=$guest; fi ;;
        0) host=$(free_port "$next") next=$((host + 1)) ;;
        *) host=$next next=$((next + 1)) ;;
        esac
        forwards="$forwards $host:$guest"
    done
}

memory='' forwards='' dry_run='' append=''
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --dry-run) dry_run=1; shift ;;
    --memory | --forward | --append)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --memory) memory=$2 ;;
        --forward) forwards="$forwards $2" ;;
        --append) append="$append $2" ;;
        esac
        shift 2
        ;;
    --) shift; break ;;
    *) fail "unknown option $1" ;;
    esac
done
case $memory in *[!0-9]*) fail "--memory takes a number of MiB" ;; esac
for forward in $forwards; do
    case $forward in
    *[!0-9:]* | *:*:* | :* | *:) fail "--forward takes HOST:GUEST, two numbers" ;;
    *:*) ;;
    *) fail "--forward takes HOST:GUEST, two numbers" ;;
    esac
done

# Settings go in front of the application's arguments, the appended ones last of them: the last of a name counts.
set -- -- "$@"
while IFS= read -r word; do
    if [ -n "$word" ]; then set -- "$word" "$@"; fi
done <<EOF
$(words "$append")
EOF
if has tap; then
    if [ -n "${UNICORE_TAP:-}" ]; then set -- "tap=$UNICORE_TAP" "$@"; fi
else
    forward_the_rest
    for forward in $forwards; do set -- "forward=$forward" "$@"; done
fi
if [ -n "$memory" ]; then set -- "memory=$memory" "$@"; fi

if [ -n "$dry_run" ]; then
    printf "'%s' " "$IMAGE_FILE" "$@"
    echo
    exit 0
fi

if ! has tap; then
    for entry in $PORTS; do
        for host in $(forwarded "${entry#*=}"); do echo "${entry%%=*}://127.0.0.1:$host/"; done
    done
fi
exec "$IMAGE_FILE" "$@"
