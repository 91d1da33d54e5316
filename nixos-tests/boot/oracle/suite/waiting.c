/* poll, select and epoll. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *write_later(void *fd)
{
	rest(20);
	write(*(int *)fd, "x", 1);
	return NULL;
}

static void polling(void)
{
	topic("poll");
	int end[2];
	pipe(end);
	struct pollfd files[] = { { end[0], POLLIN, 9 }, { -1, POLLIN, 9 }, { 99, POLLIN, 9 }, { end[1], POLLOUT, 9 } };
	CALL("several files", poll(files, 4, 1000));
	EVENTS("an empty pipe", files[0].revents);
	EVENTS("a descriptor below 0", files[1].revents);
	EVENTS("a descriptor of no file", files[2].revents);
	EVENTS("a pipe with room", files[3].revents);
	CALL("nothing, for no time", poll(NULL, 0, 0));
	long long before = now();
	CALL("a time that passes", poll(files, 1, 30));
	YES("it has passed", now() - before >= 30);
	pthread_t thread;
	pthread_create(&thread, NULL, write_later, &end[1]);
	CALL("what another thread writes", poll(files, 1, 10000));
	EVENTS("what came of it", files[0].revents);
	pthread_join(thread, NULL);
	files[0].events = 0;
	CALL("nothing that is asked for", poll(files, 1, 0));
	close(end[1]);
	CALL("nothing asked for, and the other end closed", poll(files, 1, 0));
	EVENTS("the end of the pipe", files[0].revents);
	CALL("files at address 0", poll(NULL, 1, 0));
	CALL("too many files", poll(files, -1, 0));
	struct timespec time = { 0, 1000000000 };
	CALL("ppoll for a time that is none", ppoll(files, 1, &time, NULL));
	close(end[0]);
	int file = open("/dev/null", O_RDWR);
	files[0] = (struct pollfd){ file, POLLIN | POLLOUT, 0 };
	CALL("a device", poll(files, 1, -1));
	EVENTS("is always ready", files[0].revents);
	close(file);
}

static void selecting(void)
{
	topic("select");
	int end[2];
	pipe(end);
	fd_set input, output;
	FD_ZERO(&input);
	FD_ZERO(&output);
	FD_SET(end[0], &input);
	FD_SET(end[1], &output);
	int most = (end[0] > end[1] ? end[0] : end[1]) + 1;
	struct timeval time = { 0, 0 };
	CALL("a pipe with room", select(most, &input, &output, NULL, &time));
	YES("it is not to be read", !FD_ISSET(end[0], &input));
	YES("it is to be written", FD_ISSET(end[1], &output));
	write(end[1], "x", 1);
	FD_SET(end[0], &input);
	CALL("both ends", select(most, &input, &output, NULL, NULL));
	YES("now it is to be read", FD_ISSET(end[0], &input));
	read(end[0], &(char){ 0 }, 1);
	long long before = now();
	time.tv_usec = 30000;
	CALL("a time that passes", select(most, &input, NULL, NULL, &time));
	YES("it has passed", now() - before >= 30);
	YES("the set is empty then", !FD_ISSET(end[0], &input));
	pthread_t thread;
	pthread_create(&thread, NULL, write_later, &end[1]);
	FD_SET(end[0], &input);
	time.tv_sec = 100;
	CALL("what another thread writes", select(most, &input, NULL, NULL, &time));
	pthread_join(thread, NULL);
	FD_ZERO(&input);
	FD_SET(99, &input);
	time = (struct timeval){ 0, 0 };
	CALL("a descriptor of no file", select(100, &input, NULL, NULL, &time));
	CALL("fewer than none", select(-1, NULL, NULL, NULL, &time));
	time.tv_sec = -1;
	CALL("a time below 0", select(0, NULL, NULL, NULL, &time));
	time = (struct timeval){ 0, 20000 };
	CALL("nothing but time", select(0, NULL, NULL, NULL, &time));
	static const struct timespec constant = { 0, 1000000 };
	CALL("a time that cannot be written", syscall(SYS_ppoll, NULL, 0, &constant, NULL, 8));
	struct timespec precise = { 0, 2000000000 };
	CALL("pselect for a time that is none", pselect(0, NULL, NULL, NULL, &precise, NULL));
	close(end[0]);
	close(end[1]);
}

static int epoll;
static struct epoll_event told[8];

static int watch(int operation, int fd, unsigned events)
{
	struct epoll_event event = { events, { .u64 = 0x1122334455667788 } };
	return epoll_ctl(epoll, operation, fd, &event);
}

static int wait_for(int milliseconds)
{
	memset(told, 0, sizeof told);
	return epoll_wait(epoll, told, 8, milliseconds);
}

static void controlling(void)
{
	topic("epoll");
	int end[2];
	pipe(end);
	CALL("epoll_create1 with unknown flags", epoll_create1(1));
	epoll = DONE("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
	VALUE("close-on-exec", fcntl(epoll, F_GETFD));
	CALL("wait for no file", wait_for(0));
	CALL("add", watch(EPOLL_CTL_ADD, end[0], EPOLLIN));
	CALL("add again", watch(EPOLL_CTL_ADD, end[0], EPOLLIN));
	CALL("change what is not there", watch(EPOLL_CTL_MOD, end[1], EPOLLIN));
	CALL("remove what is not there", watch(EPOLL_CTL_DEL, end[1], 0));
	CALL("an unknown operation", watch(9, end[0], EPOLLIN));
	CALL("add no file", watch(EPOLL_CTL_ADD, 99, EPOLLIN));
	CALL("add itself", watch(EPOLL_CTL_ADD, epoll, EPOLLIN));
	CALL("add from nowhere", epoll_ctl(epoll, EPOLL_CTL_ADD, end[1], NULL));
	CALL("control what is no epoll", epoll_ctl(end[0], EPOLL_CTL_ADD, end[1], told));
	CALL("control no file", epoll_ctl(99, EPOLL_CTL_ADD, end[1], told));
	CALL("wait for what is no epoll", epoll_wait(end[0], told, 1, 0));
	CALL("wait for no events", epoll_wait(epoll, told, 0, 0));
	CALL("wait with nowhere to tell", (write(end[1], "x", 1), epoll_wait(epoll, (void *)8, 1, 0)));
	make_file("a", "");
	int file = open("a", O_RDWR), directory = open(".", O_RDONLY);
	CALL("add a regular file", watch(EPOLL_CTL_ADD, file, EPOLLIN));
	CALL("add a directory", watch(EPOLL_CTL_ADD, directory, EPOLLIN));
	CALL("read an epoll", read(epoll, told, 1));
	close(file);
	close(directory);
	unlink("a");
	close(epoll);
	close(end[0]);
	close(end[1]);
}

static void telling(void)
{
	int end[2];
	char byte[4];
	pipe(end);
	epoll = epoll_create1(0);
	watch(EPOLL_CTL_ADD, end[0], EPOLLIN);
	CALL("an empty pipe", wait_for(0));
	write(end[1], "ab", 2);
	CALL("a pipe with bytes", wait_for(-1));
	EVENTS("what is told", told[0].events);
	YES("the data comes back", told[0].data.u64 == 0x1122334455667788);
	read(end[0], byte, 1);
	CALL("some bytes are left", wait_for(0));
	read(end[0], byte, 1);
	CALL("no bytes are left", wait_for(0));

	watch(EPOLL_CTL_MOD, end[0], EPOLLIN | EPOLLET);
	CALL("edge: nothing", wait_for(0));
	write(end[1], "a", 1);
	CALL("edge: first byte", wait_for(0));
	CALL("edge: the same byte", wait_for(0));
	write(end[1], "b", 1);
	CALL("edge: second byte", wait_for(0));
	watch(EPOLL_CTL_MOD, end[0], EPOLLIN | EPOLLET);
	CALL("edge: asked for again", wait_for(0));

	watch(EPOLL_CTL_MOD, end[0], EPOLLIN | EPOLLONESHOT);
	CALL("once: first", wait_for(0));
	CALL("once: second", wait_for(0));
	write(end[1], "c", 1);
	CALL("once: after another byte", wait_for(0));
	watch(EPOLL_CTL_MOD, end[0], EPOLLIN | EPOLLONESHOT);
	CALL("once: asked for again", wait_for(0));
	watch(EPOLL_CTL_MOD, end[0], 0);
	CALL("asked for nothing", wait_for(0));
	watch(EPOLL_CTL_MOD, end[0], EPOLLIN);
	watch(EPOLL_CTL_ADD, end[1], EPOLLOUT);
	CALL("two files", wait_for(0));
	CALL("one of two", epoll_wait(epoll, told, 1, 0));
	unsigned long both = told[0].events;
	epoll_wait(epoll, told, 1, 0);
	YES("the other of two comes next", (both | told[0].events) == (EPOLLIN | EPOLLOUT));
	watch(EPOLL_CTL_DEL, end[1], 0);
	CALL("when one was removed", wait_for(0));
	int copy = dup(end[0]);
	close(end[0]);
	CALL("closed, a copy is open", wait_for(0));
	close(copy);
	CALL("all copies closed", wait_for(0));
	close(end[1]);
	close(epoll);
}

/* A file that was added by a number which is another file's now, and that is open under another number still. */
static void copies(void)
{
	topic("copies");
	epoll = epoll_create1(0);
	int first = eventfd(0, EFD_NONBLOCK), copy = dup(first);
	watch(EPOLL_CTL_ADD, first, EPOLLIN);
	CALL("add a copy", watch(EPOLL_CTL_ADD, copy, EPOLLIN));
	close(first);
	int second = eventfd(0, EFD_NONBLOCK);
	YES("the number is another file's", second == first);
	CALL("change what the number was", watch(EPOLL_CTL_MOD, second, EPOLLIN));
	CALL("add what it is", watch(EPOLL_CTL_ADD, second, EPOLLIN));
	write(copy, &(long){ 1 }, 8);
	CALL("both numbers of the first are told", wait_for(0));
	write(second, &(long){ 1 }, 8);
	CALL("and the second", wait_for(0));
	close(copy);
	CALL("the second alone", wait_for(0));
	close(second);
	CALL("none", wait_for(0));
	close(epoll);
}

static void ends(void)
{
	epoll = epoll_create1(0);
	int end[2], pair[2];
	pipe(end);
	watch(EPOLL_CTL_ADD, end[0], 0);
	close(end[1]);
	CALL("a pipe with nobody to write", wait_for(0));
	EVENTS("it is told unasked", told[0].events);
	close(end[0]);
	pipe(end);
	watch(EPOLL_CTL_ADD, end[1], EPOLLOUT);
	close(end[0]);
	wait_for(0);
	EVENTS("a pipe with nobody to read", told[0].events);
	close(end[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	watch(EPOLL_CTL_ADD, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	wait_for(0);
	EVENTS("a pair of sockets", told[0].events);
	shutdown(pair[1], SHUT_WR);
	wait_for(0);
	EVENTS("its peer has shut down", told[0].events);
	close(pair[1]);
	wait_for(0);
	EVENTS("its peer has closed", told[0].events);
	close(pair[0]);

	long long before = now();
	CALL("a time that passes", wait_for(30));
	YES("it has passed", now() - before >= 30);
	int counter = eventfd(0, 0), outer = epoll_create1(0);
	watch(EPOLL_CTL_ADD, counter, EPOLLIN);
	struct epoll_event event = { EPOLLIN, { .u32 = 7 } };
	CALL("an epoll in another", epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event));
	CALL("both in each other", epoll_ctl(epoll, EPOLL_CTL_ADD, outer, &event));
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	int third = epoll_create1(0);
	CALL("an epoll exclusively", epoll_ctl(third, EPOLL_CTL_ADD, epoll, &event));
	close(third);
	event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	CALL("a counter once and exclusively", epoll_ctl(outer, EPOLL_CTL_ADD, counter, &event));
	CALL("nothing in it", epoll_wait(outer, told, 8, 0));
	write(counter, &(long){ 1 }, 8);
	CALL("something in it", epoll_wait(outer, told, 8, 0));
	VALUE("the data of the other", told[0].data.u32);
	struct pollfd file = { epoll, POLLIN, 0 };
	CALL("poll an epoll", poll(&file, 1, 0));
	EVENTS("what poll tells", file.revents);
	close(outer);
	read(counter, &(long){ 0 }, 8);
	pthread_t thread;
	int pipes[2];
	pipe(pipes);
	watch(EPOLL_CTL_ADD, pipes[0], EPOLLIN);
	pthread_create(&thread, NULL, write_later, &pipes[1]);
	CALL("what another thread writes", wait_for(10000));
	pthread_join(thread, NULL);
	close(counter);
	close(pipes[0]);
	close(pipes[1]);
	close(epoll);
}

void waiting(void)
{
	polling();
	selecting();
	controlling();
	telling();
	copies();
	ends();
}
