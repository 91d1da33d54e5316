/* Writing the lines of the transcript. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct name {
	unsigned value;
	const char *text;
};

#define NAME(constant) { constant, #constant }

static const struct name error_names[] = {
	NAME(E2BIG), NAME(EACCES), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(EAFNOSUPPORT), NAME(EAGAIN), NAME(EALREADY),
	NAME(EBADF), NAME(EBUSY), NAME(ECHILD), NAME(ECONNABORTED), NAME(ECONNREFUSED), NAME(ECONNRESET), NAME(EDEADLK),
	NAME(EDESTADDRREQ), NAME(EDOM), NAME(EEXIST), NAME(EFAULT), NAME(EFBIG), NAME(EHOSTUNREACH), NAME(EILSEQ),
	NAME(EINPROGRESS), NAME(EINTR), NAME(EINVAL), NAME(EIO), NAME(EISCONN), NAME(EISDIR), NAME(ELOOP), NAME(EMFILE),
	NAME(EMSGSIZE), NAME(ENAMETOOLONG), NAME(ENETUNREACH), NAME(ENODEV), NAME(ENOENT), NAME(ENOMEM), NAME(ENOPROTOOPT),
	NAME(ENOSPC), NAME(ENOSYS), NAME(ENOTCONN), NAME(ENOTDIR), NAME(ENOTEMPTY), NAME(ENOTSOCK), NAME(ENOTTY),
	NAME(ENXIO), NAME(EOPNOTSUPP), NAME(EOVERFLOW), NAME(EPERM), NAME(EPIPE), NAME(EPROTONOSUPPORT), NAME(EPROTOTYPE),
	NAME(ERANGE), NAME(EROFS), NAME(ESOCKTNOSUPPORT), NAME(ESPIPE), NAME(ESRCH), NAME(ETIMEDOUT), NAME(ETXTBSY),
	NAME(EXDEV),
};

static const struct name event_names[] = {
	NAME(POLLIN), NAME(POLLPRI), NAME(POLLOUT), NAME(POLLERR), NAME(POLLHUP), NAME(POLLNVAL), NAME(POLLRDNORM),
	NAME(POLLRDBAND), NAME(POLLWRNORM), NAME(POLLWRBAND), NAME(EPOLLRDHUP), NAME(EPOLLONESHOT), NAME(EPOLLET),
};

static const char *current_topic = "";

void topic(const char *name)
{
	current_topic = name;
}

static void begin(const char *name)
{
	printf("%s: %s: ", current_topic, name);
}

/* The lines come out one by one: what was written last is where a program that ended early has ended. */
static void end(void)
{
	putchar('\n');
	fflush(stdout);
}

static void write_error(int error)
{
	for (size_t i = 0; i < LENGTH(error_names); i++) {
		if (error_names[i].value == (unsigned)error) {
			fputs(error_names[i].text, stdout);
			return;
		}
	}
	printf("errno %d", error);
}

static void write_quoted(const char *bytes, long length)
{
	putchar('"');
	for (long i = 0; i < length; i++) {
		unsigned char byte = bytes[i];
		if (byte == '"' || byte == '\\') printf("\\%c", byte);
		else if (byte >= ' ' && byte < 0x7f) putchar(byte);
		else printf("\\x%02x", byte);
	}
	putchar('"');
}

long check_call(const char *name, long value)
{
	int error = errno;
	begin(name);
	printf("%ld", value);
	if (value == -1) {
		putchar(' ');
		write_error(error);
	}
	end();
	return value;
}

long check_done(const char *name, long value)
{
	int error = errno;
	begin(name);
	if (value == -1) write_error(error);
	else fputs("done", stdout);
	end();
	return value;
}

void check_error(const char *name, int error)
{
	begin(name);
	if (error) write_error(error);
	else fputs("no error", stdout);
	end();
}

void check_value(const char *name, long long value)
{
	begin(name);
	printf("%lld", value);
	end();
}

void check_octal(const char *name, unsigned value)
{
	begin(name);
	printf("0%03o", value);
	end();
}

void check_yes(const char *name, int condition)
{
	begin(name);
	fputs(condition ? "yes" : "no", stdout);
	end();
}

void check_text(const char *name, const char *text)
{
	begin(name);
	if (text) write_quoted(text, strlen(text));
	else fputs("none", stdout);
	end();
}

void check_bytes(const char *name, const void *bytes, long length)
{
	begin(name);
	if (length < 0) fputs("none", stdout);
	else write_quoted(bytes, length);
	end();
}

void check_events(const char *name, unsigned bits)
{
	begin(name);
	if (!bits) fputs("0", stdout);
	const char *between = "";
	for (size_t i = 0; i < LENGTH(event_names); i++) {
		if (!(bits & event_names[i].value)) continue;
		printf("%s%s", between, event_names[i].text);
		bits &= ~event_names[i].value;
		between = "|";
	}
	if (bits) printf("%s%#x", between, bits);
	end();
}

void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file)) perror(path);
}

long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

void rest(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	nanosleep(&time, NULL);
}
