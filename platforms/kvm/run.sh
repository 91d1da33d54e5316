#!/bin/sh
# Starts an image in a virtual machine of QEMU. What is built has the variables IMAGE (its name), IMAGE_FILE, ARCH, QEMU and
# PORTS (words of the form name=port) in front of this.
set -eu

# What each way out looks like: isa-debug-exit has QEMU end with twice the image's status plus one, of which 8 bits are kept.
LAST_STATUS=126
PANIC_STATUS=134

usage() {
    cat <<EOF
usage: run [OPTION]... [-- ARGUMENT...]

Runs $IMAGE in a virtual machine of $QEMU.

  --memory MiB           memory of the machine; 64 without it
  --forward HOST:GUEST   serve the image's port GUEST at 127.0.0.1:HOST; ports of the image that no such option names are
                         served at their own number, those below 1024 at that number plus 8000
  --append SETTINGS      further settings, such as "ip=10.0.2.15/24 gw=10.0.2.2"
  --dry-run              print the command instead of running it
  --help                 print this text

Ports of this image: ${PORTS:-none}
Environment: UNICORE_ACCEL (tcg, kvm, auto), UNICORE_PORT_BASE, UNICORE_TAP, UNICORE_MACHINE (q35, pc, microvm)
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

# Whether a guest runs at speed with KVM: a firmware of one loop of 200 million rounds, which takes a tenth of a second,
# ends with 33. KVM without hardware under it takes far longer.
kvm_at_speed() {
    [ -w /dev/kvm ] || return 1
    firmware=$(mktemp)
    # mov ecx, 200000000; 1: dec ecx; jnz 1b; mov al, 16; out 0xf4, al; hlt
    { head -c 65520 /dev/zero; printf '\146\271\000\302\353\013\146\111\165\374\260\020\346\364\364\220'; } >"$firmware"
    ended=0
    timeout 2 "$QEMU" -accel kvm -M pc -cpu host -m 4 -nodefaults -no-reboot -display none -bios "$firmware" \
        -device isa-debug-exit,iobase=0xf4,iosize=4 >/dev/null 2>&1 </dev/null || ended=$?
    rm -f "$firmware"
    [ "$ended" = 33 ]
}

# Prints what executes the machine where the user leaves it open: found out once, then remembered.
choose_accelerator() {
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/unicore
    if [ -r "$cache/accel" ]; then
        cat "$cache/accel"
        return
    fi
    if kvm_at_speed; then found=kvm; else found=tcg; fi
    if mkdir -p "$cache" 2>/dev/null; then echo "$found" >"$cache/accel" 2>/dev/null || true; fi
    echo "$found"
}

memory=64 forwards='' dry_run='' append=''
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
case $memory in '' | *[!0-9]*) fail "--memory takes a number of MiB" ;; esac
for forward in $forwards; do
    case $forward in
    *[!0-9:]* | *:*:* | :* | *:) fail "--forward takes HOST:GUEST, two numbers" ;;
    *:*) ;;
    *) fail "--forward takes HOST:GUEST, two numbers" ;;
    esac
done

# Words of the application stay words: the image takes double quotes around spaces.
arguments=''
for argument in "$@"; do
    case $argument in
    *\"*) fail "an argument with a double quote cannot be passed" ;;
    '' | *[[:space:]]*) arguments="$arguments \"$argument\"" ;;
    *) arguments="$arguments $argument" ;;
    esac
done

case ${UNICORE_ACCEL:-auto} in
auto) accelerator=$(choose_accelerator) ;;
tcg | kvm) accelerator=$UNICORE_ACCEL ;;
*) fail "UNICORE_ACCEL is tcg, kvm or auto" ;;
esac
case $accelerator in kvm) processor=host ;; *) processor=max ;; esac
machine=${UNICORE_MACHINE:-q35}

# Devices of microvm are in register windows, filled from the last, of which there are eight without ACPI. QEMU tells
# images that it loads by Multiboot of none.
case $machine in
microvm) bus=device machine=microvm,acpi=off ;;
*) bus=pci ;;
esac
window=7
tell_window() {
    if [ "$bus" = device ]; then
        settings="$settings virtio_mmio.device=512@0xfeb00$(printf %x $((window * 2)))00:$((window + 5))"
        window=$((window - 1))
    fi
}

set -- -M "$machine" -accel "$accelerator" -cpu "$processor" -smp 1 -m "$memory" -nodefaults -no-reboot -display none \
    -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4
settings=''
if has virtio-net; then
    if [ -n "${UNICORE_TAP:-}" ]; then
        netdev="tap,id=net0,ifname=$UNICORE_TAP,script=no,downscript=no"
    else
        forward_the_rest
        settings='ip=10.0.2.15/24 gw=10.0.2.2'
        netdev=user,id=net0
        for forward in $forwards; do
            netdev="$netdev,hostfwd=tcp:127.0.0.1:${forward%%:*}-10.0.2.15:${forward#*:}"
        done
    fi
    card=virtio-net-$bus,netdev=net0
    if [ "$bus" = pci ]; then card=$card,romfile=; fi
    set -- "$@" -netdev "$netdev" -device "$card"
    tell_window
fi
if has virtio-rng; then
    set -- "$@" -device "virtio-rng-$bus"
    tell_window
fi

settings="$settings$append"
if [ -n "$arguments" ]; then settings="$settings --$arguments"; fi
set -- "$QEMU" "$@" -kernel "$IMAGE_FILE" -append "${settings# }"

if [ -n "$dry_run" ]; then
    printf "'%s' " "$@"
    echo
    exit 0
fi

for entry in $PORTS; do
    for host in $(forwarded "${entry#*=}"); do echo "${entry%%=*}://127.0.0.1:$host/"; done
done

# QEMU ends with 1 both for the image's status 0 and when it can't start; what it says tells which.
words=$(mktemp)
"$@" <&0 2>"$words" &
machine_process=$!
trap 'kill "$machine_process" 2>/dev/null; rm -f "$words"; exit 143' HUP INT TERM
ended=0
wait "$machine_process" || ended=$?
cat "$words" >&2
failed=$(grep -v -e 'warning:' -e 'terminating on signal' "$words" || true)
rm -f "$words"

if [ $((ended % 2)) = 0 ]; then exit "$ended"; fi
if [ "$ended" = 1 ] && [ -n "$failed" ]; then exit 1; fi
status=$((ended / 2))
if [ "$status" -gt "$LAST_STATUS" ]; then status=$PANIC_STATUS; fi
exit "$status"
