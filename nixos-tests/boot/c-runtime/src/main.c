/* What the C library and the image owe a program before, beside and after its `main`, by the word that it is given. */
#include "runtime.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "begin", begin },
	{ "locals", locals },
	{ "rounding", rounding },
	{ "sections", sections },
	{ "end", end },
	{ "deep", deep },
	{ "overflow", overflow },
	{ "large-frame", large_frame },
	{ "write-constant", write_constant },
	{ "execute-data", execute_data },
	{ "absent-call", absent_call },
};

int main(int count, char **arguments)
{
	const char *name = count > 1 ? arguments[count - 1] : "";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!strcmp(cases[i].name, name)) return cases[i].run();
	}
	fprintf(stderr, "there is no case \"%s\"\n", name);
	return 2;
}
