/* Name servers as the C library sees them: `ask` asks one that runs here, `lease` shows those that a lease brings. */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Parts of a message (RFC 1035, section 4.1). */
enum { HEADER = 12, FLAGS = 2, ANSWERS = 7, RESPONSE = 0x84, NO_SUCH_NAME = 3, TYPE_A = 1, TYPE_AAAA = 28 };

static const char known[] = "\4name\4test";

/* Appends an answer for the name that the question has; says how many bytes it has. */
static size_t answer(unsigned char *to, int type)
{
	int length = type == TYPE_A ? 4 : 16;
	const unsigned char record[] = { 0xc0, HEADER, 0, type, 0, 1, 0, 0, 0, 60, 0, length };
	memcpy(to, record, sizeof record);
	inet_pton(type == TYPE_A ? AF_INET : AF_INET6, type == TYPE_A ? "192.0.2.7" : "2001:db8::7", to + sizeof record);
	return sizeof record + length;
}

/* Answers questions, one after the other. */
static void *serve(void *server)
{
	for (;;) {
		unsigned char message[512];
		struct sockaddr_in client;
		socklen_t address = sizeof client;
		ssize_t length = recvfrom(*(int *)server, message, 256, 0, (struct sockaddr *)&client, &address);
		if (length < HEADER + (ssize_t)sizeof known + 4) continue;
		int type = message[HEADER + sizeof known + 1];
		int is_known = !memcmp(message + HEADER, known, sizeof known);
		message[FLAGS] = RESPONSE;
		message[FLAGS + 1] = is_known ? 0 : NO_SUCH_NAME;
		if (is_known && (type == TYPE_A || type == TYPE_AAAA)) {
			message[ANSWERS] = 1;
			length += answer(message + length, type);
		}
		sendto(*(int *)server, message, length, 0, (struct sockaddr *)&client, address);
	}
}

static void show(const char *name, const char *how, int family)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM }, *found;
	int error = getaddrinfo(name, "80", &hints, &found);
	if (error) {
		printf("%s%s: %s\n", name, how, gai_strerror(error));
		return;
	}
	/* Which comes first is for RFC 6724 to say: IPv4 is shown first. */
	for (int wanted = AF_INET; wanted; wanted = wanted == AF_INET ? AF_INET6 : 0) {
		for (struct addrinfo *one = found; one; one = one->ai_next) {
			char text[64];
			if (one->ai_family != wanted) continue;
			getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
			printf("%s%s: %s\n", name, how, text);
		}
	}
	freeaddrinfo(found);
}

static int ask(void)
{
	static int server;
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(INADDR_ANY) } };
	pthread_t thread;
	server = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server, (struct sockaddr *)&here, sizeof here) || pthread_create(&thread, NULL, serve, &server)) {
		perror("name server");
		return 1;
	}
	show("name.test", "", AF_UNSPEC);
	show("name.test", " by IPv4 alone", AF_INET);
	show("other.test", "", AF_UNSPEC);
	return 0;
}

/* Waits until the network has told of a server. */
static int lease(void)
{
	for (int turn = 0; turn < 300; turn++) {
		FILE *file = fopen("/etc/resolv.conf", "r");
		char line[128];
		if (file && fgets(line, sizeof line, file)) {
			fputs(line, stdout);
			return 0;
		}
		if (file) fclose(file);
		nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
	}
	puts("there is no name server");
	return 1;
}

int main(int count, char **arguments)
{
	return count > 1 && !strcmp(arguments[1], "ask") ? ask() : lease();
}
