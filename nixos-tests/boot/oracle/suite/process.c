/* The process: environment, limits, and who it is. */
#define _GNU_SOURCE
#include "check.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void environment(void)
{
	topic("environment");
	unsetenv("ORACLE");
	TEXT("what is not set", getenv("ORACLE"));
	CALL("setenv", setenv("ORACLE", "one", 1));
	TEXT("what is set", getenv("ORACLE"));
	CALL("setenv where it is set", setenv("ORACLE", "two", 0));
	TEXT("it stays", getenv("ORACLE"));
	setenv("ORACLE", "two", 1);
	TEXT("it changes", getenv("ORACLE"));
	CALL("setenv with = in the name", setenv("A=B", "x", 1));
	CALL("setenv without a name", setenv("", "x", 1));
	CALL("unsetenv", unsetenv("ORACLE"));
	TEXT("unset", getenv("ORACLE"));
	CALL("putenv", putenv("ORACLE=three"));
	TEXT("what was put", getenv("ORACLE"));
	CALL("clearenv", clearenv());
	YES("nothing is left", !environ || !environ[0]);
}

static void limits(void)
{
	topic("limits");
	struct rlimit limit;
	CALL("getrlimit", getrlimit(RLIMIT_NOFILE, &limit));
	YES("there are descriptors", limit.rlim_cur >= 256 && limit.rlim_cur <= limit.rlim_max);
	CALL("setrlimit to the same", setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	limit.rlim_cur++;
	CALL("setrlimit above the highest", setrlimit(RLIMIT_NOFILE, &limit));
	CALL("an unknown limit", getrlimit(99, &limit));
	struct rusage usage;
	CALL("getrusage", getrusage(RUSAGE_SELF, &usage));
	CALL("getrusage of whom", getrusage(99, &usage));
	VALUE("the size of a page", sysconf(_SC_PAGESIZE));
	YES("there are processors", sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	cpu_set_t set;
	CPU_ZERO(&set);
	CALL("sched_getaffinity", sched_getaffinity(0, sizeof set, &set));
	YES("it may run somewhere", CPU_COUNT(&set) >= 1);
	struct sysinfo system;
	CALL("sysinfo", sysinfo(&system));
	YES("there is memory", system.totalram > 0 && system.freeram <= system.totalram && system.mem_unit > 0);
	VALUE("sysconf of what is unknown", sysconf(9999));
}

static void identity(void)
{
	topic("identity");
	struct utsname name;
	CALL("uname", uname(&name));
	TEXT("the system", name.sysname);
	TEXT("the machine", name.machine);
	YES("it has a release", name.release[0] >= '1' && name.release[0] <= '9');
	CALL("uname to nowhere", uname(NULL));
	YES("who the process is", getpid() > 0 && getpid() == getpid());
	YES("the group of oneself", getpgid(0) == getpgrp());
	CALL("the group of nobody", getpgid(0x3fffffff));
	CALL("the session of nobody", getsid(0x3fffffff));
	CALL("a signal to nobody", syscall(SYS_kill, 0x3fffffff, 0));
	uid_t real, effective, saved;
	CALL("getresuid", getresuid(&real, &effective, &saved));
	YES("one user", real == getuid() && effective == geteuid() && real == effective);
	CALL("set the user to oneself", setuid(getuid()));
	CALL("set the group to oneself", setgid(getgid()));
	char own[17] = { 0 };
	CALL("PR_SET_NAME", prctl(PR_SET_NAME, "a name longer than fifteen bytes"));
	CALL("PR_GET_NAME", prctl(PR_GET_NAME, own));
	TEXT("the name", own);
	CALL("an unknown prctl", prctl(9999, 0, 0, 0, 0));
	unsigned char random[64] = { 0 }, other[64] = { 0 };
	CALL("getrandom", getrandom(random, sizeof random, 0));
	CALL("getrandom, other source", getrandom(other, sizeof other, GRND_RANDOM | GRND_NONBLOCK));
	YES("both differ", memcmp(random, other, sizeof random) != 0);
	CALL("getrandom with unknown flags", getrandom(random, 1, 64));
	CALL("getrandom to nowhere", getrandom(NULL, 1, 0));
	CALL("getrandom of nothing", getrandom(random, 0, 0));
	CALL("getentropy", getentropy(random, sizeof random));
	CALL("getentropy of too much", getentropy(random, 257));
	CALL("a system call that is none", syscall(9999));
}

void process(void)
{
	environment();
	limits();
	identity();
}
