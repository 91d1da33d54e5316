# What `run` does first on every platform: understands its options, and has the words in which the platform's own run.sh,
# which follows, goes on. It leaves $memory, $forwards, $append, $initrd, $disks, $action and, as "$@", the application's
# arguments.

usage() {
    cat <<EOF
usage: run [OPTION]... [-- ARGUMENT...]

Runs $IMAGE on $PLATFORM ($SUMMARY).

  --memory MiB           memory of the image${MEMORY:+, instead of $MEMORY}
  --forward HOST:GUEST   serve the image's port GUEST at 127.0.0.1:HOST; ports of the image that no such option names are
                         served at their own number, those below 1024 at that number plus 8000
  --append SETTINGS      further settings, such as "ip=10.0.2.15/24 gw=10.0.2.2"
  --initrd FILE          root image, instead of the one that is packed into the image
  --disk FILE            a disk of the machine; as many as there are of the option
  --dry-run              print the command instead of running it
  --config               print ${CONFIG:-nothing: there is no configuration on this platform}
  --check-host           end with 0 where this machine can start the image, with 1 where that takes a test host
  --help                 print this text

Ports of this image: ${PORTS:-none}
Environment: UNICORE_PORT_BASE, UNICORE_TAP, UNICORE_TEST_HOST and, in a virtual machine, UNICORE_ACCEL (tcg, kvm, auto), UNICORE_MACHINE
and UNICORE_NET (none: no network card)
EOF
}

fail() {
    echo "run: $1; see run --help" >&2
    exit 2
}

# Whether the image has a room.
has() {
    case " $ROOMS " in *" $1 "*) ;; *) return 1 ;; esac
}

# Whether the image has use for a device: disk, entropy or network.
wants() {
    case " $DEVICES " in *" $1 "*) ;; *) return 1 ;; esac
}

# Whether a file is for writing: its mode has to say so, which root is not held to.
writable() {
    [ -w "$1" ] && [ -n "$(find -L "$1" -prune -perm -200)" ]
}

# Whether a port of this machine is in use, of TCP or UDP.
in_use() {
    set -- "$1" /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
    grep -q "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") " "$2" "$3" "$4" "$5" 2>/dev/null
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

# Prints the address of each port of the image that is forwarded.
announce() {
    for entry in $PORTS; do
        for host in $(forwarded "${entry#*=}"); do echo "${entry%%=*}://127.0.0.1:$host/"; done
    done
}

# Prints its arguments as words of the shell.
quoted() {
    for word in "$@"; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done
    echo
}

# Prints what a machine is started by, so that it is killed where this is, and hears of no interrupt at the terminal: what this
# machine has of that.
bound() {
    if setpriv --pdeathsig KILL true 2>/dev/null; then printf 'setpriv --pdeathsig KILL '; fi
    if env --block-signal=INT true 2>/dev/null; then printf 'env --block-signal=INT'; fi
}

# Waits for the end of process $1, and leaves its status in $ended. The first SIGTERM or SIGINT has `ask`, the platform's
# command, tell an image that heeds wishes to end. The second one, SIGHUP, and the first where nobody can be asked have the
# platform's `abandon` end the process, and set $abandoned. $asked is empty, or what shells make of the signal.
wait_for_end_of() {
    asked='' abandoned='' interrupted='' ended=0
    trap 'heed 143' TERM
    trap 'heed 130' INT
    trap 'asked=129; heed 129' HUP
    wait "$1" || ended=$?
    while [ -n "$interrupted" ]; do
        interrupted='' status=0
        wait "$1" || status=$?
        # There is nothing to wait for where the process ended just before: then its status is known.
        if [ "$status" != 127 ] || [ "$ended" = "$asked" ]; then ended=$status; fi
    done
    trap - HUP INT TERM
}

heed() {
    interrupted=yes
    if [ -n "$asked" ] || [ -z "$HEEDS_WISHES" ] || ! ask; then
        abandoned=yes
        abandon
    fi
    asked=$1
}

# Ends here with the command of "$@" printed, where that was asked for.
print_if_dry() {
    if [ "$action" = dry-run ]; then
        quoted "$@"
        exit 0
    fi
}

# Prints settings and the application's arguments as the one line that a machine is given; the image takes double quotes
# around spaces, so that words stay words.
command_line() {
    line=$1
    shift
    if [ $# -gt 0 ]; then line="$line --"; fi
    for argument in "$@"; do
        case $argument in
        *\"*) fail "an argument with a double quote cannot be passed" ;;
        '' | *[[:space:]]*) line="$line \"$argument\"" ;;
        *) line="$line $argument" ;;
        esac
    done
    printf %s "${line# }"
}

# Adds a disk to $disks, a line each. Machines are started from anywhere, so that the path is made a whole one.
add_disk() {
    wants disk || fail "this image has no use for a disk"
    if [ -d "$1" ] || ! [ -r "$1" ]; then fail "--disk takes a file that can be read, and $1 is none"; fi
    disks="$disks$(readlink -f "$1")
"
}

memory=$MEMORY forwards='' action=start append='' initrd='' disks=''
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --dry-run | --config | --check-host) action=${1#--}; shift ;;
    --memory | --forward | --append | --initrd | --disk)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --memory) memory=$2 ;;
        --forward) forwards="$forwards $2" ;;
        --append) append="$append $2" ;;
        --initrd) initrd=$2 ;;
        --disk) add_disk "$2" ;;
        esac
        shift 2
        ;;
    --) shift; break ;;
    *) fail "unknown option $1" ;;
    esac
done
case $action in
config) [ -n "$CONFIG" ] || fail "there is no configuration on $PLATFORM" ;;
check-host) [ -n "$TEST_HOST" ] || exit 0 ;;
esac
case $memory in *[!0-9]*) fail "--memory takes a number of MiB" ;; esac
if [ -n "$initrd" ] && ! [ -r "$initrd" ]; then fail "--initrd takes a file, and $initrd is none"; fi
for forward in $forwards; do
    case $forward in
    *[!0-9:]* | *:*:* | :* | *:) fail "--forward takes HOST:GUEST, two numbers" ;;
    *:*) ;;
    *) fail "--forward takes HOST:GUEST, two numbers" ;;
    esac
done
