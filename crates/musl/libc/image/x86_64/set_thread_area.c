/* In place of src/thread/x86_64/__set_thread_area.s: the thread pointer of the running thread, which is its FS base. */
#include <sys/syscall.h>

enum { ARCH_SET_FS = 0x1002 };

long unicore_syscall(long number, long a, long b, long c, long d, long e, long f);

__attribute__((__visibility__("hidden"))) int __set_thread_area(void *pointer)
{
	return unicore_syscall(SYS_arch_prctl, ARCH_SET_FS, (long)pointer, 0, 0, 0, 0);
}
