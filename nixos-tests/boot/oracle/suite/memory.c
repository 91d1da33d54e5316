/* mmap and what belongs to it. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, READ_WRITE = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(void *at, size_t length, int protection, int flags)
{
	return mmap(at, length, protection, flags, -1, 0);
}

/* Whether memory can be written or read, as the kernel sees it: a call says so where an access would end the program. */
static int can(const char *address, int write_it)
{
	int end[2];
	pipe(end);
	write(end[1], "x", 1);
	long done = write_it ? read(end[0], (char *)address, 1) : write(end[1], address, 1);
	close(end[0]);
	close(end[1]);
	return done == 1;
}

static void anonymous(void)
{
	char *memory = map(NULL, 4 * PAGE, READ_WRITE, ANONYMOUS);
	YES("map", memory != MAP_FAILED);
	YES("it begins at a page", (uintptr_t)memory % PAGE == 0);
	int zero = 1;
	for (int i = 0; i < 4 * PAGE; i++) zero &= !memory[i];
	YES("it is zero", zero);
	memset(memory, 'm', 4 * PAGE);
	CALL("protect the second page", mprotect(memory + PAGE, PAGE, PROT_READ));
	YES("it can be read", can(memory + PAGE, 0));
	YES("it cannot be written", !can(memory + PAGE, 1));
	YES("the page before can be written", can(memory, 1));
	YES("the page behind can be written", can(memory + 2 * PAGE, 1));
	CALL("take all access away", mprotect(memory + PAGE, PAGE, PROT_NONE));
	YES("it cannot be read", !can(memory + PAGE, 0));
	CALL("give access back", mprotect(memory + PAGE, PAGE, READ_WRITE));
	VALUE("what was there is there", memory[PAGE]);
	/* The function of musl rounds it down. */
	CALL("protect at an odd address", syscall(SYS_mprotect, memory + 1, PAGE, PROT_READ));
	CALL("protect nothing", mprotect(memory, 0, PROT_NONE));
	CALL("give a page up", madvise(memory + 2 * PAGE, PAGE, MADV_DONTNEED));
	VALUE("it is zero again", memory[2 * PAGE]);
	VALUE("the page behind it is not", memory[3 * PAGE]);
	CALL("advise what is unknown", madvise(memory, PAGE, 9999));
	CALL("advise at an odd address", madvise(memory + 1, PAGE, MADV_DONTNEED));
	CALL("unmap the second page", munmap(memory + PAGE, PAGE));
	YES("it is gone", !can(memory + PAGE, 0));
	YES("the page before is not", can(memory, 0));
	YES("the page behind is not", can(memory + 2 * PAGE, 0));
	CALL("protect what has a hole", mprotect(memory, 4 * PAGE, PROT_READ));
	CALL("advise what has a hole", madvise(memory, 4 * PAGE, MADV_DONTNEED));
	CALL("synchronize what has a hole", msync(memory, 4 * PAGE, MS_SYNC));
	CALL("unmap the hole", munmap(memory + PAGE, PAGE));
	YES("map into the hole", map(memory + PAGE, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE) == memory + PAGE);
	CALL("map where something is", (long)map(memory + PAGE, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE));
	memory[PAGE] = 'n';
	YES("map over what is there", map(memory + PAGE, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED) == memory + PAGE);
	VALUE("it is zero then", memory[PAGE]);
	YES("a hint where something is", map(memory, PAGE, READ_WRITE, ANONYMOUS) != memory);
	CALL("unmap all", munmap(memory, 4 * PAGE));
	CALL("unmap all again", munmap(memory, 4 * PAGE));
	YES("a hint where nothing is", map(memory, PAGE, READ_WRITE, ANONYMOUS) == memory);
	munmap(memory, PAGE);
}

static void refused(void)
{
	CALL("map nothing", (long)map(NULL, 0, READ_WRITE, ANONYMOUS));
	CALL("map more than there is", (long)map(NULL, SIZE_MAX - PAGE, READ_WRITE, ANONYMOUS));
	CALL("map neither private nor shared", (long)map(NULL, PAGE, READ_WRITE, MAP_ANONYMOUS));
	CALL("map at a fixed odd address", (long)map((void *)0x700000000001, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED));
	CALL("map no file", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
	CALL("unmap at an odd address", munmap((void *)1, PAGE));
	CALL("unmap nothing", munmap((void *)PAGE, 0));
	CALL("unmap more than there is", munmap((void *)PAGE, SIZE_MAX - 2 * PAGE));
	char *memory = map(NULL, PAGE, READ_WRITE, ANONYMOUS);
	CALL("protect with unknown bits", mprotect(memory, PAGE, 0x100));
	CALL("synchronize both ways", msync(memory, PAGE, MS_SYNC | MS_ASYNC));
	CALL("synchronize at an odd address", msync(memory + 1, PAGE, MS_SYNC));
	CALL("synchronize", msync(memory, PAGE, MS_SYNC));
	munmap(memory, PAGE);
}

static void files(void)
{
	char first[PAGE + 100];
	int fd = open("a", O_CREAT | O_TRUNC | O_RDWR, 0644);
	memset(first, 'f', sizeof first);
	write(fd, first, sizeof first);
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	YES("map a file", memory != MAP_FAILED && memory[0] == 'f' && memory[PAGE + 99] == 'f');
	VALUE("behind its end", memory[PAGE + 100]);
	munmap(memory, 2 * PAGE);
	memory = mmap(NULL, PAGE, READ_WRITE, MAP_PRIVATE, fd, PAGE);
	YES("map from the second page on", memory[99] == 'f' && !memory[100]);
	memory[0] = 'g';
	char byte;
	pread(fd, &byte, 1, PAGE);
	BYTES("what is written privately stays out of the file", &byte, 1);
	close(fd);
	YES("the file closed, it is mapped", memory[0] == 'g' && memory[1] == 'f');
	munmap(memory, PAGE);
	fd = open("a", O_RDONLY);
	CALL("map at an odd offset", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
	CALL("map to write what is open to read", (long)mmap(NULL, PAGE, READ_WRITE, MAP_SHARED, fd, 0));
	memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	YES("map shared to read", memory != MAP_FAILED && memory[0] == 'f');
	munmap(memory, PAGE);
	close(fd);
	fd = open("a", O_WRONLY);
	CALL("map what is open to write", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	unlink("a");
	int end[2];
	pipe(end);
	CALL("map a pipe", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, end[0], 0));
	close(end[0]);
	close(end[1]);
}

static void moving(void)
{
	char *memory = map(NULL, 3 * PAGE, READ_WRITE, ANONYMOUS);
	strcpy(memory, "kept");
	char *smaller = mremap(memory, 3 * PAGE, PAGE, 0);
	YES("shrink in place", smaller == memory);
	YES("the rest is gone", !can(memory + PAGE, 0));
	YES("grow in place", mremap(memory, PAGE, 2 * PAGE, 0) == memory);
	VALUE("what came is zero", memory[PAGE]);
	map(memory + 2 * PAGE, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED);
	CALL("grow where something is", (long)mremap(memory, 2 * PAGE, 4 * PAGE, 0));
	mprotect(memory + 2 * PAGE, PAGE, PROT_NONE);
	char *moved = mremap(memory, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	YES("grow and move", moved != MAP_FAILED && moved != memory);
	TEXT("what it holds", moved);
	YES("where it was is nothing", !can(memory, 0));
	VALUE("its end is zero", moved[64 * PAGE - 1]);
	CALL("remap to nothing", (long)mremap(moved, PAGE, 0, MREMAP_MAYMOVE));
	CALL("remap at an odd address", (long)mremap(moved + 1, PAGE, PAGE, 0));
	CALL("remap with unknown flags", (long)mremap(moved, PAGE, PAGE, 64));
	CALL("remap what is not there", (long)mremap(memory, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	munmap(moved, 64 * PAGE);
	munmap(memory + 2 * PAGE, PAGE);
}

static void moving_to_a_place(void)
{
	char *memory = map(NULL, 8 * PAGE, READ_WRITE, ANONYMOUS);
	for (int page = 0; page < 8; page++) memory[page * PAGE] = 'a' + page;
	char *old = memory, *new = memory + 4 * PAGE;
	YES("move to a place", mremap(old, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, new) == new);
	VALUE("what it holds there", new[0]);
	VALUE("in its second page", new[PAGE]);
	VALUE("what is behind it", new[2 * PAGE]);
	YES("where it was is nothing", !can(old, 0) && !can(old + PAGE, 0));
	YES("the page behind it is there", can(old + 2 * PAGE, 0));
	YES("move and grow", mremap(new, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, old) == old);
	VALUE("what it holds then", old[0]);
	VALUE("what came is zero there", old[PAGE]);
	YES("move and shrink", mremap(old, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, new) == new);
	YES("all of where it was is nothing", !can(old, 0) && !can(old + PAGE, 0));
	YES("move with its protection", !mprotect(new, PAGE, PROT_READ)
		&& mremap(new, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, old) == old
		&& can(old, 0) && !can(old, 1));
	CALL("move without leave", (long)mremap(old, PAGE, PAGE, MREMAP_FIXED, new));
	CALL("move to an odd place", (long)mremap(old, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, new + 1));
	CALL("move onto itself", (long)mremap(old, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, old));
	CALL("move onto its end", (long)mremap(memory + 5 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		memory + 6 * PAGE));
	CALL("move what is not there", (long)mremap(memory + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		memory + 5 * PAGE));

	old = memory + 6 * PAGE;
	strcpy(old, "left");
	new = mremap(old, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	YES("move and leave the pages", new != MAP_FAILED && new != old);
	TEXT("what came along", new);
	VALUE("what was left", old[0]);
	YES("it can be written", can(old, 1));
	CALL("leave the pages and grow", (long)mremap(old, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	CALL("leave the pages and stay", (long)mremap(old, PAGE, PAGE, MREMAP_DONTUNMAP, NULL));
	munmap(new, PAGE);
	munmap(memory, 8 * PAGE);
}

struct blocked {
	int from;
	char *to;
	int error;
};

static void *read_from(void *blocked)
{
	struct blocked *of = blocked;
	of->error = read(of->from, of->to, PAGE) < 0 ? errno : 0;
	return NULL;
}

static void *receive_from(void *blocked)
{
	struct blocked *of = blocked;
	of->error = recv(of->from, of->to, PAGE, 0) < 0 ? errno : 0;
	return NULL;
}

/* Memory that another thread takes away from one that waits to fill it. */
static void taken_away(void)
{
	static const struct { const char *what; void *(*read)(void *); } ways[] = {
		{ "read from a pipe into what was taken away", read_from },
		{ "receive into what was taken away", receive_from },
	};
	for (size_t way = 0; way < LENGTH(ways); way++) {
		int end[2];
		pthread_t thread;
		if (way) socketpair(AF_UNIX, SOCK_STREAM, 0, end); else pipe(end);
		struct blocked blocked = { end[0], map(NULL, PAGE, READ_WRITE, ANONYMOUS), 0 };
		pthread_create(&thread, NULL, ways[way].read, &blocked);
		rest(20);
		munmap(blocked.to, PAGE);
		write(end[1], "late", 4);
		pthread_join(thread, NULL);
		ERROR(ways[way].what, blocked.error);
		close(end[0]);
		close(end[1]);
	}
}

static void heap(void)
{
	uintptr_t begin = syscall(SYS_brk, 0);
	YES("the break", begin != 0);
	YES("move it", (uintptr_t)syscall(SYS_brk, begin + 3 * PAGE) == begin + 3 * PAGE);
	char *memory = (char *)begin;
	int zero = 1;
	for (int i = 0; i < 3 * PAGE; i++) zero &= !memory[i];
	YES("what came is zero", zero);
	memset(memory, 'b', 3 * PAGE);
	YES("move it back", (uintptr_t)syscall(SYS_brk, begin + PAGE) == begin + PAGE);
	syscall(SYS_brk, begin + 2 * PAGE);
	VALUE("what came again is zero", memory[PAGE]);
	YES("below its begin", (uintptr_t)syscall(SYS_brk, PAGE) == begin + 2 * PAGE);
	YES("far beyond", (uintptr_t)syscall(SYS_brk, begin + (1L << 46)) == begin + 2 * PAGE);
	syscall(SYS_brk, begin);

	char *block = malloc(100000);
	YES("malloc", block != NULL);
	memset(block, 'h', 100000);
	block = realloc(block, 3000000);
	YES("realloc keeps what was there", block && block[0] == 'h' && block[99999] == 'h');
	free(block);
	YES("calloc gives zeros", (block = calloc(1000, 77)) && !block[0] && !block[76999]);
	free(block);
	YES("calloc of more than can be counted", !calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
	YES("malloc of more than there is", !malloc(PTRDIFF_MAX) && errno == ENOMEM);
	void *aligned = NULL;
	ERROR("posix_memalign", posix_memalign(&aligned, 4096, 5000));
	YES("it is aligned", (uintptr_t)aligned % 4096 == 0);
	free(aligned);
	ERROR("posix_memalign to what is no power of two", posix_memalign(&aligned, 24, 5000));
	int right = 1;
	void *blocks[1000];
	for (int i = 0; i < 1000; i++) memset(blocks[i] = malloc(i * 13 % 5000 + 1), i, i * 13 % 5000 + 1);
	for (int i = 0; i < 1000; i++) {
		unsigned char *bytes = blocks[i];
		right &= bytes[0] == i % 256 && bytes[i * 13 % 5000] == i % 256;
		free(blocks[i]);
	}
	YES("a thousand blocks keep apart", right);
}

void memory(void)
{
	topic("memory");
	anonymous();
	refused();
	files();
	moving();
	moving_to_a_place();
	taken_away();
	topic("heap");
	heap();
}
