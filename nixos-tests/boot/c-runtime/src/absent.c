/* A system call that is not there: its error, and who is told. */
#include "runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int absent_call(void)
{
	long value = syscall(SYS_swapon, "/dev/none", 0);
	printf("swapon: %ld, %s\n", value, strerror(errno));
	return 0;
}
