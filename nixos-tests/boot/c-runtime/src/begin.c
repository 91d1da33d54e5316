/* Before `main`: constructors in their order, arguments' environment, and the auxiliary vector. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

static char order[8];
static int ran;

__attribute__((constructor)) static void last(void) { order[ran++] = 'c'; }
__attribute__((constructor(102))) static void second(void) { order[ran++] = 'b'; }
__attribute__((constructor(101))) static void first(void) { order[ran++] = 'a'; }

int begin(void)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	int bits = 0;
	for (int i = 0; i < 16; i++) bits |= random[i];
	printf("constructors %s, EMPTY \"%s\", TWO \"%s\", pages of %lu, random %s\n", order, getenv("EMPTY"), getenv("TWO"),
		getauxval(AT_PAGESZ), bits ? "bytes" : "zeros");
	return 0;
}
