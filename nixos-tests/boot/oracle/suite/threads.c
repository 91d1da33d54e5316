/* Threads, and what they wait for each other with. A thread that spins yields: threads of an image run until they wait. */
#define _GNU_SOURCE
#include "check.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct timespec in(int clock, int milliseconds)
{
	struct timespec time;
	clock_gettime(clock, &time);
	long nanoseconds = time.tv_nsec + milliseconds % 1000 * 1000000L;
	return (struct timespec){ time.tv_sec + milliseconds / 1000 + nanoseconds / 1000000000, nanoseconds % 1000000000 };
}

static void *give_back(void *value)
{
	return (char *)value + 1;
}

static void *leave(void *value)
{
	pthread_exit((char *)value + 2);
}

static void *tell_number(void *unused)
{
	return (void *)(long)gettid();
}

static void *tell_self(void *to)
{
	*(pthread_t *)to = pthread_self();
	return NULL;
}

static void *detach_and_tell(void *semaphore)
{
	pthread_detach(pthread_self());
	sem_post(semaphore);
	return NULL;
}

static void *deep(void *depth)
{
	volatile char used[4096];
	used[0] = 1;
	long left = (long)depth;
	return left ? (void *)((long)deep((void *)(left - 1)) + used[0]) : NULL;
}

static void *wait_for_ever(void *unused)
{
	pause();
	return NULL;
}

static void add_one(void *to)
{
	++*(int *)to;
}

static void *cancelled_in_read(void *end)
{
	char byte;
	static int cleaned;
	pthread_cleanup_push(add_one, &cleaned);
	read(*(int *)end, &byte, 1);
	pthread_cleanup_pop(0);
	return NULL;
}

static void lives(void)
{
	topic("threads");
	pthread_t thread, self;
	void *value;
	ERROR("create", pthread_create(&thread, NULL, give_back, (void *)41));
	ERROR("join", pthread_join(thread, &value));
	VALUE("what it returned", (long)value);
	pthread_create(&thread, NULL, leave, (void *)40);
	pthread_join(thread, &value);
	VALUE("what it exited with", (long)value);
	pthread_create(&thread, NULL, tell_number, NULL);
	pthread_join(thread, &value);
	YES("it has a number of its own", (long)value > 0 && (long)value != gettid());
	YES("the first thread has the number of the process", gettid() == getpid());
	pthread_create(&thread, NULL, tell_self, &self);
	pthread_join(thread, NULL);
	YES("it knows itself", pthread_equal(thread, self));

	pthread_t many[64];
	long sum = 0;
	for (long i = 0; i < 64; i++) pthread_create(&many[i], NULL, give_back, (void *)i);
	for (int i = 0; i < 64; i++) {
		pthread_join(many[i], &value);
		sum += (long)value;
	}
	VALUE("64 threads", sum);
	for (int i = 0; i < 1000; i++) {
		if (pthread_create(&thread, NULL, give_back, NULL)) break;
		pthread_join(thread, &value);
		sum += (long)value;
	}
	VALUE("1000 threads one after another", sum);
	sem_t semaphore;
	sem_init(&semaphore, 0, 0);
	pthread_create(&thread, NULL, detach_and_tell, &semaphore);
	CALL("a detached thread ran", sem_wait(&semaphore));

	pthread_attr_t attributes;
	size_t size;
	pthread_attr_init(&attributes);
	ERROR("too small a stack", pthread_attr_setstacksize(&attributes, 100));
	ERROR("a large stack", pthread_attr_setstacksize(&attributes, 1 << 20));
	pthread_attr_getstacksize(&attributes, &size);
	VALUE("its size", size);
	pthread_create(&thread, &attributes, deep, (void *)200);
	pthread_join(thread, &value);
	VALUE("how deep it went", (long)value);

	int end[2];
	pipe(end);
	pthread_create(&thread, NULL, cancelled_in_read, &end[0]);
	rest(10);
	ERROR("cancel", pthread_cancel(thread));
	pthread_join(thread, &value);
	YES("it was cancelled", value == PTHREAD_CANCELED);
	close(end[0]);
	close(end[1]);
	pthread_create(&thread, NULL, wait_for_ever, NULL);
	pthread_cancel(thread);
	pthread_join(thread, &value);
	YES("one that waits for signals was cancelled", value == PTHREAD_CANCELED);
	pthread_create(&thread, NULL, give_back, NULL);
	rest(10);
	ERROR("join in time", pthread_timedjoin_np(thread, &value, &(struct timespec){ 1, 0 }));
	pthread_attr_destroy(&attributes);
}

static __thread int zero;
static __thread int initialised = 5;
static __thread char text[16] = "thread-local";
static __thread struct { _Alignas(64) char bytes[64]; } aligned;
static pthread_key_t key;
static int destroyed;

static void *use_own(void *unused)
{
	int fresh = zero == 0 && initialised == 5 && !strcmp(text, "thread-local");
	zero = initialised = 9;
	text[0] = 'T';
	errno = EXDEV;
	sched_yield();
	return (void *)(long)(fresh && (uintptr_t)&aligned % 64 == 0 && errno == EXDEV);
}

static void destroy(void *value)
{
	destroyed += (long)value;
}

static void *use_key(void *unused)
{
	int fresh = !pthread_getspecific(key);
	pthread_setspecific(key, (void *)3);
	return (void *)(long)fresh;
}

static void own_variables(void)
{
	topic("thread-locals");
	pthread_t threads[4];
	void *value;
	int fresh = 0;
	zero = 1;
	errno = ENODEV;
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, use_own, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &value);
		fresh += (long)value;
	}
	int kept = errno;
	VALUE("threads that found theirs fresh", fresh);
	VALUE("the first thread's stayed", zero);
	VALUE("its initialised one", initialised);
	TEXT("its text", text);
	ERROR("its errno", kept);
	YES("its alignment", (uintptr_t)&aligned % 64 == 0);
	ERROR("make a key", pthread_key_create(&key, destroy));
	pthread_setspecific(key, (void *)7);
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, use_key, NULL);
	fresh = 0;
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &value);
		fresh += (long)value;
	}
	VALUE("threads whose key was fresh", fresh);
	VALUE("values that were destroyed", destroyed);
	VALUE("the first thread's value", (long)pthread_getspecific(key));
	ERROR("delete the key", pthread_key_delete(key));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long shared;

static void *add_under_lock(void *unused)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		long before = shared;
		if (i % 100 == 0) sched_yield();
		shared = before + 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *try_lock(void *which)
{
	return (void *)(long)pthread_mutex_trylock(which);
}

static void *lock_until(void *which)
{
	struct timespec until = in(CLOCK_REALTIME, 20);
	return (void *)(long)pthread_mutex_timedlock(which, &until);
}

static void mutexes(void)
{
	topic("mutexes");
	pthread_t threads[4];
	void *value;
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, add_under_lock, NULL);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
	VALUE("four threads counted", shared);
	pthread_mutex_lock(&mutex);
	pthread_create(threads, NULL, try_lock, &mutex);
	pthread_join(threads[0], &value);
	ERROR("another thread tries", (long)value);
	pthread_create(threads, NULL, lock_until, &mutex);
	pthread_join(threads[0], &value);
	ERROR("another thread waits for a time", (long)value);
	pthread_mutex_unlock(&mutex);

	pthread_mutexattr_t attributes;
	pthread_mutex_t checked, recursive;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checked, &attributes);
	ERROR("unlock what is not locked", pthread_mutex_unlock(&checked));
	ERROR("lock", pthread_mutex_lock(&checked));
	ERROR("lock again", pthread_mutex_lock(&checked));
	pthread_mutex_unlock(&checked);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &attributes);
	pthread_mutex_lock(&recursive);
	ERROR("lock again where that is allowed", pthread_mutex_lock(&recursive));
	pthread_mutex_unlock(&recursive);
	pthread_create(threads, NULL, try_lock, &recursive);
	pthread_join(threads[0], &value);
	ERROR("another thread tries while it is locked once", (long)value);
	pthread_mutex_unlock(&recursive);
	ERROR("unlock once more than locked", pthread_mutex_unlock(&recursive));
	ERROR("an unknown type", pthread_mutexattr_settype(&attributes, 99));
}

static int turn;

static void *take_turns(void *parity)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 2 != (long)parity) pthread_cond_wait(&condition, &mutex);
		turn++;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static int waiting_threads, woken_threads, open_gate;

static void *pass_gate(void *unused)
{
	pthread_mutex_lock(&mutex);
	waiting_threads++;
	while (!open_gate) pthread_cond_wait(&condition, &mutex);
	woken_threads++;
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void conditions(void)
{
	topic("conditions");
	pthread_t threads[5];
	for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, take_turns, (void *)i);
	for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
	VALUE("turns that two threads took", turn);
	for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, pass_gate, NULL);
	while (waiting_threads < 5) rest(1);
	pthread_mutex_lock(&mutex);
	VALUE("threads before the gate opens", waiting_threads - woken_threads);
	open_gate = 1;
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 5; i++) pthread_join(threads[i], NULL);
	VALUE("threads that a broadcast woke", woken_threads);
	pthread_mutex_lock(&mutex);
	struct timespec until = in(CLOCK_REALTIME, 20);
	long long before = now();
	ERROR("wait for a time", pthread_cond_timedwait(&condition, &mutex, &until));
	YES("it has passed", now() - before >= 19);
	until.tv_nsec = 1000000000;
	ERROR("wait for a time that is none", pthread_cond_timedwait(&condition, &mutex, &until));
	ERROR("the mutex is locked again", pthread_mutex_trylock(&mutex));
	pthread_mutex_unlock(&mutex);
	pthread_condattr_t attributes;
	pthread_cond_t steady;
	pthread_condattr_init(&attributes);
	ERROR("another clock", pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
	pthread_cond_init(&steady, &attributes);
	pthread_mutex_lock(&mutex);
	until = in(CLOCK_MONOTONIC, 20);
	ERROR("wait by another clock", pthread_cond_timedwait(&steady, &mutex, &until));
	pthread_mutex_unlock(&mutex);
	ERROR("signal nobody", pthread_cond_signal(&condition));
}

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int counted, serial;

static void *try_to_read(void *unused)
{
	int error = pthread_rwlock_tryrdlock(&lock);
	if (!error) pthread_rwlock_unlock(&lock);
	return (void *)(long)error;
}

static void *try_to_write(void *unused)
{
	int error = pthread_rwlock_trywrlock(&lock);
	if (!error) pthread_rwlock_unlock(&lock);
	return (void *)(long)error;
}

static void count_once(void)
{
	counted++;
}

static void *meet(void *unused)
{
	pthread_once(&once, count_once);
	serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
	return NULL;
}

static int error_in_thread(void *(*function)(void *))
{
	pthread_t thread;
	void *value;
	pthread_create(&thread, NULL, function, NULL);
	pthread_join(thread, &value);
	return (long)value;
}

static void *post_later(void *semaphore)
{
	rest(20);
	sem_post(semaphore);
	return NULL;
}

static void others(void)
{
	topic("locks");
	pthread_rwlock_rdlock(&lock);
	ERROR("read beside a reader", error_in_thread(try_to_read));
	ERROR("write beside a reader", error_in_thread(try_to_write));
	pthread_rwlock_unlock(&lock);
	pthread_rwlock_wrlock(&lock);
	ERROR("read beside a writer", error_in_thread(try_to_read));
	ERROR("write beside a writer", error_in_thread(try_to_write));
	pthread_rwlock_unlock(&lock);
	ERROR("write beside nobody", error_in_thread(try_to_write));

	pthread_t threads[4];
	ERROR("a barrier for nobody", pthread_barrier_init(&barrier, NULL, 0));
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, meet, NULL);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
	VALUE("threads that the barrier chose", serial);
	VALUE("what is done once", counted);

	sem_t semaphore;
	int value;
	CALL("make a semaphore", sem_init(&semaphore, 0, 1));
	CALL("take it", sem_wait(&semaphore));
	CALL("try to take it", sem_trywait(&semaphore));
	struct timespec until = in(CLOCK_REALTIME, 20);
	CALL("take it in time", sem_timedwait(&semaphore, &until));
	sem_post(&semaphore);
	CALL("its value", sem_getvalue(&semaphore, &value));
	VALUE("the value", value);
	sem_wait(&semaphore);
	pthread_create(threads, NULL, post_later, &semaphore);
	CALL("take what another thread posts", sem_wait(&semaphore));
	pthread_join(threads[0], NULL);
	CALL("too large a semaphore", sem_init(&semaphore, 0, (unsigned)INT_MAX + 1));
	CALL("yield", sched_yield());
}

/* Operations of futex(2), whose header is the kernel's. */
enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_WAIT_PRIVATE = 128,
};

static _Alignas(8) atomic_int word, second;

static long futex(atomic_int *at, int operation, int value, const void *time, atomic_int *other, int bits)
{
	return syscall(SYS_futex, at, operation, value, time, other, bits);
}

static void *sleep_on_word(void *unused)
{
	return (void *)futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void *sleep_on_bit(void *unused)
{
	return (void *)futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 2);
}

/* Wakes until as many threads were woken: they sleep some time after they were made. */
static long wake(atomic_int *at, int operation, int wanted, int bits)
{
	long woken = 0;
	for (int tries = 0; tries < 1000 && woken < wanted; tries++) {
		woken += futex(at, operation, wanted - woken, NULL, NULL, bits);
		rest(1);
	}
	return woken;
}

static void words(void)
{
	topic("futex");
	word = 1;
	struct timespec time = { 0, 20000000 };
	CALL("wait for another value", futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0));
	CALL("wait for a time", futex(&word, FUTEX_WAIT_PRIVATE, 1, &time, NULL, 0));
	time.tv_nsec = 1000000000;
	CALL("wait for a time that is none", futex(&word, FUTEX_WAIT, 1, &time, NULL, 0));
	time = (struct timespec){ 1, 0 };
	CALL("wait until what is past", futex(&word, FUTEX_WAIT_BITSET, 1, &time, NULL, -1));
	CALL("wait for no bits", futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
	CALL("wake nobody", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	CALL("wake no bits", futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	CALL("a word that is not aligned", futex((void *)((char *)&word + 1), FUTEX_WAKE, 1, NULL, NULL, 0));
	CALL("a word that is not there", futex((void *)8, FUTEX_WAIT, 1, NULL, NULL, 0));
	CALL("an unknown operation", futex(&word, 99, 1, NULL, NULL, 0));
	pthread_t threads[3];
	for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, sleep_on_word, NULL);
	VALUE("three sleepers woken", wake(&word, FUTEX_WAKE, 3, 0));
	void *value;
	long sum = 0;
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &value);
		sum += (long)value;
	}
	VALUE("what they got", sum);
	pthread_create(threads, NULL, sleep_on_bit, NULL);
	rest(10);
	CALL("wake by another bit", futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 1));
	VALUE("wake by its bit", wake(&word, FUTEX_WAKE_BITSET, 1, 2));
	pthread_join(threads[0], NULL);
	CALL("move with another value", futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)9, &second, 7));
	for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, sleep_on_word, NULL);
	long moved = 0;
	for (int tries = 0; tries < 1000 && moved < 2; tries++) {
		moved += futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)9, &second, 1);
		rest(1);
	}
	VALUE("two sleepers moved", moved);
	CALL("wake where they were", futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));
	VALUE("wake where they are", wake(&second, FUTEX_WAKE, 2, 0));
	for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

void threads(void)
{
	lives();
	own_variables();
	mutexes();
	conditions();
	others();
	words();
}
