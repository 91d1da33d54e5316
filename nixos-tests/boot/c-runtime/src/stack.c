/* The stack of `main`: as much as was asked for, and a report where that is not enough. */
#include "runtime.h"

#include <stdio.h>
#include <string.h>

/* Goes down by a KiB a level, and says how far it went. */
__attribute__((noinline)) static int descend(int levels)
{
	volatile char frame[1024];
	memset((char *)frame, levels, sizeof frame);
	return levels == 0 ? frame[0] : descend(levels - 1) + frame[1023] - (char)levels + 1;
}

int deep(void)
{
	/* 240 KiB of 300, frames apart. */
	printf("went down %d levels\n", descend(200));
	return 0;
}

int overflow(void)
{
	return descend(1 << 20) & 1;
}

/* One frame that is larger than stack and guard page together. */
__attribute__((noinline)) static int in_one_step(size_t size)
{
	volatile char frame[size];
	frame[0] = 1;
	return frame[0];
}

int large_frame(void)
{
	volatile size_t size = 1 << 20;
	return in_one_step(size);
}
