/* Clocks, sleeping, and dates. */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static struct timespec shown(int clock)
{
	struct timespec time = { -1, -1 };
	clock_gettime(clock, &time);
	return time;
}

static int in_order(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

static void clocks(void)
{
	static const struct { int clock; const char *name; } all[] = {
		{ CLOCK_REALTIME, "CLOCK_REALTIME" }, { CLOCK_MONOTONIC, "CLOCK_MONOTONIC" },
		{ CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID" }, { CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID" },
		{ CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW" }, { CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE" },
		{ CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE" }, { CLOCK_BOOTTIME, "CLOCK_BOOTTIME" },
	};
	struct timespec told;
	for (size_t i = 0; i < LENGTH(all); i++) {
		CALL(all[i].name, clock_gettime(all[i].clock, &told));
		YES("shows a time", told.tv_sec >= 0 && told.tv_nsec >= 0 && told.tv_nsec < 1000000000);
	}
	CALL("an unknown clock", clock_gettime(99, &told));
	CALL("the resolution", clock_getres(CLOCK_MONOTONIC, &told));
	YES("it is fine", told.tv_sec == 0 && told.tv_nsec > 0 && told.tv_nsec <= 10000000);
	CALL("the resolution of an unknown clock", clock_getres(99, &told));
	struct timespec before = shown(CLOCK_MONOTONIC);
	int steady = 1;
	for (int i = 0; i < 1000; i++) {
		struct timespec after = shown(CLOCK_MONOTONIC);
		steady &= in_order(before, after);
		before = after;
	}
	YES("it never goes back", steady);
	struct timeval day;
	CALL("gettimeofday", gettimeofday(&day, NULL));
	time_t seconds = time(NULL);
	YES("time agrees with it", seconds - day.tv_sec >= 0 && seconds - day.tv_sec <= 2);
	YES("time stores what it returns", time(&seconds) == seconds);
	YES("the date is after 2020", seconds > 1577836800);
	YES("times", times(&(struct tms){ 0 }) != (clock_t)-1);
	VALUE("ticks of a second", sysconf(_SC_CLK_TCK));
}

static void sleeping(void)
{
	long long before = now();
	CALL("nanosleep", nanosleep(&(struct timespec){ 0, 20000000 }, NULL));
	YES("it slept", now() - before >= 20);
	before = now();
	CALL("usleep", usleep(15000));
	YES("usleep slept", now() - before >= 15);
	CALL("sleep of nothing", sleep(0));
	CALL("nanosleep of no time", nanosleep(&(struct timespec){ 0, 0 }, NULL));
	CALL("nanosleep below 0", nanosleep(&(struct timespec){ -1, 0 }, NULL));
	CALL("nanosleep of what is none", nanosleep(&(struct timespec){ 0, 1000000000 }, NULL));
	CALL("nanosleep from nowhere", nanosleep(NULL, NULL));
	struct timespec until = shown(CLOCK_MONOTONIC);
	until.tv_nsec += 20000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	ERROR("sleep until a time", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
	YES("the time has come", in_order(until, shown(CLOCK_MONOTONIC)));
	ERROR("sleep until what is past", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 1, 0 }, NULL));
	ERROR("sleep by an unknown clock", clock_nanosleep(99, 0, &until, NULL));
	ERROR("sleep by the thread's own clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &until, NULL));
}

static void dates(void)
{
	char text[64];
	struct tm tm;
	setenv("TZ", "UTC0", 1);
	tzset();
	time_t second = 1234567890;
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", gmtime_r(&second, &tm));
	TEXT("gmtime", text);
	VALUE("mktime", mktime(&tm));
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	strftime(text, sizeof text, "%F %T %Z", localtime_r(&second, &tm));
	TEXT("localtime in winter", text);
	second = 1246406400;
	strftime(text, sizeof text, "%F %T %Z", localtime_r(&second, &tm));
	TEXT("localtime in summer", text);
	YES("strptime", strptime("2001-02-03 04:05:06", "%Y-%m-%d %H:%M:%S", &tm) != NULL);
	VALUE("a day of the year", tm.tm_mday + 100 * tm.tm_mon);
	tm = (struct tm){ .tm_year = 100, .tm_mon = 1, .tm_mday = 30 };
	YES("timegm goes over to the next month", timegm(&tm) == 951868800 && tm.tm_mon == 2);
	unsetenv("TZ");
	tzset();
}

/* Named so that it leaves time(2) its name. */
static volatile sig_atomic_t rung, told_value, told_code, told_missed;

static void ring(int signal, siginfo_t *information, void *context)
{
	(void)signal, (void)context;
	rung++;
	told_value = information->si_value.sival_int;
	told_code = information->si_code;
	told_missed = information->si_overrun;
}

/* Waits until a timer has rung so often, or for a long time. */
static void wait_for_ring(int times)
{
	for (int turn = 0; rung < times && turn < 500; turn++) nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

static void ring_in_thread(union sigval value)
{
	told_value = value.sival_int;
	rung++;
}

static int set(timer_t timer, int flags, long first, long interval)
{
	struct itimerspec time = { { 0, interval }, { 0, first } };
	return timer_settime(timer, flags, &time, NULL);
}

static void timers(void)
{
	topic("timer");
	timer_t timer;
	struct itimerspec left = { { 9, 9 }, { 9, 9 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
	sigaction(SIGUSR1, &(struct sigaction){ .sa_sigaction = ring, .sa_flags = SA_SIGINFO | SA_RESTART }, NULL);
	CALL("by an unknown clock", timer_create(99, &event, &timer));
	event.sigev_signo = 65;
	CALL("with an unknown signal", timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_signo = SIGUSR1;
	event.sigev_notify = 77;
	CALL("told in an unknown way", timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_notify = SIGEV_SIGNAL;
	CALL("make", timer_create(CLOCK_MONOTONIC, &event, &timer));
	CALL("what is left of one that is off", timer_gettime(timer, &left));
	YES("nothing", !left.it_value.tv_sec && !left.it_value.tv_nsec && !left.it_interval.tv_sec && !left.it_interval.tv_nsec);
	long long before = now();
	CALL("set", set(timer, 0, 20000000, 0));
	CALL("what is left", timer_gettime(timer, &left));
	YES("not more than it was set to", left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20000000);
	wait_for_ring(1);
	YES("it took its time", now() - before >= 20);
	VALUE("how often", rung);
	VALUE("its value", told_value);
	YES("it comes from a timer", told_code == SI_TIMER);
	VALUE("how often it was missed", told_missed);
	CALL("the same, asked for", timer_getoverrun(timer));
	timer_gettime(timer, &left);
	YES("it is off again", !left.it_value.tv_sec && !left.it_value.tv_nsec);

	sigset_t signal, all_before;
	sigemptyset(&signal);
	sigaddset(&signal, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signal, &all_before);
	rung = 0;
	CALL("again and again", set(timer, 0, 10000000, 10000000));
	nanosleep(&(struct timespec){ 0, 75000000 }, NULL);
	VALUE("held off", rung);
	sigprocmask(SIG_SETMASK, &all_before, NULL);
	YES("it has rung", rung >= 1);
	YES("and was missed before", told_missed >= 3);
	struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	CALL("set off", timer_settime(timer, 0, &off, &left));
	VALUE("the interval before", left.it_interval.tv_nsec);
	YES("what was left", left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 10000000);
	rung = 0;
	CALL("set to what is past", set(timer, TIMER_ABSTIME, 1, 0));
	wait_for_ring(1);
	VALUE("it rings at once", rung);
	CALL("set to a time that is none", set(timer, 0, 1000000000, 0));
	CALL("set from nowhere", timer_settime(timer, 0, NULL, NULL));
	CALL("delete", timer_delete(timer));
	CALL("delete again", timer_delete(timer));
	CALL("set one that is gone", set(timer, 0, 1, 0));
	CALL("ask one that is gone", timer_gettime(timer, &left));
	CALL("ask how often it was missed", timer_getoverrun(timer));

	event = (struct sigevent){ .sigev_notify = SIGEV_NONE };
	CALL("one that tells nobody", timer_create(CLOCK_REALTIME, &event, &timer));
	set(timer, 0, 999000000, 0);
	timer_gettime(timer, &left);
	YES("it runs", left.it_value.tv_nsec > 0);
	timer_delete(timer);
	event = (struct sigevent){ .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring_in_thread, .sigev_value.sival_int = 7 };
	rung = 0;
	CALL("one that has a thread", timer_create(CLOCK_MONOTONIC, &event, &timer));
	CALL("set it", set(timer, 0, 5000000, 5000000));
	wait_for_ring(2);
	YES("it was called", rung >= 2);
	VALUE("with its value", told_value);
	CALL("delete it", timer_delete(timer));
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

void times_and_dates(void)
{
	topic("time");
	clocks();
	sleeping();
	dates();
	timers();
}
