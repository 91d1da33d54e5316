/* In place of musl's assembly for threads (src/thread/<arch>): what trapped there is a call here. */
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#define hidden __attribute__((__visibility__("hidden")))

long unicore_clone(int (*function)(void *), void *stack, int flags, void *argument, pid_t *parent_id, void *tls, pid_t *child_id);
_Noreturn void unicore_exit_thread_and_unmap(void *base, size_t size);

hidden int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
	va_list more;
	va_start(more, argument);
	pid_t *parent_id = va_arg(more, pid_t *);
	void *tls = va_arg(more, void *);
	pid_t *child_id = va_arg(more, pid_t *);
	va_end(more);
	return unicore_clone(function, stack, flags, argument, parent_id, tls, child_id);
}

/* A detached thread ends, and its stack with it: nothing may run on that in between. */
hidden _Noreturn void __unmapself(void *base, size_t size)
{
	unicore_exit_thread_and_unmap(base, size);
}
