/* Takes all memory that it can get, and goes on: answers whoever connects, and has the same again after giving it back. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 << 10, PORT = 7, CONNECTIONS = 16 };

struct piece {
	struct piece *next;
	char rest[PIECE - sizeof(struct piece *)];
};

/* All pieces that there are, each of them written to. */
static struct piece *take(int *count)
{
	struct piece *first = NULL;
	for (*count = 0;; ++*count) {
		struct piece *piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (piece == MAP_FAILED) return first;
		memset(piece->rest, 0x55, sizeof piece->rest);
		piece->next = first;
		first = piece;
	}
}

static void give(struct piece *piece)
{
	while (piece) {
		struct piece *next = piece->next;
		munmap(piece, PIECE);
		piece = next;
	}
}

/* Advice that pages are not needed takes no memory: they are zeros, and stay. */
static int forget(struct piece *piece)
{
	int failed = madvise(piece->rest + 4096 - sizeof piece->next, 4096, MADV_DONTNEED);
	return failed ? failed : piece->rest[4096] != 0;
}

static void stop(int signal)
{
	(void)signal;
}

/* Until a signal says that it is enough. */
static void answer(int listener)
{
	struct pollfd files[1 + CONNECTIONS] = { { listener, POLLIN, 0 } };
	int count = 1;
	while (poll(files, count, -1) > 0) {
		for (int i = count - 1; i > 0; i--) {
			char asked[64];
			if (!files[i].revents) continue;
			if (read(files[i].fd, asked, sizeof asked) > 0 && write(files[i].fd, "full\n", 5) == 5) continue;
			close(files[i].fd);
			files[i] = files[--count];
		}
		if (files[0].revents && count <= CONNECTIONS) {
			files[count++] = (struct pollfd){ accept(listener, NULL, NULL), POLLIN, 0 };
		}
	}
}

int main(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int before, after, listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, CONNECTIONS)) return 1;
	signal(SIGTERM, stop);
	setvbuf(stdout, NULL, _IONBF, 0);
	struct piece *all = take(&before);
	printf("mmap: %s, forgotten %d\n", strerror(errno), forget(all));
	answer(listener);
	give(all);
	all = take(&after);
	printf("again: %s\n", after >= before - before / 16 ? "as much" : "less");
	give(all);
	return before < 16;
}
