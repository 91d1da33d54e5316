/* Thread-local variables: initialised, zeroed, aligned, and each thread's own; errno is one of them. */
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static _Thread_local volatile int initialised = 41;
static _Thread_local volatile long zeroed[100];
static _Thread_local volatile char aligned[3] __attribute__((aligned(256)));

static int is_whole(int expected)
{
	return initialised == expected && zeroed[99] == expected - 41 && (uintptr_t)aligned % 256 == 0;
}

static void *other(void *argument)
{
	int whole = is_whole(41) && errno == 0;
	initialised = 43;
	zeroed[99] = 2;
	errno = ERANGE;
	*(int *)argument = whole && is_whole(43);
	return NULL;
}

int locals(void)
{
	int whole = is_whole(41), others = 0;
	pthread_t thread;
	initialised = 42;
	zeroed[99] = 1;
	errno = EDOM;
	if (pthread_create(&thread, NULL, other, &others) || pthread_join(thread, NULL)) return 1;
	int kept = is_whole(42) && errno == EDOM;
	printf("thread-locals: %d of main, %d of another thread, %d after it\n", whole, others, kept);
	return 0;
}
