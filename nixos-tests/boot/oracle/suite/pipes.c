/* Pipes. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[65536];

static unsigned ready(int fd)
{
	struct pollfd file = { fd, POLLIN | POLLOUT, 0 };
	poll(&file, 1, 0);
	return file.revents;
}

static void basics(void)
{
	int end[2];
	CALL("make a pipe", pipe(end));
	EVENTS("the end to read, empty", ready(end[0]));
	EVENTS("the end to write, empty", ready(end[1]));
	CALL("write", write(end[1], "hello pipe", 10));
	EVENTS("the end to read, with bytes", ready(end[0]));
	int count = 0;
	CALL("bytes in it", ioctl(end[0], FIONREAD, &count));
	VALUE("how many", count);
	CALL("read a part", read(end[0], buffer, 5));
	CALL("read the rest", read(end[0], buffer, sizeof buffer));
	BYTES("the rest", buffer, 5);
	CALL("read the end to write", read(end[1], buffer, 1));
	CALL("write to the end to read", write(end[0], buffer, 1));
	CALL("seek", lseek(end[0], 0, SEEK_CUR));
	CALL("pread", pread(end[0], buffer, 1, 0));
	CALL("pwrite", pwrite(end[1], buffer, 1, 0));
	CALL("ftruncate", ftruncate(end[1], 0));
	CALL("fsync", fsync(end[1]));
	CALL("write nothing", write(end[1], "", 0));
	struct stat status;
	fstat(end[0], &status);
	YES("it is a pipe", S_ISFIFO(status.st_mode));
	struct iovec parts[] = { { "a", 1 }, { "bc", 2 } };
	CALL("writev", writev(end[1], parts, 2));
	CALL("read what writev wrote", read(end[0], buffer, 10));
	write(end[1], "left", 4);
	close(end[1]);
	EVENTS("closed to write, with bytes", ready(end[0]));
	CALL("read what is left", read(end[0], buffer, 10));
	EVENTS("closed to write, empty", ready(end[0]));
	CALL("read at the end", read(end[0], buffer, 10));
	close(end[0]);
}

static void nonblocking(void)
{
	int end[2];
	CALL("pipe2", pipe2(end, O_NONBLOCK | O_CLOEXEC));
	VALUE("close-on-exec", fcntl(end[0], F_GETFD));
	YES("does not block", fcntl(end[0], F_GETFL) & O_NONBLOCK);
	CALL("read of an empty pipe", read(end[0], buffer, 1));
	CALL("fill it", write(end[1], buffer, sizeof buffer));
	CALL("write to a full pipe", write(end[1], buffer, 1));
	EVENTS("the end to write, full", ready(end[1]));
	CALL("take a page", read(end[0], buffer, 4096));
	EVENTS("the end to write, with room", ready(end[1]));
	CALL("write a page again", write(end[1], buffer, 4096));
	close(end[0]);
	EVENTS("the end to write, closed to read", ready(end[1]));
	CALL("write to a pipe that nobody reads", write(end[1], buffer, 1));
	close(end[1]);
	CALL("unknown flags", pipe2(end, 1));
	CALL("to nowhere", pipe(NULL));
}

static void *write_later(void *end)
{
	rest(20);
	write(*(int *)end, "late", 4);
	return NULL;
}

static void *read_slowly(void *end)
{
	static char taken[5000];
	long total = 0, got;
	while ((got = read(*(int *)end, taken, sizeof taken)) > 0) total += got;
	return (void *)total;
}

static void blocking(void)
{
	int end[2];
	pipe(end);
	pthread_t thread;
	pthread_create(&thread, NULL, write_later, &end[1]);
	CALL("read waits for a writer", read(end[0], buffer, 10));
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, read_slowly, &end[0]);
	CALL("write more than fits", write(end[1], calloc(1, 300000), 300000));
	close(end[1]);
	void *total;
	pthread_join(thread, &total);
	VALUE("bytes that came out", (long)total);
	close(end[0]);
}

void pipes(void)
{
	topic("pipes");
	signal(SIGPIPE, SIG_IGN);
	basics();
	nonblocking();
	blocking();
	signal(SIGPIPE, SIG_DFL);
}
