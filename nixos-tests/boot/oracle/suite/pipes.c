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
#include <sys/socket.h>
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

static void *read_later(void *end)
{
	rest(20);
	return (void *)(long)read(*(int *)end, buffer, sizeof buffer);
}

static void splicing(void)
{
	int from[2], to[2], stream[2];
	make_file("a", "0123456789");
	int file = open("a", O_RDWR), appended = open("a", O_WRONLY | O_APPEND), directory = open(".", O_RDONLY);
	pipe(from);
	pipe(to);
	socketpair(AF_UNIX, SOCK_STREAM, 0, stream);
	loff_t offset = 2;
	CALL("splice from an offset of a file", splice(file, &offset, from[1], NULL, 5, 0));
	VALUE("the offset after it", offset);
	CALL("the file has not moved", lseek(file, 0, SEEK_CUR));
	CALL("splice from its position", splice(file, NULL, from[1], NULL, 3, SPLICE_F_MORE));
	CALL("the file has moved", lseek(file, 0, SEEK_CUR));
	CALL("splice from pipe to pipe", splice(from[0], NULL, to[1], NULL, 6, SPLICE_F_MOVE));
	CALL("splice to a socket", splice(to[0], NULL, stream[0], NULL, 100, 0));
	CALL("read that from the socket", read(stream[1], buffer, sizeof buffer));
	BYTES("bytes from the socket", buffer, 6);
	write(stream[0], "socket", 6);
	CALL("splice from a socket", splice(stream[1], NULL, to[1], NULL, 100, 0));
	offset = 8;
	CALL("splice to an offset of a file", splice(to[0], NULL, file, &offset, 100, 0));
	VALUE("the offset after that", offset);
	CALL("read the file", pread(file, buffer, sizeof buffer, 0));
	BYTES("the file", buffer, 14);
	CALL("splice at its end", splice(file, &offset, to[1], NULL, 1, 0));
	CALL("splice nothing", splice(99, NULL, 99, NULL, 0, 0));
	CALL("splice from nothing", splice(99, NULL, to[1], NULL, 1, 0));
	CALL("splice with unknown flags", splice(from[0], NULL, to[1], NULL, 1, 16));
	CALL("splice without a pipe", splice(file, NULL, stream[0], NULL, 1, 0));
	CALL("splice to the other end", splice(from[0], NULL, from[1], NULL, 1, 0));
	CALL("splice from the end to write", splice(from[1], NULL, to[1], NULL, 1, 0));
	CALL("splice to the end to read", splice(from[0], NULL, to[0], NULL, 1, 0));
	CALL("splice from an offset of a pipe", splice(from[0], &offset, file, NULL, 1, 0));
	CALL("splice to an offset of a pipe", splice(file, NULL, to[1], &offset, 1, 0));
	CALL("splice from an offset of a socket", splice(stream[0], &offset, to[1], NULL, 1, 0));
	offset = -1;
	CALL("splice from an offset below 0", splice(file, &offset, to[1], NULL, 1, 0));
	CALL("splice to what is appended to", splice(from[0], NULL, appended, NULL, 1, 0));
	CALL("splice from a directory", splice(directory, NULL, to[1], NULL, 1, 0));
	CALL("splice what is left", splice(from[0], NULL, to[1], NULL, 100, 0));
	CALL("splice from an empty pipe", splice(from[0], NULL, to[1], NULL, 100, SPLICE_F_NONBLOCK));
	pthread_t thread;
	pthread_create(&thread, NULL, write_later, &from[1]);
	CALL("splice waits for a writer", splice(from[0], NULL, file, NULL, 100, 0));
	pthread_join(thread, NULL);
	fcntl(to[1], F_SETFL, O_NONBLOCK);
	read(to[0], buffer, sizeof buffer);
	write(to[1], buffer, sizeof buffer);
	CALL("splice to a full pipe", splice(file, NULL, to[1], NULL, 1, 0));
	fcntl(to[1], F_SETFL, 0);
	lseek(file, 0, SEEK_SET);
	pthread_create(&thread, NULL, read_later, &to[0]);
	CALL("splice waits for a reader", splice(file, NULL, to[1], NULL, 1, 0));
	pthread_join(thread, NULL);
	close(to[0]);
	CALL("splice to a pipe that nobody reads", splice(file, NULL, to[1], NULL, 1, 0));
	close(from[1]);
	CALL("splice from a pipe that nobody writes", splice(from[0], NULL, file, NULL, 1, 0));
	close(stream[1]);
	close(from[0]);
	close(to[1]);
	pipe(from);
	write(from[1], "x", 1);
	CALL("splice to a socket that nobody has", splice(from[0], NULL, stream[0], NULL, 1, 0));
	int left[] = { from[0], from[1], stream[0], file, appended, directory };
	for (size_t i = 0; i < LENGTH(left); i++) close(left[i]);
}

void pipes(void)
{
	topic("pipes");
	signal(SIGPIPE, SIG_IGN);
	basics();
	nonblocking();
	blocking();
	splicing();
	signal(SIGPIPE, SIG_DFL);
}
