/* eventfd and timerfd. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t count;

static unsigned ready(int fd)
{
	struct pollfd file = { fd, POLLIN | POLLOUT, 0 };
	poll(&file, 1, 0);
	return file.revents;
}

static long put(int fd, uint64_t value)
{
	return write(fd, &value, sizeof value);
}

static void *add_later(void *fd)
{
	rest(20);
	put(*(int *)fd, 5);
	return NULL;
}

static void events(void)
{
	topic("eventfd");
	int fd = DONE("make", eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	EVENTS("ready with a count", ready(fd));
	CALL("add", put(fd, 4));
	CALL("read", read(fd, &count, sizeof count));
	VALUE("the sum", count);
	EVENTS("ready with none", ready(fd));
	CALL("read none", read(fd, &count, sizeof count));
	CALL("read too few bytes", read(fd, &count, 4));
	CALL("write too few bytes", write(fd, &count, 4));
	CALL("add the largest", put(fd, UINT64_MAX));
	CALL("add all that fits", put(fd, UINT64_MAX - 1));
	CALL("add one more", put(fd, 1));
	EVENTS("ready when full", ready(fd));
	CALL("add nothing when full", put(fd, 0));
	CALL("read more bytes than it has", read(fd, (uint64_t[2]){ 0 }, 16));
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	read(fd, &count, sizeof count);
	VALUE("a semaphore counts down", count);
	read(fd, &count, sizeof count);
	VALUE("a semaphore counts down again", count);
	CALL("a semaphore at zero", read(fd, &count, sizeof count));
	close(fd);
	CALL("unknown flags", eventfd(0, 2));
	fd = eventfd(0, 0);
	pthread_t thread;
	pthread_create(&thread, NULL, add_later, &fd);
	CALL("read waits", read(fd, &count, sizeof count));
	VALUE("what it waited for", count);
	pthread_join(thread, NULL);
	close(fd);
}

static int set(int fd, int flags, long first, long interval)
{
	struct itimerspec value = {
		.it_value = { first / 1000, first % 1000 * 1000000 },
		.it_interval = { interval / 1000, interval % 1000 * 1000000 },
	};
	return timerfd_settime(fd, flags, &value, NULL);
}

static void timers(void)
{
	topic("timerfd");
	int fd = DONE("make", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
	struct itimerspec left;
	CALL("what is left of none", timerfd_gettime(fd, &left));
	YES("nothing is left", !left.it_value.tv_sec && !left.it_value.tv_nsec);
	CALL("read before it is set", read(fd, &count, sizeof count));
	CALL("set", set(fd, 0, 10000, 5000));
	CALL("read before it goes off", read(fd, &count, sizeof count));
	EVENTS("ready before it goes off", ready(fd));
	CALL("what is left", timerfd_gettime(fd, &left));
	YES("less than all is left", left.it_value.tv_sec == 9 && left.it_value.tv_nsec > 0);
	VALUE("the interval", left.it_interval.tv_sec);
	CALL("stop", set(fd, 0, 0, 0));
	timerfd_gettime(fd, &left);
	YES("nothing is left when stopped", !left.it_value.tv_sec && !left.it_value.tv_nsec);
	set(fd, 0, 10, 0);
	struct pollfd file = { fd, POLLIN, 0 };
	CALL("wait for it", poll(&file, 1, 5000));
	EVENTS("ready when it went off", file.revents);
	CALL("read too few bytes", read(fd, &count, 4));
	CALL("read when it went off", read(fd, &count, sizeof count));
	VALUE("how often", count);
	CALL("read again", read(fd, &count, sizeof count));
	set(fd, 0, 5, 5);
	rest(60);
	CALL("read of several", read(fd, &count, sizeof count));
	YES("it went off several times", count >= 5);
	struct timespec past = { 1, 0 };
	CALL("set to what is past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &(struct itimerspec){ .it_value = past }, NULL));
	file.revents = 0;
	CALL("it goes off at once", poll(&file, 1, 5000));
	CALL("a time that is none", timerfd_settime(fd, 0, &(struct itimerspec){ .it_value = { 0, 1000000000 } }, NULL));
	CALL("a time below 0", set(fd, 0, -1000, 0));
	CALL("set with unknown flags", set(fd, 64, 10, 0));
	CALL("set from nowhere", timerfd_settime(fd, 0, NULL, NULL));
	CALL("write", write(fd, &count, sizeof count));
	close(fd);
	CALL("an unknown clock", timerfd_create(99, 0));
	CALL("unknown flags", timerfd_create(CLOCK_MONOTONIC, 1));
	fd = timerfd_create(CLOCK_REALTIME, 0);
	set(fd, 0, 20, 0);
	CALL("read waits", read(fd, &count, sizeof count));
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	CALL("what is left of another file", timerfd_gettime(fd, &left));
	close(fd);
	CALL("what is left of no file", timerfd_gettime(99, &left));
}

void counters(void)
{
	events();
	timers();
}
