#!/bin/sh
# The C compiler for programs of images. It compiles as the machine's own does, with musl's headers. When it links, the
# program is first put together without the C library, as an object that an image can be linked with; that object and
# musl make a static program of this machine, which carries the object in its section .unicore.object. So what `configure`
# builds can be run, and an executable can be renamed and installed without losing what the image needs.
#
# Environment:
#   UNICORE_LIBRARIES   directories with include/ and lib/ of what the program is built with, separated by colons
#   UNICORE_SOURCE      directory of the source, and what it is called in backtraces: DIRECTORY=NAME
#   UNICORE_CFLAGS      options of the compiler that come last, and so win over those of the program's own build
set -eu

musl=@out@
gcc=@gcc@
flags="@flags@"

fail() {
    echo "cc: $*" >&2
    exit 1
}

# What these arguments make: `compile` for anything but a program. No file, no program: `cc --version`.
purpose() {
    made=compile
    for argument; do
        case $argument in
        -c | -S | -E | -M | -MM | -fsyntax-only) echo compile; return ;;
        -shared) fail "an image has no shared libraries: build this one static" ;;
        -?*) ;;
        *) made=program ;;
        esac
    done
    echo "$made"
}

# Prints the file that is written.
output() {
    name=a.out
    while [ $# -gt 0 ]; do
        case $1 in
        -o) shift; name=$1 ;;
        -o*) name=${1#-o} ;;
        esac
        shift
    done
    echo "$name"
}

# The options of all that is compiled or linked with libraries.
search=
includes=
IFS=:
for directory in ${UNICORE_LIBRARIES:-}; do
    includes="$includes -I$directory/include"
    search="$search -L$directory/lib"
done
unset IFS
# The compiler's own headers come after musl's, and those of the system after these.
compile="$flags ${UNICORE_SOURCE:+-ffile-prefix-map=$UNICORE_SOURCE} -nostdinc $includes -isystem $musl/include -isystem @headers@ -idirafter $musl/system"

kind=$(purpose "$@")
last=${UNICORE_CFLAGS:-}
# shellcheck disable=SC2086 # lists of options
if [ "$kind" = compile ]; then exec "$gcc" $compile "$@" $last; fi

program=$(output "$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What says how a whole program is linked does not fit an object; what was compiled for the linker to optimise is compiled
# in whole now.
skip=
whole=
for argument; do
    shift
    if [ -n "$skip" ]; then skip=; continue; fi
    case $argument in
    -flto | -flto=*) whole=-flinker-output=nolto-rel ;;
    -o | -z | -Xlinker) skip=1; continue ;;
    -Wl,--whole-archive | -Wl,--no-whole-archive | -Wl,--start-group | -Wl,--end-group) ;;
    -o* | -pie | -no-pie | -static | -static-pie | -rdynamic | -s | -Wl,*) continue ;;
    esac
    set -- "$@" "$argument"
done

# shellcheck disable=SC2086
"$gcc" $compile -no-pie -r -nostdlib -Wl,-z,noexecstack $whole "$@" $last $search -L"$musl/relocatable" -lgcc -o "$work/program.o"

if ! "$gcc" -static -no-pie -nostdlib -nostartfiles -Wl,--build-id=none -Wl,-z,noexecstack -o "$program" \
    "$musl/native/crt1.o" "$musl/native/crti.o" "$work/program.o" \
    -L"$musl/native" -Wl,--start-group -lc -lgcc -Wl,--end-group "$musl/native/crtn.o" 2>"$work/errors"; then
    cat "$work/errors" >&2
    missing=$(sed -n "s/.*undefined reference to [\`']\(.*\)'.*/\1/p" "$work/errors" | sort -u | tr '\n' ' ')
    [ -z "$missing" ] || fail "$program does not link: neither it, its libraries nor musl has ${missing% }: add the library that has it to \`source.libraries\`, or leave out what calls it"
    exit 1
fi
cat "$work/errors" >&2
objcopy --add-section ".unicore.object=$work/program.o" "$program"
