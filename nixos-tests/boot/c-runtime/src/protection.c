/* What is constant is not written, and what is data is not run. */
#include "runtime.h"

static const int constant = 1;
/* `ret` */
static unsigned char data[] = { 0xc3 };

int write_constant(void)
{
	*(volatile int *)&constant = 2;
	return constant;
}

int execute_data(void)
{
	((void (*)(void))data)();
	return 0;
}
