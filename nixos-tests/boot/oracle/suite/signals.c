/* Signals of the process to itself. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int handled, last, nested, blocked_within;
static siginfo_t information;
static pthread_t first_thread;

static void count(int signal)
{
	handled++;
	last = signal;
}

static void inform(int signal, siginfo_t *told, void *context)
{
	count(signal);
	information = *told;
}

static void nest(int signal)
{
	sigset_t set;
	if (!nested) {
		nested = 1;
		raise(signal);
	}
	sigprocmask(SIG_SETMASK, NULL, &set);
	blocked_within = sigismember(&set, signal) + 2 * sigismember(&set, SIGUSR2);
	count(signal);
}

static int act(int signal, void (*handler)(int), int flags)
{
	nested = 0;
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	return sigaction(signal, &action, NULL);
}

static int taken(void)
{
	int count = handled;
	handled = 0;
	return count;
}

static sigset_t only(int signal)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	return set;
}

static void handlers(void)
{
	CALL("set a handler", act(SIGUSR1, count, 0));
	CALL("raise", raise(SIGUSR1));
	VALUE("it was handled", taken());
	VALUE("with its number", last);
	CALL("kill oneself", kill(getpid(), SIGUSR1));
	VALUE("kill was handled", taken());
	CALL("kill without a signal", kill(getpid(), 0));
	CALL("kill with an unknown signal", kill(getpid(), 99));
	CALL("kill with a signal below 0", kill(getpid(), -1));
	CALL("a handler of SIGKILL", act(SIGKILL, count, 0));
	CALL("a handler of SIGSTOP", act(SIGSTOP, count, 0));
	CALL("ask about SIGKILL", sigaction(SIGKILL, NULL, &(struct sigaction){ 0 }));
	CALL("a handler of an unknown signal", act(99, count, 0));
	CALL("a handler of signal 0", act(0, count, 0));
	struct sigaction before;
	CALL("ask for the handler", sigaction(SIGUSR1, NULL, &before));
	YES("it is ours", before.sa_handler == count);
	YES("signal gives the handler before", signal(SIGUSR1, SIG_IGN) == count);
	raise(SIGUSR1);
	VALUE("ignored", taken());
	signal(SIGUSR1, SIG_DFL);
	raise(SIGCHLD);
	raise(SIGURG);
	raise(SIGWINCH);
	raise(SIGCONT);
	VALUE("those that go by unseen", taken());

	struct sigaction action = { .sa_sigaction = inform, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &action, NULL);
	kill(getpid(), SIGUSR1);
	VALUE("what is told: the signal", information.si_signo);
	VALUE("what is told: the code of kill", information.si_code);
	YES("what is told: who", information.si_pid == getpid() && information.si_uid == getuid());
	pthread_kill(pthread_self(), SIGUSR1);
	VALUE("what is told: the code of pthread_kill", information.si_code);
	taken();

	act(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	VALUE("raised within its handler", taken());
	VALUE("held off within its handler", blocked_within);
	action = (struct sigaction){ .sa_handler = nest };
	sigaddset(&action.sa_mask, SIGUSR2);
	nested = 0;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	VALUE("another held off as well", blocked_within);
	taken();
	act(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	VALUE("not held off within its handler", blocked_within);
	taken();
	act(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &before);
	YES("a handler that serves once", taken() == 1 && before.sa_handler == SIG_DFL);
}

static void masks(void)
{
	sigset_t set = only(SIGUSR1), before;
	act(SIGUSR1, count, 0);
	act(SIGUSR2, count, 0);
	CALL("hold a signal off", sigprocmask(SIG_BLOCK, &set, &before));
	VALUE("it was not before", sigismember(&before, SIGUSR1));
	raise(SIGUSR1);
	raise(SIGUSR1);
	VALUE("none was handled", taken());
	CALL("ask what waits", sigpending(&before));
	VALUE("it waits", sigismember(&before, SIGUSR1));
	VALUE("another does not", sigismember(&before, SIGUSR2));
	CALL("let it through", sigprocmask(SIG_UNBLOCK, &set, NULL));
	VALUE("two were one", taken());
	CALL("an unknown way", sigprocmask(9, &set, NULL));
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, &before);
	sigprocmask(SIG_SETMASK, NULL, &set);
	VALUE("nobody holds SIGKILL off", sigismember(&set, SIGKILL));
	VALUE("nobody holds SIGSTOP off", sigismember(&set, SIGSTOP));
	raise(SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
	VALUE("ignored while it waited", taken());
	act(SIGUSR2, count, 0);

	set = only(SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigset_t none;
	sigemptyset(&none);
	CALL("suspend", sigsuspend(&none));
	VALUE("what it waited for was handled", taken());
	sigprocmask(SIG_SETMASK, NULL, &before);
	VALUE("the mask is back", sigismember(&before, SIGUSR1));
	raise(SIGUSR1);
	int which;
	ERROR("sigwait", sigwait(&set, &which));
	VALUE("what it took", which);
	VALUE("nothing was handled", taken());
	struct timespec time = { 0, 20000000 };
	CALL("sigtimedwait for a time", sigtimedwait(&set, NULL, &time));
	kill(getpid(), SIGUSR1);
	CALL("sigtimedwait", sigtimedwait(&set, &information, &time));
	VALUE("what it tells", information.si_signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	VALUE("nothing is left of it", taken());
}

static void *signal_later(void *signal)
{
	rest(20);
	pthread_kill(first_thread, (long)signal);
	return NULL;
}

static void *write_later(void *end)
{
	rest(60);
	write(*(int *)end, "x", 1);
	return NULL;
}

static void interrupting(void)
{
	pthread_t thread, writer;
	int end[2];
	char byte;
	first_thread = pthread_self();
	pipe(end);
	act(SIGUSR1, count, 0);
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("read is interrupted", read(end[0], &byte, 1));
	pthread_join(thread, NULL);
	act(SIGUSR1, count, SA_RESTART);
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	pthread_create(&writer, NULL, write_later, &end[1]);
	CALL("read goes on", read(end[0], &byte, 1));
	pthread_join(thread, NULL);
	pthread_join(writer, NULL);
	VALUE("both were handled", taken());
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("poll is interrupted all the same", poll(&(struct pollfd){ end[0], POLLIN, 0 }, 1, 5000));
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("select is interrupted all the same", select(0, NULL, NULL, NULL, &(struct timeval){ 5, 0 }));
	pthread_join(thread, NULL);
	struct timespec left = { 0, 0 };
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("nanosleep is interrupted all the same", nanosleep(&(struct timespec){ 5, 0 }, &left));
	YES("it tells what is left", left.tv_sec == 4);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("pause", pause());
	pthread_join(thread, NULL);
	act(SIGUSR1, SIG_IGN, 0);
	pthread_create(&thread, NULL, signal_later, (void *)SIGUSR1);
	CALL("an ignored signal interrupts nothing", poll(&(struct pollfd){ end[0], POLLIN, 0 }, 1, 60));
	pthread_join(thread, NULL);
	close(end[0]);
	taken();
	act(SIGPIPE, count, 0);
	CALL("write where nobody reads", write(end[1], "x", 1));
	VALUE("SIGPIPE came", taken());
	close(end[1]);
	int pair[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[0]);
	CALL("send where nobody reads", send(pair[1], "x", 1, 0));
	VALUE("SIGPIPE came of send", taken());
	CALL("send where nobody reads, quietly", send(pair[1], "x", 1, MSG_NOSIGNAL));
	VALUE("SIGPIPE did not come", taken());
	close(pair[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void *take_own(void *mask)
{
	sigset_t set = only(SIGUSR2);
	int which;
	sigwait(&set, &which);
	return (void *)(long)which;
}

static void threads_of(void)
{
	sigset_t set = only(SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_t thread;
	void *value;
	pthread_create(&thread, NULL, take_own, NULL);
	ERROR("to a thread", pthread_kill(thread, SIGUSR2));
	pthread_join(thread, &value);
	VALUE("the thread took it", (long)value);
	sigset_t waiting;
	sigpending(&waiting);
	VALUE("it does not wait elsewhere", sigismember(&waiting, SIGUSR2));
	pthread_create(&thread, NULL, take_own, NULL);
	kill(getpid(), SIGUSR2);
	pthread_join(thread, &value);
	VALUE("a thread took one of the process", (long)value);
	ERROR("an unknown signal to a thread", pthread_kill(pthread_self(), 99));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void alarms(void)
{
	act(SIGALRM, count, 0);
	VALUE("no alarm before", alarm(100));
	YES("what is left of an alarm", alarm(0) >= 99);
	struct itimerval value = { .it_value = { 0, 20000 } }, before;
	CALL("setitimer", setitimer(ITIMER_REAL, &value, NULL));
	CALL("wait for it", pause());
	VALUE("SIGALRM came", taken());
	value = (struct itimerval){ .it_value = { 100, 0 }, .it_interval = { 7, 0 } };
	setitimer(ITIMER_REAL, &value, NULL);
	CALL("getitimer", getitimer(ITIMER_REAL, &before));
	VALUE("the interval", before.it_interval.tv_sec);
	YES("what is left", before.it_value.tv_sec >= 99);
	value = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &value, &before);
	YES("what was left when stopped", before.it_value.tv_sec >= 99);
	CALL("an unknown timer", getitimer(9, &before));
	value.it_value.tv_usec = 1000000;
	CALL("a time that is none", setitimer(ITIMER_REAL, &value, NULL));
	value = (struct itimerval){ .it_value = { 0, 5000 }, .it_interval = { 0, 5000 } };
	setitimer(ITIMER_REAL, &value, NULL);
	for (int tries = 0; handled < 3 && tries < 1000; tries++) pause();
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	YES("one that repeats", taken() >= 3);
}

static char *stack_start;
static int state_within, refused_within, nested_within;
enum { STACK = 64 * 1024 };

static int is_on_stack(void)
{
	char here;
	return &here >= stack_start && &here < stack_start + STACK;
}

static void nested_on_stack(int signal)
{
	nested_within = is_on_stack();
	count(signal);
}

static void see_stack(int signal, siginfo_t *told, void *context)
{
	ucontext_t *interrupted = context;
	stack_t stack;
	sigaltstack(NULL, &stack);
	state_within = is_on_stack() + 2 * !!(stack.ss_flags & SS_ONSTACK)
		+ 4 * (interrupted->uc_stack.ss_sp == stack_start && interrupted->uc_stack.ss_size == STACK);
	refused_within = sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL) ? errno : 0;
	raise(SIGUSR2);
	rest(5);
	count(signal);
}

static void *raise_in_thread(void *unused)
{
	stack_t stack;
	sigaltstack(NULL, &stack);
	raise(SIGUSR1);
	return (void *)(long)(stack.ss_flags == SS_DISABLE && !(state_within & 1));
}

static void stacks(void)
{
	stack_t stack, before;
	stack_start = malloc(STACK);
	CALL("what stack there is at first", sigaltstack(NULL, &before));
	VALUE("it is none", before.ss_flags);
	stack = (stack_t){ .ss_sp = stack_start, .ss_size = STACK };
	CALL("have a stack for handlers", sigaltstack(&stack, NULL));
	sigaltstack(NULL, &before);
	YES("it is told", before.ss_sp == stack_start && before.ss_size == STACK && before.ss_flags == 0);
	struct sigaction action = { .sa_sigaction = see_stack, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigaction(SIGUSR1, &action, NULL);
	act(SIGUSR2, nested_on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	VALUE("two handlers ran", taken());
	VALUE("on it, which is told", state_within);
	ERROR("it cannot be changed there", refused_within);
	VALUE("the second ran on it as well", nested_within);
	sigaltstack(NULL, &before);
	VALUE("it is free again", before.ss_flags);
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	taken();
	VALUE("a handler that did not ask for it", state_within & 3);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	pthread_t thread;
	void *alone;
	pthread_create(&thread, NULL, raise_in_thread, NULL);
	pthread_join(thread, &alone);
	VALUE("another thread has none", (long)alone);
	taken();
	CALL("a stack that is too small", sigaltstack(&(stack_t){ .ss_sp = stack_start, .ss_size = 100 }, NULL));
	/* Of what comes next the function of musl refuses the second. */
	CALL("unknown flags", syscall(SYS_sigaltstack, &(stack_t){ .ss_sp = stack_start, .ss_flags = 64, .ss_size = STACK }, NULL));
	CALL("the flag that is told", syscall(SYS_sigaltstack, &(stack_t){ .ss_sp = stack_start, .ss_flags = SS_ONSTACK, .ss_size = STACK }, NULL));
	stack.ss_flags = 1 << 31; /* SS_AUTODISARM */
	CALL("have it only while it is free", sigaltstack(&stack, NULL));
	raise(SIGUSR1);
	taken();
	VALUE("nobody's while a handler runs", state_within);
	sigaltstack(NULL, &before);
	YES("it is there again", before.ss_sp == stack_start && before.ss_flags == 1 << 31);
	CALL("have none", sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	sigaltstack(NULL, &before);
	VALUE("there is none", before.ss_flags);
	raise(SIGUSR1);
	VALUE("handlers run without one", taken());
	VALUE("where they can", state_within & 3);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	free(stack_start);
}

static sigjmp_buf place;

static void jump(int signal)
{
	siglongjmp(place, signal);
}

static void jumping(void)
{
	sigset_t set;
	act(SIGUSR1, jump, 0);
	int from = sigsetjmp(place, 1);
	if (!from) raise(SIGUSR1);
	VALUE("jump out of a handler", from);
	sigprocmask(SIG_SETMASK, NULL, &set);
	VALUE("the mask came along", sigismember(&set, SIGUSR1));
	stack_start = malloc(STACK);
	sigaltstack(&(stack_t){ .ss_sp = stack_start, .ss_size = STACK }, NULL);
	act(SIGUSR1, jump, SA_ONSTACK);
	for (volatile int times = 0; times < 3; times++) {
		from = sigsetjmp(place, 1);
		if (!from) raise(SIGUSR1);
		VALUE("jump off the stack for handlers", from);
	}
	CALL("it is free then", sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	free(stack_start);
	signal(SIGUSR1, SIG_DFL);
}

void signals(void)
{
	topic("signals");
	handlers();
	masks();
	interrupting();
	threads_of();
	alarms();
	stacks();
	jumping();
}
