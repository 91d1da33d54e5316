# What `cc` has to do, on this machine: programs that run and carry their object, and what it refuses and why.
#
#   tests.sh LIBC
set -eu
PATH=$1/bin:$PATH

fail() {
    echo "cc: $*" >&2
    exit 1
}

# refused TEXT ARGUMENT...: does not make a program, and says so.
refused() {
    text=$1
    shift
    if cc "$@" 2>errors; then fail "made a program of: $*"; fi
    grep -qF "$text" errors || { cat errors >&2; fail "does not say \"$text\""; }
}

cat >answer.c <<'EOF'
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
int answer(void);
int main(void) { printf("%.0f\n", floor(answer() + 0.5)); return 3; }
EOF
echo 'int answer(void) { return 42; }' >42.c

# In one step, in several, and optimised as a whole.
cc -o one answer.c 42.c -lm
cc -c answer.c 42.c
cc -static -s -Wl,-O1 -oseveral answer.o 42.o
cc -flto -O2 -c answer.c 42.c
cc -flto -O2 -o whole answer.o 42.o
mv whole renamed
for program in one several renamed; do
    status=0
    ./$program >said || status=$?
    [ "$(cat said) $status" = "42 3" ] || fail "$program says $(cat said), and ends with $status"
    objcopy --dump-section .unicore.object=object $program copy
    nm object >symbols
    grep -q ' T main$' symbols || fail "the object of $program has no main"
    grep -q ' U printf$' symbols || fail "the object of $program has the C library in it"
done

# With a library, which is found without options.
mkdir -p library/include library/lib
echo 'int answer(void);' >library/include/answer.h
cc -c 42.c
ar rc library/lib/libanswer.a 42.o
echo '#include <answer.h>
int main(void) { return answer() - 42; }' >user.c
UNICORE_LIBRARIES=$PWD/library cc -o user user.c -lanswer
./user || fail "a program with a library ends with $?"

# Headers of Linux and BSD's lists, beside musl's own.
echo '#include <linux/types.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>
struct one { SLIST_ENTRY(one) next; };
int main(void) { SLIST_HEAD(list, one) list = SLIST_HEAD_INITIALIZER(list); return !SLIST_EMPTY(&list) + sizeof(__u64) - 8; }' >headers.c
cc -Wall -Werror -o headers headers.c
./headers || fail "headers of the system are not as they should be"

# Options that come last win.
echo 'int main(void) { return LEVEL; }' >level.c
UNICORE_CFLAGS='-ULEVEL -DLEVEL=0' cc -DLEVEL=1 -o level level.c
./level || fail "UNICORE_CFLAGS do not win"

refused "does not link: neither it, its libraries nor musl has answer" -o lacking answer.c
refused "add the library that has it to \`source.libraries\`" -o lacking answer.c
refused "an image has no shared libraries" -shared -o library.so 42.c
refused "No such file or directory" -o absent absent.c
