/* The behaviour suite: each argument names a part of it; without any, all of them are gone through. */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void files(void);
void paths(void);
void devices(void);
void pipes(void);
void counters(void);
void waiting(void);
void sockets(void);
void threads(void);
void memory(void);
void signals(void);
void times_and_dates(void);
void streams_and_library(void);
void process(void);

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "files", files }, { "paths", paths }, { "devices", devices }, { "pipes", pipes }, { "counters", counters },
	{ "waiting", waiting }, { "sockets", sockets }, { "threads", threads }, { "memory", memory }, { "signals", signals },
	{ "time", times_and_dates }, { "stdio", streams_and_library }, { "process", process },
};

static int is_wanted(const char *name, int count, char **arguments)
{
	for (int i = 1; i < count; i++) {
		if (!strcmp(arguments[i], name)) return 1;
	}
	return count <= 1;
}

/* Works in a directory of its own, which has to be empty again in the end. */
int main(int count, char **arguments)
{
	const char *above = getenv("TMPDIR");
	if (!above) above = "/tmp";
	char directory[] = "oracle-XXXXXX";
	if (chdir(above) || !mkdtemp(directory) || chdir(directory)) {
		perror(above);
		return EXIT_FAILURE;
	}
	puts("oracle: begin");
	for (size_t i = 0; i < LENGTH(parts); i++) {
		if (is_wanted(parts[i].name, count, arguments)) parts[i].run();
	}
	topic("oracle");
	chdir("..");
	CALL("nothing is left behind", rmdir(directory));
	puts("oracle: end");
	return EXIT_SUCCESS;
}
