/* In place of src/process/<arch>/vfork.s. There is one process: the call is refused, and the log names it. */
#include <sys/types.h>
#include <sys/syscall.h>

long unicore_syscall(long number, long a, long b, long c, long d, long e, long f);
__attribute__((__visibility__("hidden"))) long __syscall_ret(unsigned long value);

pid_t vfork(void)
{
	return __syscall_ret(unicore_syscall(SYS_vfork, 0, 0, 0, 0, 0, 0));
}
