# Builds musl from its unpacked source, which is the working directory, for images and for native programs of one
# architecture (./README.md of the room tells what $out holds).
#
#   build.sh HERE CC ARCH OUT
set -eu
here=$1 gcc=$2 arch=$3 out=$4

machine=$("$gcc" -dumpmachine)
case $machine in
"$arch"-*) ;;
*)
    echo "musl: cc of this machine makes programs for $machine, and the image is for $arch: build on a machine of that kind" >&2
    exit 1
    ;;
esac

# What ends up in an image: at fixed addresses, each function for the linker to keep or drop, with frames for backtraces.
# Lines are for backtraces, and in no image itself. A large frame touches each page of its stack, so that none steps over the guard page.
flags="-fno-pie -fno-pic -ffunction-sections -fdata-sections -fno-omit-frame-pointer -fno-stack-protector \
-fstack-clash-protection -g1 -fno-asynchronous-unwind-tables -fno-unwind-tables -fcf-protection=none"

# `-I` puts our syscall_arch.h before the one of the architecture.
./configure --target="$arch" --disable-shared --prefix="$out" --libdir="$out/native" \
    CC="$gcc -I$here" AR=ar RANLIB=ranlib CFLAGS="-O2 $flags -ffile-prefix-map=$PWD=/musl" >/dev/null
# Everything is one archive: what makes system calls by itself is told apart below.
make -j "${NIX_BUILD_CORES:-2}" >/dev/null
make install-headers install-libs >/dev/null

# An archive for images, with calls in place of what traps: not by the names of the objects, of which two are clone.o.
mkdir "$out/image" door
for trapping in process/vfork signal/restore thread/__set_thread_area thread/__unmapself thread/clone thread/syscall_cp; do
    object=obj/src/${trapping%/*}/$arch/${trapping##*/}.o
    mv "$object" "$object.native"
done
find obj/src -name '*.o' | LC_ALL=C sort | xargs ar qc "$out/image/libc.a"
for source in "$here"/image/*.c "$here/image/$arch"/*.c; do
    "$gcc" -O2 $flags "-ffile-prefix-map=$here=/musl" -Wall -Werror -nostdinc -isystem "$out/include" -c "$source" -o "door/image-$(basename "$source" .c).o"
done
ar rs "$out/image/libc.a" door/image-*.o
if objdump -d "$out/image/libc.a" | grep -E '[[:space:]](syscall|svc)([[:space:]]|$)' >&2; then
    echo "musl: an object for images traps" >&2
    exit 1
fi
# What the compiler calls where the processor has no instruction.
cp "$("$gcc" -print-libgcc-file-name)" "$out/image/libgcc.a"
cp "$here/program.ld" "$out/image/program.ld"

# The native one gets the door that traps.
"$gcc" -c "$here/native/$arch.s" -o door/native-syscall.o
ar rs "$out/native/libc.a" door/native-syscall.o

# For programs before they are linked with one or the other: nothing of the library.
mkdir "$out/relocatable"
for library in c crypt dl m pthread resolv rt util xnet; do
    ar rc "$out/relocatable/lib$library.a"
done

# Programs in Rust are linked with a library to unwind the stack.
"$gcc" -O2 $flags -nostdinc -isystem "$out/include" -c "$here/unwind.c" -o door/unwind.o
ar rc "$out/relocatable/libunwind.a" door/unwind.o

mkdir -p "$out/bin"
sed -e "s|@out@|$out|g" -e "s|@gcc@|$gcc|g" -e "s|@headers@|$("$gcc" -print-file-name=include)|" -e "s|@flags@|$flags|g" "$here/cc.sh" >"$out/bin/cc"
chmod +x "$out/bin/cc"
ln -s cc "$out/bin/gcc"
ln -s cc "$out/bin/$arch-linux-musl-gcc"

# The headers that musl leaves to the system, as the compiler finds them on its own: those of Linux itself, and BSD's lists,
# which are macros alone.
of_system() {
    echo "#include <$1>" | "$gcc" -E - | sed -n "s|^# 1 \"\(.*/$1\)\".*|\1|p" | head -n 1
}
mkdir -p "$out/system/sys"
for directory in asm asm-generic linux; do
    header=$(of_system "$directory/types.h")
    cp -rL "${header%/types.h}" "$out/system/$directory"
done
cp -L "$(of_system sys/queue.h)" "$out/system/sys/queue.h"

# What crates of cargo call for C++. It is not in bin/: a script that looks for a compiler there finds none, and does without.
mkdir "$out/libexec"
cat >"$out/libexec/c++" <<'EOF'
#!/bin/sh
echo "c++: an image has no C++ library: leave out the feature of the crate that is written in it" >&2
exit 1
EOF
chmod +x "$out/libexec/c++"
