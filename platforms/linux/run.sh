# Starts an image as a process. What is built has the variables IMAGE (its name), IMAGE_FILE, ARCH and PORTS (words of
# the form name=port) in front of this.
set -eu

usage() {
    cat <<EOF
usage: run [OPTION]... [-- ARGUMENT...]

Runs $IMAGE as a process on this machine ($ARCH).

  --memory MIB           limit of the image's heap
  --forward HOST:GUEST   serve the image's port GUEST at 127.0.0.1:HOST; without this option each port of the image is
                         served at its own number, those below 1024 at that number plus 8000
  --append SETTINGS      further settings, such as "ip=10.0.2.15/24 gw=10.0.2.2"
  --dry-run              print the command instead of running it
  --help                 print this text

An image with its own network stack (tap) takes the interface from UNICORE_TAP and its address from the setting ip=.
EOF
}

fail() {
    echo "run: $1; see run --help" >&2
    exit 2
}

# Prints the words of settings, one a line; double quotes keep spaces in a word.
words() {
    printf '%s\n' "$1" | grep -o '"[^"]*"\|[^ "][^ ]*' | tr -d '"' || true
}

# Prints the host's port for one of the image's where none was chosen.
default_port() {
    if [ "$1" -lt 1024 ]; then echo $(($1 + 8000)); else echo "$1"; fi
}

# Prints the host's port that --forward chose for one of the image's, if any.
forwarded() {
    for forward in $forwards; do
        if [ "${forward#*:}" = "$1" ]; then echo "${forward%%:*}"; fi
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

tap=${UNICORE_TAP:-}
if [ -z "$tap" ]; then
    for port in $PORTS; do
        guest=${port#*=}
        if [ -z "$(forwarded "$guest")" ]; then forwards="$forwards $(default_port "$guest"):$guest"; fi
    done
fi

# The settings go in front of the application's arguments, those of the image first: the last of a name counts.
set -- -- "$@"
if [ -n "$tap" ]; then set -- "tap=$tap" "$@"; fi
for forward in $forwards; do set -- "forward=$forward" "$@"; done
if [ -n "$memory" ]; then set -- "memory=$memory" "$@"; fi
while IFS= read -r word; do
    if [ -n "$word" ]; then set -- "$word" "$@"; fi
done <<EOF
$(words "$append" | sed '1!G;h;$!d')
EOF

if [ -n "$dry_run" ]; then
    printf "'%s' " "$IMAGE_FILE" "$@"
    echo
    exit 0
fi

if [ -z "$tap" ]; then
    for port in $PORTS; do
        for host in $(forwarded "${port#*=}"); do echo "${port%%=*}://127.0.0.1:$host/"; done
    done
fi
exec "$IMAGE_FILE" "$@"
