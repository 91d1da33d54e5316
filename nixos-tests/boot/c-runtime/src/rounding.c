/* The control words of x87 and SSE belong to a thread: threads take turns, each rounding its own way. */
#include "runtime.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static volatile double one = 1.0, three = 3.0;
static volatile long double long_one = 1.0L, long_three = 3.0L;

struct thirds {
	double third;
	long double long_third;
	int steady;
};

/* A third, rounded as `direction` says, a hundred times between turns of others. */
static struct thirds compute(int direction)
{
	fesetround(direction);
	struct thirds thirds = { one / three, long_one / long_three, 1 };
	for (int i = 0; i < 100; i++) {
		sched_yield();
		thirds.steady &= one / three == thirds.third && long_one / long_three == thirds.long_third;
	}
	return thirds;
}

static void *downward(void *result)
{
	*(struct thirds *)result = compute(FE_DOWNWARD);
	return NULL;
}

int rounding(void)
{
	struct thirds up, down;
	pthread_t thread;
	if (pthread_create(&thread, NULL, downward, &down)) return 1;
	up = compute(FE_UPWARD);
	if (pthread_join(thread, NULL)) return 1;
	printf("rounding: steady %d and %d, apart %d and %d\n", up.steady, down.steady, up.third > down.third,
		up.long_third > down.long_third);
	return 0;
}
