# Starts an image in a virtual machine of QEMU. The packer puts the values of the image and what every platform has in
# common in front (crates/pack/src/run.sh).

# What each way out looks like: isa-debug-exit has QEMU end with twice the image's status plus one, of which 8 bits are kept.
LAST_STATUS=126
PANIC_STATUS=134

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

appended=$(command_line "$append" "$@")

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
if wants network && [ "${UNICORE_NET:-user}" != none ]; then
    if [ -n "${UNICORE_TAP:-}" ]; then
        netdev="tap,id=net0,ifname=$UNICORE_TAP,script=no,downscript=no"
    else
        forward_the_rest
        settings='ip=10.0.2.15/24 gw=10.0.2.2'
        netdev=user,id=net0
        for forward in $forwards; do
            for protocol in tcp udp; do
                netdev="$netdev,hostfwd=$protocol:127.0.0.1:${forward%%:*}-10.0.2.15:${forward#*:}"
            done
        done
    fi
    card=virtio-net-$bus,netdev=net0
    if [ "$bus" = pci ]; then card=$card,romfile=; fi
    set -- "$@" -netdev "$netdev" -device "$card"
    tell_window
fi
# A file that cannot be written makes a disk that cannot be.
disk_number=0
while IFS= read -r disk; do
    if [ -z "$disk" ]; then continue; fi
    drive=if=none,id=disk$disk_number,format=raw,file=$(printf %s "$disk" | sed 's/,/,,/g')
    if ! writable "$disk"; then drive=$drive,read-only=on; fi
    set -- "$@" -drive "$drive" -device "virtio-blk-$bus,drive=disk$disk_number"
    tell_window
    disk_number=$((disk_number + 1))
done <<EOF
$disks
EOF
if wants entropy; then
    set -- "$@" -device "virtio-rng-$bus"
    tell_window
fi

if [ -n "$initrd" ]; then set -- "$@" -initrd "$initrd"; fi
settings="$settings${appended:+ $appended}"
set -- "$QEMU" "$@" -kernel "$IMAGE_FILE" -append "${settings# }"

print_if_dry "$@"
announce

# QEMU ends with 1 both for the image's status 0 and when it can't start; what it says tells which.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
words=$work/words
# The power button is pressed by QEMU's monitor, which has nothing to tell.
mkfifo "$work/monitor.in"
ln -s /dev/null "$work/monitor.out"
exec 4<>"$work/monitor.in"
if [ -n "$HEEDS_WISHES" ]; then
    set -- "$@" -chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor
fi

# microvm has no power button.
ask() {
    [ "$bus" = pci ] && echo system_powerdown >&4
}

abandon() {
    kill "$machine_process" 2>/dev/null || true
}

# The shell gives what it starts in the background nothing to read: the machine's input goes by another number.
exec 3<&0
# shellcheck disable=SC2046 # words
$(bound) "$@" <&3 2>"$words" &
machine_process=$!
wait_for_end_of "$machine_process"
cat "$words" >&2
failed=$(grep -v -e 'warning:' -e 'terminating on signal' "$words" || true)

if [ -n "$abandoned" ]; then exit "$asked"; fi
# The image turned the machine off, as it was asked to, with a status that cannot be told: that of a program which the signal
# has ended.
if [ "$ended" = 0 ] && [ -n "$asked" ]; then exit "$asked"; fi
if [ $((ended % 2)) = 0 ]; then exit "$ended"; fi
if [ "$ended" = 1 ] && [ -n "$failed" ]; then exit 1; fi
status=$((ended / 2))
if [ "$status" -gt "$LAST_STATUS" ]; then status=$PANIC_STATUS; fi
exit "$status"
