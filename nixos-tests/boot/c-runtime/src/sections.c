/* Sections of a program's own, whose parts come together in one place where nothing names them but their bounds. */
#include "runtime.h"

#include <stdio.h>

#define IN(name) static __attribute__((section(name), used))

IN("odd_numbers") int one = 1;
IN("odd_numbers") int three = 3;
IN("odd_numbers") int five = 5;
IN("even_numbers") const int two = 2;
IN("even_numbers") const int four = 4;

extern int __start_odd_numbers[], __stop_odd_numbers[];
extern const int __start_even_numbers[], __stop_even_numbers[];

static int sum(const int *number, const int *end)
{
	int sum = 0;
	while (number < end) sum += *number++;
	return sum;
}

int sections(void)
{
	int odd = sum(__start_odd_numbers, __stop_odd_numbers);
	__start_odd_numbers[1] += 40;
	printf("sections: odd %d, then %d, even %d\n", odd, sum(__start_odd_numbers, __stop_odd_numbers),
		sum(__start_even_numbers, __stop_even_numbers));
	return 0;
}
