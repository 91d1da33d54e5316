#!/bin/sh
# Has Xen with a small dom0 in QEMU, and runs domains there: README.md of platforms/xen/test-host.
set -eu

LIB=@lib@
PACK=@pack@
PAGING=@paging@
QEMU=${QEMU:-qemu-system-x86_64}

# What it ends with when dom0 or the domain did not start, and when time ran out (as env and timeout do).
NOT_STARTED=125 TIMED_OUT=124

# Where a domain is, unless --forward says otherwise.
ADDRESS=10.0.2.16

# In MiB: what Xen takes for itself, what dom0 does without the files that it gets, and what a machine has that was saved.
MEMORY_OF_XEN=128 MEMORY_OF_DOM0=256
SAVED_DOM0=512 SAVED_DOMAINS=1024

# What has a program killed when its parent is, and hear of no interrupt at the terminal, where the machine has that.
TIED=
if command -v setpriv >/dev/null; then TIED='setpriv --pdeathsig KILL'; fi
if env --block-signal=INT true 2>/dev/null; then TIED="$TIED env --block-signal=INT"; fi

usage() {
    cat <<'USAGE'
usage: test-host run [OPTION]... CONFIG      run the domain of an xl configuration, and end as it does
       test-host serve --control SOCKET [OPTION]...
                                             do in dom0 what is asked for at a Unix socket
       test-host shell [OPTION]...           a shell in dom0
       test-host save FILE                   boot, and save the machine that the others go on from

  --forward HOST:[ADDRESS:]PORT   port PORT of the domain at ADDRESS (10.0.2.16) is reached at 127.0.0.1:HOST
  --file NAME=PATH                brings a file to dom0, as /files/NAME, or as NAME where that begins with a slash
  --disk NAME=PATH[,ro]           attaches a raw image to dom0, as the block device /disks/NAME
  --memory MiB                    memory of dom0, at least (256, and twice what the files take)
  --domains MiB                   memory for domains, at least (what CONFIG says for run, else 512)
  --ask                           SIGTERM and SIGINT ask the domain to end, as xl shutdown does; the second ends all
  --timeout SECONDS               end with status 124 when it takes longer
  --log FILE                      write there what Xen and dom0 say
  --quiet                         nothing on standard error but what went wrong
  --boot                          boot, where a saved machine would do

Environment: QEMU, UNICORE_ACCEL (tcg; kvm where that can be nested)
USAGE
}

complain() {
    echo "test-host: $*" >&2
}

remark() {
    if [ -z "$quiet" ]; then complain "$@"; fi
}

fail() {
    complain "$1; see test-host --help"
    exit 2
}

# --- what is asked for ---

is_number() {
    case $1 in '' | *[!0-9]*) return 1 ;; esac
}

# HOST:[ADDRESS:]PORT as QEMU's user network takes it.
add_forward() {
    host=${1%%:*} guest=${1#*:}
    case $guest in *:*) ;; *) guest=$ADDRESS:$guest ;; esac
    if ! is_number "$host" || ! is_number "${guest##*:}"; then fail "--forward takes HOST:[ADDRESS:]PORT, and not $1"; fi
    for protocol in tcp udp; do
        forwards="$forwards,hostfwd=$protocol:127.0.0.1:$host-${guest%:*}:${guest##*:}"
    done
}

# Lays a file into the archive that dom0 gets.
add_file() {
    name=${1%%=*} path=${1#*=}
    if ! [ -r "$path" ]; then fail "--file takes NAME=PATH, and $path cannot be read"; fi
    case $name in
    /*) place=$work/tree$name ;;
    *) place=$work/tree/files/$name ;;
    esac
    mkdir -p "${place%/*}"
    cp "$path" "$place"
}

# Words of QEMU's command for a disk; its serial number, of 20 characters at most, tells dom0 its name.
add_disk() {
    name=${1%%=*} path=${1#*=} read_only=
    case $path in *,ro) path=${path%,ro} read_only=,read-only=on ;; esac
    case $name$path in *[[:space:],]*) fail "--disk takes no spaces and commas, and there are some in $1" ;; esac
    if ! [ -r "$path" ] || [ ${#name} -gt 20 ]; then fail "--disk takes NAME=PATH, NAME of 20 characters, and not $1"; fi
    disks="$disks -drive if=none,format=raw,id=disk-$name,file=$path$read_only"
    disks="$disks -device virtio-blk-pci,drive=disk-$name,serial=$name"
}

# What a setting of the configuration is that is a text.
setting() {
    sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*[\"']\([^\"']*\)[\"'].*/\1/p" "$config" | tail -n 1
}

# A file that the configuration names and --file did not bring comes along when it is here.
add_file_of() {
    path=$(setting "$1")
    if [ -z "$path" ] || ! [ -r "$path" ] || [ -e "$work/tree$path" ] || [ -e "$work/tree/files/$path" ]; then return; fi
    add_file "$path=$path"
}

read_config() {
    [ -r "$config" ] || fail "run takes a configuration of xl, and $config cannot be read"
    add_file_of kernel
    add_file_of ramdisk
    : "${domains:=$(sed -n 's/^[[:space:]]*memory[[:space:]]*=[[:space:]]*\([0-9]*\).*/\1/p' "$config" | tail -n 1)}"
    mkdir -p "$work/tree/job"
    cp "$config" "$work/tree/job/config"
}

# --- the machine ---

# Prints how much the files in a directory take. Those that are brought to dom0 are in its memory, and in half of it at most.
size_in_mib() {
    echo $(($(du -sk "$1" | cut -f 1) / 1024))
}

# What dom0 has to do, with the files for it, as an archive on a disk. Whole sectors of it are what QEMU shows.
write_job() {
    mkdir -p "$work/tree/job" "$work/tree/files"
    printf 'mode=%s\nnow=%s\n' "$mode" "$(date +%s)" >"$work/tree/job/settings"
    : "${memory:=$((MEMORY_OF_DOM0 + 2 * $(size_in_mib "$work/tree")))}"
    "$PACK" tree "$work/tree" --out "$work/job"
    truncate -s %512 "$work/job"
}

# Opens what QEMU reads and writes, and leaves no names of it that would stay when this is killed: 3 is dom0's job, 4 what
# dom0 reports, 5 the log, 6 what QEMU reads, 7 standard input, which a shell closes for what it starts in the background, 8
# wishes that the domain ends.
open_files() {
    : >>"$work/job"
    : "${log:=$work/log}"
    : >"$work/report"
    : >"$log"
    mkfifo "$work/input" "$work/wishes"
    exec 3<"$work/job" 4<>"$work/report" 5<>"$log" 6<>"$work/input" 7<&0 8<>"$work/wishes"
    rm -rf "$work"
}

# Becomes a command that lasts no longer than it may, and is killed when this script is.
become() {
    # shellcheck disable=SC2086 # words
    if [ -n "$timeout" ]; then
        exec $TIED timeout --foreground --signal KILL "$timeout" $TIED "$@"
    else
        exec $TIED "$@"
    fi
}

# Passes standard input on. QEMU does not have it itself: at its end QEMU would take the port of the domain's console for
# closed, and drop what the domain says.
feed() {
    # shellcheck disable=SC2086 # words
    exec $TIED cat <&7 >&6
}

# Nested paging as QEMU emulates it does not start every 64-bit PVH domain, so that Xen has to use shadow paging where it is
# built with it; without rdrand, xl waits seconds for entropy.
processor() {
    if [ "$1" = kvm ]; then echo host; else echo "qemu64,+svm,$PAGING,+rdrand,+rdseed"; fi
}

# Whether the machine that was saved does: made by the same QEMU, and with as much memory as is wanted.
saved_machine_serves() {
    [ -e "$LIB/saved" ] && [ -z "$boot" ] && [ "$accelerator" = tcg ] &&
        [ "$memory" -le $SAVED_DOM0 ] && [ "${domains:-0}" -le $SAVED_DOMAINS ] &&
        [ "$("$QEMU" --version)" = "$(cat "$LIB/saved.version")" ]
}

# Starts the machine with its job; "$@" is what becomes of its serial line and of the ports of dom0. One that was saved has
# the same devices, and finds those that it has beside them when it goes on: the job, and disks.
start_machine() {
    if saved_machine_serves; then
        memory=$SAVED_DOM0 domains=$SAVED_DOMAINS
        set -- "$@" -incoming "exec:cat '$LIB/saved'"
    fi
    # shellcheck disable=SC2086 # words
    boot_machine "$@" -drive if=none,format=raw,id=job,file=/proc/self/fd/3,read-only=on \
        -device virtio-blk-pci,drive=job,serial=job,addr=0x4 $disks
}

# Starts a machine in the background with the devices that every one has, and others. "$@" says what is behind these: `log`
# of the serial line, and of dom0's ports `console`, `control` and `wishes`.
boot_machine() {
    xen="console=com1 com1=115200,8n1 dom0_mem=${memory}M,max:${memory}M dom0_max_vcpus=1 loglvl=warning guest_loglvl=all"
    xen="$xen no-real-mode edd=off watchdog=0 cpuidle=off cpufreq=none spec-ctrl=no xpti=no bootscrub=off"
    # Nothing is protected from dom0's own kernel, and DMA needs little room.
    linux="console=hvc0 quiet loglevel=4 mitigations=off random.trust_cpu=on cryptomgr.notests no_timer_check rodata=off"
    linux="$linux swiotlb=2048"
    become "$QEMU" -M pc -accel "$accelerator" -cpu "$(processor "$accelerator")" -smp 1 \
        -m $((memory + ${domains:-512} + MEMORY_OF_XEN)) -nodefaults -no-reboot -display none \
        -kernel "$LIB/xen" -append "$xen" -initrd "$LIB/vmlinux $linux,$LIB/initrd" \
        -serial chardev:log -device virtio-serial-pci,addr=0x2 -device virtserialport,nr=1,chardev=console \
        -device virtserialport,nr=2,chardev=control -device virtserialport,nr=3,chardev=wishes \
        -netdev "user,id=net,dhcpstart=$ADDRESS$forwards" -device virtio-net-pci,netdev=net,romfile=,addr=0x3 "$@" <&6 &
    machine=$!
}

# Ends with $1, and everything with it.
abandon() {
    # shellcheck disable=SC2086 # words
    kill $machine $feeder 2>/dev/null || true
    exit "$1"
}

# Has dom0 ask the domain to end; abandons it where that is not wanted, or was done before. $1 is what this ends with then.
heed() {
    if [ -n "$asked" ] || [ -z "$ask" ]; then abandon "$1"; fi
    asked=$1
    echo shutdown >&8
}

# Waits for the end of the machine, and sets $ended to its status.
wait_for_machine() {
    asked=''
    trap 'abandon 129' HUP
    trap 'heed 130' INT
    trap 'heed 143' TERM
    ended=0
    wait "$machine" || ended=$?
    # A signal interrupts that, once at most.
    if [ -n "$asked" ]; then
        ended=0
        wait "$machine" || ended=$?
    fi
    trap - HUP INT TERM
}

# --- what came of it ---

# The last of what Xen and dom0 said.
show_log() {
    tail -n 20 <&5 | tr -d '\r' | sed 's/^/  /' >&2
}

# Tells what dom0 reported, and ends as that says.
conclude() {
    reached='dom0 did not come up'
    while read -r word rest; do
        case $word in
        ready) reached='xl did not create the domain' ;;
        created) reached='the domain was still running' ;;
        error) complain "$rest" ;;
        remark) remark "$rest" ;;
        # In the form that an image has for it.
        backtrace) printf 'backtrace:\n  %s\n' "$rest" >&2 ;;
        status) exit "$rest" ;;
        esac
    done <&4
    # 137: timeout has killed it.
    if [ -n "$timeout" ] && [ "$ended" = 137 ]; then
        complain "timed out after $timeout s: $reached"
        if [ "$reached" = 'dom0 did not come up' ]; then show_log; fi
        exit $TIMED_OUT
    fi
    complain "$reached, and the machine ended with status $ended"
    show_log
    exit $NOT_STARTED
}

case ${1:---help} in
run | serve | shell | save) mode=$1 ;;
--help) usage; exit 0 ;;
*) fail "there is no $1" ;;
esac
shift

config='' control='' forwards='' disks='' memory='' ask='' domains='' timeout='' log='' quiet='' boot='' saved='' feeder=''
accelerator=${UNICORE_ACCEL:-tcg}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --quiet) quiet=1; shift ;;
    --ask) ask=1; shift ;;
    --boot) boot=1; shift ;;
    --forward | --file | --disk | --memory | --domains | --timeout | --log | --control)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --forward) add_forward "$2" ;;
        --file) add_file "$2" ;;
        --disk) add_disk "$2" ;;
        --memory) memory=$2 ;;
        --domains) domains=$2 ;;
        --timeout) timeout=$2 ;;
        --log) log=$2 ;;
        --control) control=$2 ;;
        esac
        shift 2
        ;;
    -*) fail "unknown option $1" ;;
    *)
        case $mode$config$saved in
        run) config=$1 ;;
        save) saved=$1 ;;
        *) fail "$1 is one argument too many" ;;
        esac
        shift
        ;;
    esac
done
is_number "${memory:-0}" || fail "--memory takes a number of MiB"
is_number "${domains:-0}" || fail "--domains takes a number of MiB"

case $mode in
run)
    read_config
    write_job
    open_files
    feed &
    feeder=$!
    start_machine -chardev file,id=log,path=/proc/self/fd/5 -chardev stdio,id=console \
        -chardev file,id=control,path=/proc/self/fd/4 -chardev pipe,id=wishes,path=/proc/self/fd/8
    wait_for_machine
    kill "$feeder" 2>/dev/null || true
    conclude
    ;;
serve)
    [ -n "$control" ] || fail "serve needs --control SOCKET"
    write_job
    open_files
    start_machine -chardev file,id=log,path=/proc/self/fd/5 -chardev null,id=console \
        -chardev "socket,id=control,path=$control,server=on,wait=off" -chardev null,id=wishes
    wait_for_machine
    exit "$ended"
    ;;
shell)
    write_job
    open_files
    # QEMU has the terminal itself.
    exec 6<&0
    start_machine -chardev stdio,id=log,signal=off -chardev null,id=console -chardev null,id=control \
        -chardev null,id=wishes
    wait_for_machine
    exit "$ended"
    ;;
save)
    [ -n "$saved" ] || fail "save needs a FILE"
    open_files
    memory=$SAVED_DOM0 domains=$SAVED_DOMAINS
    # QEMU's own commands are what it reads.
    boot_machine -monitor chardev:monitor -chardev stdio,id=monitor,signal=off -chardev file,id=log,path=/proc/self/fd/5 \
        -chardev null,id=console -chardev file,id=control,path=/proc/self/fd/4 -chardev null,id=wishes >/dev/null
    until read -r _ <&4; do
        if ! kill -0 "$machine" 2>/dev/null; then conclude; fi
        sleep 0.1
    done
    printf 'migrate "exec:cat >%s"\nquit\n' "$saved" >&6
    wait_for_machine
    "$QEMU" --version >"$saved.version"
    [ -s "$saved" ]
    exit "$ended"
    ;;
esac
