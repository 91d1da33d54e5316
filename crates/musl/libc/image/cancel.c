/* In place of src/thread/<arch>/syscall_cp.s: a system call at which pthread_cancel ends the thread. */

#define hidden __attribute__((__visibility__("hidden")))

long unicore_syscall(long number, long a, long b, long c, long d, long e, long f);
hidden long __cancel(void);

hidden long __syscall_cp_asm(volatile int *cancelled, long number, long a, long b, long c, long d, long e, long f)
{
	if (*cancelled) return __cancel();
	return unicore_syscall(number, a, b, c, d, e, f);
}

/* The signal of a cancellation looks whether it came between these, before the trap. A thread is not interrupted before a
   call here: it gets signals while it waits in one, which then answers EINTR, and musl sees to it. So nothing is between. */
__asm__(
	".global __cp_begin, __cp_end, __cp_cancel\n"
	".hidden __cp_begin, __cp_end, __cp_cancel\n"
	"__cp_begin: __cp_end: __cp_cancel:\n");
