/* After `main`: handlers of atexit, last first, then destructors, then what stdio still holds. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>

static int tells;

static void registered_first(void) { printf("atexit 1, "); }
static void registered_second(void) { printf("end: atexit 2, "); }

__attribute__((destructor)) static void destructor(void)
{
	if (tells) printf("destructor\n");
}

int end(void)
{
	tells = 1;
	atexit(registered_first);
	atexit(registered_second);
	exit(7);
}
