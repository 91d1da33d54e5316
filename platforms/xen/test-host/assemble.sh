# assemble.sh DOM0 OUT: from the packages $debs makes the hypervisor and dom0's kernel in OUT, and dom0's root in ./dom0.
# DOM0 has the files of dom0 that are our own.
#
# It runs programs of the packages themselves where a bare machine has none (xz, zstd), and installs nothing.
set -eu
own=$1 out=$2

# Where the libraries of this architecture are.
triplet=x86_64-linux-gnu

# Prints the one file that a pattern stands for.
the() {
    if [ $# -ne 1 ] || ! [ -e "$1" ]; then
        echo "assemble: expected one file, and there is: $*" >&2
        exit 1
    fi
    echo "$1"
}

unpack() {
    mkdir packages kernel
    for deb in $debs; do
        case $deb in
        *-linux-image-*) dpkg-deb --extract "$deb" kernel ;;
        *) dpkg-deb --extract "$deb" packages ;;
        esac
    done
}

# Runs a program of the packages with their libraries.
unpacked() {
    program=$1
    shift
    "$loader" --library-path "$libraries" "packages/usr/bin/$program" "$@"
}

# Number of four bytes, least first, at offset $2 of file $1.
word_at() {
    od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

# The kernel inside a bzImage (Linux Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, payload_offset at 0x248 from
# where the setup ends, payload_length), decompressed: to do it under emulation takes many seconds. The last four bytes
# are its length.
decompressed_kernel() {
    sectors=$(od -An -tu1 -j 497 -N 1 "$1" | tr -d ' ')
    start=$(((sectors + 1) * 512 + $(word_at "$1" 584)))
    length=$(($(word_at "$1" 588) - 4))
    tail -c +$((start + 1)) "$1" | head -c "$length" >payload
    case $(od -An -tx1 -N 4 payload | tr -d ' ') in
    fd377a58) unpacked xz -dc <payload ;;
    28b52ffd) unpacked zstd -dc <payload ;;
    1f8b*) gzip -dc <payload ;;
    *) echo "assemble: the kernel is compressed in a way that is not known here" >&2; exit 1 ;;
    esac
}

# Copies programs into dom0, and the libraries that they need.
programs() {
    to=$1
    shift
    mkdir -p "$to"
    for program in "$@"; do
        cp -P "$program" "$to/"
        if [ -L "$program" ]; then continue; fi
        "$loader" --library-path "$libraries" --list "$program" |
            sed -n 's/.* => \(packages[^ ]*\) .*/\1/p' |
            while read -r library; do cp -Lu "$library" "dom0/usr/lib/$triplet/"; done
    done
}

# Puts a kernel module into dom0 behind those that it depends on; $1 is its name, $2 the list for its load order. One that
# is not there is built in.
module() {
    name=$(echo "$1" | tr - _)
    if grep -qsx "$name.ko" dom0/lib/modules/*; then return; fi
    file=$(find kernel -name "$name.ko*" -o -name "$(echo "$name" | tr _ -).ko*" | head -n 1)
    if [ -z "$file" ]; then return; fi
    case $file in
    *.xz) unpacked xz -dc <"$file" >module.ko ;;
    *.zst) unpacked zstd -dc <"$file" >module.ko ;;
    *) cp "$file" module.ko ;;
    esac
    mkdir -p dom0/lib/modules
    mv module.ko "dom0/lib/modules/$name.ko"
    # `depends=` of the module's information, a text in it that ends with a zero.
    for needed in $(tr '\0' '\n' <"dom0/lib/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
        module "$needed" "$2"
    done
    # Names are of one shell, so that the call above has changed them.
    echo "$(echo "$1" | tr - _).ko" >>"dom0/lib/modules/$2"
}

modules() {
    list=$1
    shift
    for wanted in "$@"; do module "$wanted" "$list"; done
}

unpack
loader=$(the packages/lib/$triplet/ld-linux-x86-64.so.2 2>/dev/null || the packages/usr/lib/$triplet/ld-linux-x86-64.so.2)
libraries=packages/lib/$triplet:packages/usr/lib/$triplet

gzip -dc "$(the packages/boot/xen-*-amd64.gz)" >"$out/xen"
# Later packages leave shadow paging out; then only nested paging is left for PVH domains.
if grep -qx CONFIG_SHADOW_PAGING=y packages/boot/xen-*.config; then echo -npt; else echo +npt; fi >"$out/paging"
decompressed_kernel "$(the kernel/boot/vmlinuz-*)" >"$out/vmlinux"

cp -r "$own" dom0
chmod -R u+w dom0
chmod +x dom0/init dom0/etc/xen/scripts/*
(cd dom0 && mkdir -p bin dev etc files lib lib64 proc run/xen run/xenstored sys tmp "usr/lib/$triplet" \
    var/lib/xen var/lib/xenstored var/lock var/log/xen/console)
ln -s ../run dom0/var/run
cp packages/*bin/busybox dom0/bin/ 2>/dev/null || cp packages/usr/bin/busybox dom0/bin/
cp -L "$loader" dom0/lib64/
echo "/usr/lib/$triplet" >dom0/etc/ld.so.conf

# libxl starts programs by the place where Debian has them.
tools=$(the packages/usr/lib/xen-[0-9]*/bin)
programs "dom0/${tools#packages/}" "$tools/xl" "$tools/xenstored" "$tools/xenconsoled" "$tools/xenconsole" \
    "$tools/xen-init-dom0" "$tools/readnotes" "$tools/lsevtchn" "$tools/xenctx"
programs dom0/usr/bin packages/usr/bin/xenstore*
# glibc opens this one when a thread ends.
cp -L "packages/lib/$triplet/libgcc_s.so.1" "dom0/usr/lib/$triplet/" 2>/dev/null ||
    cp -L "packages/usr/lib/$triplet/libgcc_s.so.1" "dom0/usr/lib/$triplet/"
ln -s "$(basename "${tools%/bin}")" dom0/usr/lib/xen

modules base xen-evtchn xen-gntdev xen-privcmd xenfs virtio_pci virtio_console
modules network xen-netback bridge virtio_net
modules disk xen-blkback virtio_blk loop
