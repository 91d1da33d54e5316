# Starts an image as a domain of Xen: on this machine where it is a Xen host, or on the test host that UNICORE_TEST_HOST
# names. The packer puts the values of the image and what every platform has in common in front (crates/pack/src/run.sh).

# Shutdown reasons of Xen (public/sched.h), and where those begin that an image makes of its own exit status.
POWEROFF=0 REBOOT=1 CRASH=3 FIRST_STATUS=128

# What this ends with where the domain was not created, and after a panic.
NOT_CREATED=125 PANICKED=134

# The longest command line of a domain of type pv, without the zero at its end (MAX_GUEST_CMDLINE in public/xen.h).
LONGEST_PV_COMMAND_LINE=1023

# --- the configuration, in the form of xl.cfg(5) ---

# Prints a text as one of the configuration's.
text() {
    printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}

# Prints a setting that is a text.
setting() {
    printf '%s = %s\n' "$1" "$(text "$2")"
}

# Prints the disks of a configuration; $1 is a command that prints where the domain's host has a file.
disks_setting() {
    letters='a b c d e f g h i j k l m n o p'
    # A disk's own place stands last in its words.
    echo 'disk = ['
    printf %s "$disks" | while IFS= read -r disk; do
        letter=${letters%% *} letters=${letters#* }
        if writable "$disk"; then access=rw; else access=ro; fi
        printf '    %s,\n' "$(text "format=raw,vdev=xvd$letter,access=$access,target=$("$1" "$disk")")"
    done
    echo ']'
}

# Prints the configuration with a command line; $2 as in disks_setting.
configuration() {
    cat <<EOF
# $IMAGE as a domain of Xen: xl create -c $CONFIG. The manual xl.cfg(5) has what else can stand here.
name = $(text "$IMAGE")
# pvh or pv: the image starts as both.
type = "$type"
kernel = $(text "$IMAGE_FILE")
memory = $memory
vcpus = 1
EOF
    if [ -n "$initrd" ]; then setting ramdisk "$(readlink -f "$initrd")"; fi
    if [ -n "$1" ]; then
        setting extra "$1"
    else
        echo '# Settings of the image and, behind two dashes, arguments of the application.'
        echo '# extra = "log=debug -- --an-argument"'
    fi
    if [ -n "$network" ]; then
        echo '# Without a mac=00:16:3e:XX:XX:XX the hardware address is another one each time.'
        printf 'vif = [ %s ]\n' "$(text "bridge=$bridge")"
    fi
    if [ -n "$disks" ]; then
        disks_setting "$2"
    elif wants disk; then
        echo '# A disk of the image: a file or a block device of the host.'
        echo '# disk = [ "format=raw,vdev=xvda,access=rw,target=/path/of/a/disk" ]'
    fi
    cat <<EOF
on_poweroff = "destroy"
on_reboot = "restart"
# After a panic; "preserve" keeps the domain to be looked at.
on_crash = "destroy"
EOF
}

# --- a Xen host ---

# Prints where this machine has a file.
here() {
    printf %s "$1"
}

# Whether domains can be created here.
is_xen_host() {
    xl info >/dev/null 2>&1
}

# The addresses of the domain's ports, as far as settings tell the domain's own.
announce_own_address() {
    own=''
    for setting in $append; do
        case $setting in
        ip=dhcp | ip=*:*) ;;
        ip=*) own=${setting#ip=} own=${own%%/*} ;;
        esac
    done
    if [ -z "$own" ] || [ -z "$network" ]; then return; fi
    for entry in $PORTS; do echo "${entry%%=*}://$own:${entry#*=}/"; done
}

# Prints the exit status that a reason of shutdown stands for.
status_of() {
    case $1 in
    "$POWEROFF" | "$REBOOT") echo 0 ;;
    "$CRASH") echo $PANICKED ;;
    *) if [ "${1:-0}" -gt $FIRST_STATUS ]; then echo $(($1 - FIRST_STATUS)); else echo $NOT_CREATED; fi ;;
    esac
}

# Creates the domain, shows its console and ends as it does. xl waits for that and tells the reason.
run_here() {
    if [ -n "$forwards" ]; then fail "on a Xen host a domain is reached at its own address, there is nothing to --forward"; fi
    # Domains of one image can run beside each other. One that reboots has ended as an image does.
    domain=$IMAGE-$$
    set -- xl create -F -c /dev/null "$(configuration "$line" here)
name = \"$domain\"
on_reboot = \"destroy\""
    print_if_dry "$@"
    announce_own_address

    words=$(mktemp)
    # The shell gives what it starts in the background nothing to read: the console's input goes by another number.
    exec 3<&0
    # shellcheck disable=SC2046 # words
    $(bound) "$@" <&3 2>"$words" &
    machine=$!
    wait_for_end_of "$machine"
    cat "$words" >&2
    reason=$(sed -n 's/.*has shut down, reason code \([0-9]*\).*/\1/p' "$words")
    rm -f "$words"
    if [ -n "$abandoned" ]; then exit "$asked"; fi
    exit "$(status_of "$reason")"
}

ask() {
    xl shutdown "$domain" >/dev/null
}

abandon() {
    xl destroy "$domain" 2>/dev/null || true
    kill "$machine" 2>/dev/null || true
}

# --- a test host ---

# The name by which a test host has a disk, and where it has it.
disk_name() {
    printf 'disk%s' "$(printf %s "$1" | cksum | cut -d ' ' -f 1)"
}

disk_place() {
    printf '/disks/%s' "$(disk_name "$1")"
}

# Becomes the test host, which brings along what the configuration names beside disks, and ends as the domain does.
run_on_test_host() {
    set -- "$UNICORE_TEST_HOST/bin/test-host" run --quiet
    if [ -n "$HEEDS_WISHES" ]; then set -- "$@" --ask; fi
    if [ -n "$network" ]; then
        forward_the_rest
        for forward in $forwards; do set -- "$@" --forward "$forward"; done
        line="ip=10.0.2.16/24 gw=10.0.2.2${line:+ $line}"
    fi
    while IFS= read -r disk; do
        if [ -z "$disk" ]; then continue; fi
        if writable "$disk"; then access=''; else access=,ro; fi
        set -- "$@" --disk "$(disk_name "$disk")=$disk$access"
    done <<EOF
$disks
EOF
    if [ "$action" = dry-run ]; then configuration "$line" disk_place; fi
    print_if_dry "$@" "$CONFIG"
    announce
    # The configuration is a file without a name, so that nothing is left of it whatever happens.
    file=$(mktemp)
    configuration "$line" disk_place >"$file"
    exec 9<"$file"
    rm "$file"
    exec "$@" /proc/self/fd/9
}

# Where Debian has xl, which is not on everybody's path.
PATH=$PATH:/usr/sbin
type=${UNICORE_XEN_TYPE:-pvh}
case $type in pvh | pv) ;; *) fail "UNICORE_XEN_TYPE is pvh or pv" ;; esac
if [ -n "${UNICORE_TAP:-}" ]; then fail "a domain is on a bridge, not on a TAP interface: UNICORE_BRIDGE names one"; fi
bridge=${UNICORE_BRIDGE:-xenbr0} network=''
if wants network && [ "${UNICORE_NET:-}" != none ]; then network=yes; fi

line=$(command_line "$append" "$@")
case $line in *"
"*) fail "a line break cannot be passed" ;; esac
if [ "$type" = pv ] && [ ${#line} -gt $LONGEST_PV_COMMAND_LINE ]; then
    fail "settings and arguments are longer than the $LONGEST_PV_COMMAND_LINE bytes that a domain of type pv gets"
fi

case $action in
config) configuration "$line" here; exit 0 ;;
check-host) if is_xen_host; then exit 0; else exit 1; fi ;;
esac
if [ -n "${UNICORE_TEST_HOST:-}" ]; then
    run_on_test_host
elif [ "$action" = dry-run ] || is_xen_host; then
    run_here
else
    fail "this machine is no Xen host: start the image by ./unicore run, which makes a test host, or set UNICORE_TEST_HOST to one"
fi
