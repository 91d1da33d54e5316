/* Greets whom its arguments name, in the words of a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of a file, without its end; the caller frees it. NULL with errno where there is none. */
static char *first_line(const char *path)
{
	FILE *file = fopen(path, "r");
	if (!file) return NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, file);
	if (length > 0 && line[length - 1] == '\n') line[length - 1] = 0;
	fclose(file);
	if (length >= 0) return line;
	free(line);
	errno = ENODATA;
	return NULL;
}

int main(int count, char **arguments)
{
	const char *path = getenv("GREETING");
	if (!path) path = "/greeting";
	char *greeting = first_line(path);
	if (!greeting) {
		fprintf(stderr, "%s: %s: %s\n", arguments[0], path, strerror(errno));
		return EXIT_FAILURE;
	}
	for (int i = 1; i < count; i++) printf("%s, %s!\n", greeting, arguments[i]);
	free(greeting);

	errno = 0;
	if (!fopen("/nowhere", "r")) printf("/nowhere: errno %d, %s\n", errno, strerror(errno));
	printf("half of 3 is %.1f\n", 3 / 2.0);
	return EXIT_SUCCESS;
}
