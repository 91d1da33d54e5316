/* The C library's streams, as far as they stand on the system. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

static char buffer[256];

static int compare(const void *one, const void *other)
{
	return *(const int *)one - *(const int *)other;
}

static void streams(void)
{
	topic("stdio");
	YES("fopen of what is not there", !fopen("missing", "r") && errno == ENOENT);
	YES("fopen in an unknown mode", !fopen("a", "z") && errno == EINVAL);
	FILE *file = fopen("a", "w+");
	VALUE("fprintf", fprintf(file, "%s %d %.2f %x\n", "line", 42, 2.5, 255));
	VALUE("fputs", fputs("second\n", file));
	VALUE("fwrite", fwrite("third", 1, 5, file));
	VALUE("ftell", ftell(file));
	CALL("fflush", fflush(file));
	struct stat status;
	fstat(fileno(file), &status);
	VALUE("size when flushed", status.st_size);
	rewind(file);
	TEXT("fgets", fgets(buffer, sizeof buffer, file));
	int character = fgetc(file);
	VALUE("fgetc", character);
	VALUE("ungetc", ungetc('S', file));
	VALUE("fscanf", fscanf(file, "%255s", buffer));
	TEXT("what fscanf read", buffer);
	CALL("fseek", fseek(file, -5, SEEK_END));
	VALUE("fread", fread(buffer, 1, sizeof buffer, file));
	YES("the end", feof(file));
	YES("no error", !ferror(file));
	CALL("fseek before the begin", fseek(file, -100, SEEK_SET));
	CALL("fclose", fclose(file));
	file = fopen("a", "r");
	VALUE("write to what is open to read", fputc('x', file));
	YES("an error", ferror(file));
	fclose(file);
	file = fopen("a", "a");
	fputs("!", file);
	fclose(file);
	file = fopen("a", "r");
	char *line = NULL;
	size_t room = 0;
	int lines = 0;
	while (getline(&line, &room, file) > 0) lines++;
	VALUE("lines", lines);
	TEXT("the last line", line);
	free(line);
	fclose(file);
	YES("fopen of what is there, exclusively", !fopen("a", "wx") && errno == EEXIST);
	file = fopen("a", "r+");
	setvbuf(file, NULL, _IOFBF, 16);
	for (int i = 0; i < 100; i++) fputc('0' + i % 10, file);
	fclose(file);
	stat("a", &status);
	VALUE("size after a small buffer", status.st_size);
	unlink("a");

	char *made = NULL;
	size_t length = 0;
	file = open_memstream(&made, &length);
	fprintf(file, "in memory %d", 7);
	fclose(file);
	TEXT("open_memstream", made);
	free(made);
	file = fmemopen("read me", 7, "r");
	fscanf(file, "%*s %255s", buffer);
	TEXT("fmemopen", buffer);
	fclose(file);
	file = tmpfile();
	YES("tmpfile", file && fputs("x", file) >= 0 && !fclose(file));
	char name[] = "tXXXXXX";
	int fd = DONE("mkstemp", mkstemp(name));
	fstat(fd, &status);
	OCTAL("permissions of it", status.st_mode & 0777);
	close(fd);
	unlink(name);
	strcpy(name, "tXXXXX");
	CALL("mkstemp of a bad name", mkstemp(name));
	int end[2];
	pipe(end);
	file = fdopen(end[1], "w");
	dprintf(end[1], "first ");
	fputs("second", file);
	fclose(file);
	length = read(end[0], buffer, sizeof buffer);
	BYTES("fdopen and dprintf", buffer, length);
	close(end[0]);
	file = fopen("/dev/full", "w");
	fputs("x", file);
	CALL("fclose of what does not fit", fclose(file));
	TEXT("strerror", strerror(ENOENT));
	TEXT("strsignal", strsignal(15));
}

static void library(void)
{
	topic("library");
	snprintf(buffer, sizeof buffer, "%5d|%-5d|%05d|%+d|%o|%#x|%e|%g|%a|%c|%%|%10.3s|%ld", 42, 42, 42, 42, 8, 255, 12345.678,
		0.0001, 1.0, 'c', "string", -1L);
	TEXT("printf", buffer);
	VALUE("snprintf tells the whole length", snprintf(buffer, 4, "%s", "longer"));
	TEXT("snprintf cuts", buffer);
	snprintf(buffer, sizeof buffer, "%.17g %.17g %Lg", 0.1, sqrt(2), 1.5L);
	TEXT("floating point", buffer);
	snprintf(buffer, sizeof buffer, "%.15g %.15g %.15g", sin(1), exp(1), pow(2, 0.5));
	TEXT("mathematics", buffer);
	char *end;
	VALUE("strtol", strtol("0x7fz", &end, 0));
	TEXT("where strtol ended", end);
	YES("strtol of too much", strtol("99999999999999999999", NULL, 10) == 0x7fffffffffffffff && errno == ERANGE);
	YES("strtod", strtod("1e-3", NULL) == 0.001);
	int numbers[] = { 5, 3, 9, 1, 7 };
	qsort(numbers, 5, sizeof *numbers, compare);
	VALUE("qsort", numbers[0] * 10000 + numbers[1] * 1000 + numbers[2] * 100 + numbers[3] * 10 + numbers[4]);
	YES("bsearch", bsearch(&(int){ 7 }, numbers, 5, sizeof *numbers, compare) == &numbers[3]);
	srand(1);
	int first = rand();
	srand(1);
	YES("rand repeats", rand() == first);
	regex_t expression;
	regmatch_t match[2];
	VALUE("regcomp", regcomp(&expression, "b([0-9]+)", REG_EXTENDED));
	VALUE("regexec", regexec(&expression, "a1b23c", 2, match, 0));
	VALUE("where it matched", match[1].rm_so * 10 + match[1].rm_eo);
	regfree(&expression);
	YES("setlocale", setlocale(LC_ALL, "C.UTF-8") != NULL);
	wchar_t wide[8];
	VALUE("mbstowcs", mbstowcs(wide, "\xc3\xa4\xe2\x82\xac", 8));
	VALUE("the second character", wide[1]);
	setlocale(LC_ALL, "C");
}

/* Named so that it leaves the header its name. */
void streams_and_library(void)
{
	streams();
	library();
}
