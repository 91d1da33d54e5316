#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

int main(void)
{
	char line[100] = "", text[200] = "";
	printf("terminal %d, %s\n", isatty(0), ttyname(1) ? ttyname(1) : strerror(errno));
	struct termios settings;
	printf("tcgetattr %d\n", tcgetattr(0, &settings));
	puts("say something");
	if (!fgets(line, sizeof line, stdin)) puts("nothing");
	printf("you said: %s", line);
	struct passwd *user = getpwnam("nobody");
	printf("nobody is %d\n", user ? (int)user->pw_uid : -1);
	FILE *file = tmpfile();
	fprintf(file, "kept");
	rewind(file);
	fgets(text, sizeof text, file);
	printf("a temporary file: %s\n", text);
	link("/nothing", "/tmp/x");
	printf("link of nothing: %s\n", strerror(errno));
	close(open("/tmp/a", O_CREAT | O_WRONLY, 0644));
	close(open("/tmp/b", O_CREAT | O_WRONLY, 0644));
	printf("link %d\n", link("/tmp/a", "/tmp/c"));
	struct stat status;
	stat("/tmp/c", &status);
	printf("links %d\n", (int)status.st_nlink);
	DIR *directory = opendir("/tmp");
	readdir(directory);
	readdir(directory);
	long place = telldir(directory);
	char first[256];
	strcpy(first, readdir(directory)->d_name);
	while (readdir(directory)) {}
	seekdir(directory, place);
	printf("again %d\n", !strcmp(first, readdir(directory)->d_name));
	ssize_t length = readlink("/proc/self/fd/1", text, sizeof text);
	printf("fd 1 is %.*s\n", (int)length, text);
	FILE *out = fopen("/dev/stdout", "a");
	fprintf(out, "through /dev/stdout\n");
	fclose(out);
	file = fopen("/proc/self/status", "r");
	while (fgets(text, sizeof text, file)) if (!strncmp(text, "Threads", 7)) fputs(text, stdout);
	file = fopen("/greeting", "r");
	fgets(text, sizeof text, file);
	fputs(text, stdout);
	return 0;
}
