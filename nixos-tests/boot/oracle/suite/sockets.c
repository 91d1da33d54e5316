/* Sockets of Internet addresses over the loopback, and of Unix. */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[64];

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int bind_to(int fd, struct sockaddr_in address)
{
	return bind(fd, (struct sockaddr *)&address, sizeof address);
}

static int connect_to(int fd, struct sockaddr_in address)
{
	return connect(fd, (struct sockaddr *)&address, sizeof address);
}

static struct sockaddr_in own(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t length = sizeof address;
	getsockname(fd, (struct sockaddr *)&address, &length);
	return address;
}

static struct sockaddr_in peer(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t length = sizeof address;
	getpeername(fd, (struct sockaddr *)&address, &length);
	return address;
}

static int same(struct sockaddr_in one, struct sockaddr_in other)
{
	return one.sin_port == other.sin_port && one.sin_addr.s_addr == other.sin_addr.s_addr;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof value;
	return getsockopt(fd, level, name, &value, &length) ? -1 : value;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value);
}

/* What a socket is ready for, once it is ready for any of `events`. */
static unsigned ready(int fd, short events)
{
	struct pollfd file = { fd, events, 0 };
	poll(&file, 1, 5000);
	file.events = POLLIN | POLLOUT | POLLRDHUP;
	poll(&file, 1, 0);
	return file.revents;
}

static unsigned ready_now(int fd)
{
	struct pollfd file = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	poll(&file, 1, 0);
	return file.revents;
}

static void arguments(void)
{
	topic("socket");
	CALL("an unknown family", socket(99, SOCK_STREAM, 0));
	CALL("an unknown type", socket(AF_INET, 99, 0));
	CALL("a protocol of another type", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	CALL("an unknown protocol of Unix", socket(AF_UNIX, SOCK_STREAM, 99));
	int fd = DONE("the protocol by its number", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
	VALUE("close-on-exec", fcntl(fd, F_GETFD));
	YES("does not block", fcntl(fd, F_GETFL) & O_NONBLOCK);
	struct stat status;
	fstat(fd, &status);
	YES("it is a socket", S_ISSOCK(status.st_mode));
	CALL("seek", lseek(fd, 0, SEEK_SET));
	CALL("pread", pread(fd, buffer, 1, 0));
	CALL("read one that is not connected", read(fd, buffer, 1));
	CALL("accept of one that does not listen", accept(fd, NULL, NULL));
	CALL("the peer of none", getpeername(fd, (struct sockaddr *)buffer, &(socklen_t){ 16 }));
	CALL("shut down one that is not connected", shutdown(fd, SHUT_RDWR));
	CALL("bind to too short an address", bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 4));
	CALL("bind to an address of another family", bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNIX }, 16));
	CALL("bind to nowhere", bind(fd, NULL, 16));
	struct sockaddr_in far = loopback(0);
	far.sin_addr.s_addr = inet_addr("203.0.113.7");
	CALL("bind to another machine's address", bind_to(fd, far));
	CALL("bind", bind_to(fd, loopback(0)));
	YES("it has got a port", own(fd).sin_port != 0);
	CALL("bind again", bind_to(fd, loopback(0)));
	close(fd);
	fd = open("/dev/null", O_RDWR);
	CALL("bind what is no socket", bind_to(fd, loopback(0)));
	CALL("listen of what is no socket", listen(fd, 1));
	CALL("accept of what is no socket", accept(fd, NULL, NULL));
	CALL("send to what is no socket", send(fd, "x", 1, 0));
	CALL("an option of what is no socket", set(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	close(fd);
	CALL("listen of no file", listen(99, 1));
	CALL("accept of no file", accept(99, NULL, NULL));
	CALL("a pair of the Internet", socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }));
}

static void options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	VALUE("SO_TYPE", option(fd, SOL_SOCKET, SO_TYPE));
	VALUE("SO_DOMAIN", option(fd, SOL_SOCKET, SO_DOMAIN));
	VALUE("SO_PROTOCOL", option(fd, SOL_SOCKET, SO_PROTOCOL));
	VALUE("SO_ERROR", option(fd, SOL_SOCKET, SO_ERROR));
	VALUE("SO_ACCEPTCONN", option(fd, SOL_SOCKET, SO_ACCEPTCONN));
	VALUE("SO_REUSEADDR before", option(fd, SOL_SOCKET, SO_REUSEADDR));
	CALL("set SO_REUSEADDR", set(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	VALUE("SO_REUSEADDR", option(fd, SOL_SOCKET, SO_REUSEADDR));
	CALL("set SO_KEEPALIVE", set(fd, SOL_SOCKET, SO_KEEPALIVE, 5));
	VALUE("SO_KEEPALIVE", option(fd, SOL_SOCKET, SO_KEEPALIVE));
	VALUE("TCP_NODELAY before", option(fd, IPPROTO_TCP, TCP_NODELAY));
	CALL("set TCP_NODELAY", set(fd, IPPROTO_TCP, TCP_NODELAY, 1));
	VALUE("TCP_NODELAY", option(fd, IPPROTO_TCP, TCP_NODELAY));
	struct linger linger = { 1, 7 };
	CALL("set SO_LINGER", setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
	linger = (struct linger){ 0, 0 };
	CALL("get SO_LINGER", getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &(socklen_t){ sizeof linger }));
	VALUE("seconds that it lingers", linger.l_linger);
	CALL("set too short an option", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &linger, 2));
	CALL("set an option from nowhere", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4));
	CALL("set an unknown option", set(fd, SOL_SOCKET, 9999, 1));
	CALL("set an unknown option of TCP", set(fd, IPPROTO_TCP, 9999, 1));
	CALL("get an unknown option", getsockopt(fd, SOL_SOCKET, 9999, buffer, &(socklen_t){ 4 }));
	socklen_t length = 2;
	CALL("get an option in part", getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &length));
	VALUE("how much came", length);
	length = 60;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &length);
	VALUE("how much there is", length);
	CALL("get an option of fewer than no bytes", getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &(socklen_t){ -1 }));
	CALL("get an option to nowhere", getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &(socklen_t){ 4 }));
	struct timeval time = { 0, 20000 };
	CALL("set SO_RCVTIMEO", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	time = (struct timeval){ 0, 1000000 };
	CALL("set a time that is none", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	close(fd);
}

static void *accept_and_greet(void *listener)
{
	int fd = accept(*(int *)listener, NULL, NULL);
	rest(20);
	write(fd, "hello", 5);
	return (void *)(long)fd;
}

static void streams(void)
{
	topic("tcp");
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	bind_to(listener, loopback(0));
	struct sockaddr_in here = own(listener);
	int refused = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect where nobody listens", connect_to(refused, here));
	close(refused);
	CALL("listen", listen(listener, 5));
	CALL("listen again", listen(listener, 8));
	VALUE("SO_ACCEPTCONN", option(listener, SOL_SOCKET, SO_ACCEPTCONN));
	EVENTS("a listener with nobody", ready_now(listener));
	int second = socket(AF_INET, SOCK_STREAM, 0);
	CALL("another at the same port", bind_to(second, here));
	close(second);

	int client = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect", connect_to(client, here));
	CALL("connect again", connect_to(client, here));
	EVENTS("a listener with somebody", ready(listener, POLLIN));
	struct sockaddr_in from;
	socklen_t length = sizeof from;
	int server = DONE("accept", accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC));
	VALUE("length of the address", length);
	VALUE("close-on-exec", fcntl(server, F_GETFD));
	YES("accept tells who it is", same(from, own(client)));
	YES("each is the other's peer", same(peer(client), own(server)) && same(peer(server), own(client)));
	YES("the server has the listener's address", same(own(server), here));
	VALUE("a short address is cut", (length = 4, getpeername(client, (struct sockaddr *)buffer, &length), length));
	EVENTS("connected", ready(client, POLLOUT));

	CALL("send", send(client, "0123456789", 10, 0));
	EVENTS("with bytes", ready(server, POLLIN));
	int count = 0;
	CALL("bytes to read", ioctl(server, FIONREAD, &count));
	VALUE("how many", count);
	CALL("peek", recv(server, buffer, 4, MSG_PEEK));
	CALL("receive a part", recv(server, buffer, 4, 0));
	BYTES("the part", buffer, 4);
	CALL("receive the rest", read(server, buffer, sizeof buffer));
	CALL("receive nothing at once", recv(server, buffer, 1, MSG_DONTWAIT));
	struct iovec parts[] = { { "ab", 2 }, { "cd", 2 } };
	CALL("sendmsg", sendmsg(server, &(struct msghdr){ .msg_iov = parts, .msg_iovlen = 2 }, 0));
	CALL("receive all of it", recv(client, buffer, 4, MSG_WAITALL));
	BYTES("what sendmsg sent", buffer, 4);
	CALL("send from nowhere", send(server, NULL, 4, 0));
	struct timeval time = { 0, 20000 };
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
	long long before = now();
	CALL("receive for a time", recv(client, buffer, 1, 0));
	YES("it has passed", now() - before >= 20);

	CALL("shut down to write", shutdown(client, SHUT_WR));
	EVENTS("the peer has shut down", ready(server, POLLRDHUP));
	CALL("receive at the end", recv(server, buffer, 1, 0));
	CALL("send after shutting down", send(client, "x", 1, MSG_NOSIGNAL));
	CALL("the other way", send(server, "still", 5, 0));
	ready(client, POLLIN);
	CALL("peek the other way", recv(client, buffer, sizeof buffer, MSG_PEEK));
	CALL("shut down an unknown half", shutdown(server, 9));
	close(server);
	CALL("receive what was sent before closing", recv(client, buffer, sizeof buffer, 0));
	CALL("receive after closing", recv(client, buffer, sizeof buffer, 0));
	EVENTS("both halves are closed", ready(client, POLLHUP));
	close(client);

	pthread_t thread;
	pthread_create(&thread, NULL, accept_and_greet, &listener);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect to a thread", connect_to(client, here));
	CALL("receive from a thread", recv(client, buffer, sizeof buffer, 0));
	void *accepted;
	pthread_join(thread, &accepted);
	struct linger linger = { 1, 0 };
	setsockopt((long)accepted, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close((long)accepted);
	EVENTS("the peer has reset", ready(client, POLLIN));
	CALL("receive after a reset", recv(client, buffer, 1, 0));
	CALL("receive once more", recv(client, buffer, 1, 0));
	close(client);

	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	YES("connect without waiting", !connect_to(client, here) || errno == EINPROGRESS);
	EVENTS("connected without waiting", ready(client, POLLOUT));
	VALUE("SO_ERROR of it", option(client, SOL_SOCKET, SO_ERROR));
	close(accept(listener, NULL, NULL));
	close(client);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	CALL("accept nobody at once", accept(listener, NULL, NULL));
	/* The function of musl tries again without. */
	CALL("accept with unknown flags", syscall(SYS_accept4, listener, NULL, NULL, 1));
	CALL("receive from a listener", recv(listener, buffer, 1, 0));
	close(listener);
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	YES("a refused connection without waiting", connect_to(client, here) == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	close(client);
}

/* A connection for which there is no number waits until there is one. */
static void no_number(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	bind_to(listener, loopback(0));
	listen(listener, 5);
	connect_to(client, own(listener));
	write(client, "kept", 4);
	struct rlimit before, tight;
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = client + 1;
	setrlimit(RLIMIT_NOFILE, &tight);
	CALL("accept without a number for it", accept(listener, NULL, NULL));
	CALL("accept of no file without a number", accept(99, NULL, NULL));
	CALL("a socket without a number", socket(AF_INET, SOCK_STREAM, 0));
	setrlimit(RLIMIT_NOFILE, &before);
	int server = DONE("accept it with one", accept(listener, NULL, NULL));
	CALL("what it had sent", read(server, buffer, sizeof buffer));
	close(server);
	close(client);
	close(listener);
}

static void *send_much(void *fd)
{
	static char bytes[1 << 20];
	for (int i = 0; i < 1 << 20; i++) bytes[i] = i * 7 + i / 251;
	long sent = 0, one;
	while (sent < 1 << 20 && (one = write(*(int *)fd, bytes + sent, (1 << 20) - sent)) > 0) sent += one;
	shutdown(*(int *)fd, SHUT_WR);
	return NULL;
}

static void transfer(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	bind_to(listener, loopback(0));
	listen(listener, 1);
	connect_to(client, own(listener));
	int server = accept(listener, NULL, NULL);
	pthread_t thread;
	pthread_create(&thread, NULL, send_much, &server);
	long total = 0, got;
	int right = 1;
	unsigned char piece[5000];
	while ((got = read(client, piece, sizeof piece)) > 0) {
		for (long i = 0; i < got; i++) right &= piece[i] == (unsigned char)((total + i) * 7 + (total + i) / 251);
		total += got;
	}
	pthread_join(thread, NULL);
	VALUE("bytes of a large transfer", total);
	YES("all of them are right", right);
	close(listener);
	close(client);
	close(server);
}

static void datagrams(void)
{
	topic("udp");
	int one = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	bind_to(one, loopback(0));
	struct sockaddr_in here = own(one), from;
	socklen_t length = sizeof from;
	CALL("bind at the same port", bind_to(other, here));
	CALL("send to nobody", send(other, "x", 1, 0));
	CALL("send to port 0", sendto(other, "x", 1, 0, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = here.sin_addr }, 16));
	CALL("sendto", sendto(other, "datagram", 8, 0, (struct sockaddr *)&here, sizeof here));
	EVENTS("with a datagram", ready(one, POLLIN));
	CALL("recvfrom", recvfrom(one, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length));
	YES("it tells from where", from.sin_port == own(other).sin_port && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CALL("receive nothing at once", recv(one, buffer, 1, MSG_DONTWAIT));
	sendto(other, "longer than that", 16, 0, (struct sockaddr *)&here, sizeof here);
	CALL("receive in a short buffer", recv(one, buffer, 6, 0));
	CALL("the rest of it is lost", recv(one, buffer, sizeof buffer, MSG_DONTWAIT));
	sendto(other, "longer than that", 16, 0, (struct sockaddr *)&here, sizeof here);
	CALL("receive and tell the true length", recv(one, buffer, 6, MSG_TRUNC));
	sendto(other, "", 0, 0, (struct sockaddr *)&here, sizeof here);
	CALL("receive an empty datagram", recv(one, buffer, sizeof buffer, 0));
	CALL("connect", connect_to(other, here));
	YES("it has a peer", same(peer(other), here));
	CALL("send to the peer", send(other, "one", 3, 0));
	CALL("send another", send(other, "two", 3, 0));
	int count = 0;
	ready(one, POLLIN);
	ioctl(one, FIONREAD, &count);
	VALUE("bytes of the next datagram", count);
	struct iovec part = { buffer, 2 };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
	CALL("recvmsg", recvmsg(one, &message, 0));
	YES("it was cut", message.msg_flags & MSG_TRUNC);
	VALUE("length of the address", message.msg_namelen);
	CALL("receive the other", recv(one, buffer, sizeof buffer, 0));
	BYTES("the other", buffer, 3);
	CALL("send what is too long", send(other, calloc(1, 70000), 70000, 0));
	CALL("listen", listen(one, 1));
	CALL("accept", accept(one, NULL, NULL));
	CALL("disconnect", connect(other, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	CALL("the peer afterwards", getpeername(other, (struct sockaddr *)&from, &length));
	close(one);
	CALL("connect to a port that was closed", connect_to(other, here));
	CALL("send there", send(other, "x", 1, 0));
	EVENTS("it is told", ready(other, POLLERR));
	CALL("receive from there", recv(other, buffer, 1, MSG_DONTWAIT));
	close(other);
}

static void pairs(void)
{
	topic("unix");
	int pair[2];
	CALL("a pair of streams", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	VALUE("close-on-exec", fcntl(pair[0], F_GETFD));
	VALUE("SO_TYPE", option(pair[0], SOL_SOCKET, SO_TYPE));
	VALUE("SO_DOMAIN", option(pair[0], SOL_SOCKET, SO_DOMAIN));
	CALL("write", write(pair[0], "stream", 6));
	CALL("read a part", read(pair[1], buffer, 3));
	CALL("read the rest", read(pair[1], buffer, sizeof buffer));
	CALL("read nothing at once", recv(pair[1], buffer, 1, MSG_DONTWAIT));
	struct sockaddr_un address;
	socklen_t length = sizeof address;
	CALL("the address of one", getsockname(pair[0], (struct sockaddr *)&address, &length));
	VALUE("its length", length);
	VALUE("its family", address.sun_family);
	CALL("shut down", shutdown(pair[0], SHUT_WR));
	CALL("read at the end", read(pair[1], buffer, 1));
	CALL("write after shutting down", send(pair[0], "x", 1, MSG_NOSIGNAL));
	close(pair[0]);
	CALL("write to a closed peer", send(pair[1], "x", 1, MSG_NOSIGNAL));
	EVENTS("the peer is closed", ready_now(pair[1]));
	close(pair[1]);
	CALL("a pair of datagrams", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	send(pair[0], "first", 5, 0);
	send(pair[0], "second", 6, 0);
	CALL("receive a datagram in part", recv(pair[1], buffer, 2, 0));
	CALL("receive the next", recv(pair[1], buffer, sizeof buffer, 0));
	close(pair[0]);
	close(pair[1]);
	CALL("a pair of packets in sequence", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	send(pair[0], "packet", 6, 0);
	close(pair[0]);
	CALL("receive a packet", recv(pair[1], buffer, sizeof buffer, 0));
	CALL("receive at the end of packets", recv(pair[1], buffer, sizeof buffer, 0));
	close(pair[1]);
	CALL("a pair to nowhere", socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
	CALL("connect to a path where nothing is", (pair[0] = socket(AF_UNIX, SOCK_STREAM, 0),
		connect(pair[0], (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "missing" }, sizeof(struct sockaddr_un))));
	close(pair[0]);
}

/* A control message with descriptors; says how long it is. */
static size_t rights(void *to, const int *fds, int count)
{
	struct cmsghdr *header = to;
	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof *fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
	return CMSG_SPACE(count * sizeof *fds);
}

static ssize_t pass(int fd, const char *text, const int *fds, int count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(300 * sizeof(int))];
	struct iovec part = { (char *)text, strlen(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (count) message.msg_control = control, message.msg_controllen = rights(control, fds, count);
	return sendmsg(fd, &message, 0);
}

/* Receives into `buffer`; writes what came along, and gives the descriptors. */
static ssize_t take(int fd, int flags, int *fds, size_t room)
{
	_Alignas(struct cmsghdr) char control[256];
	struct iovec part = { buffer, sizeof buffer };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room ? control : NULL, .msg_controllen = room };
	ssize_t length = recvmsg(fd, &message, flags);
	VALUE("bytes of control messages", message.msg_controllen);
	YES("some were cut", message.msg_flags & MSG_CTRUNC);
	for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
		VALUE("type", one->cmsg_type);
		VALUE("length", one->cmsg_len);
		if (one->cmsg_type == SCM_RIGHTS) memcpy(fds, CMSG_DATA(one), one->cmsg_len - CMSG_LEN(0));
	}
	return length;
}

/* Descriptors that are sent. */
static void passing(void)
{
	topic("passing");
	int pair[2], end[2], fds[8] = { -1, -1 };
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pipe(end);
	CALL("pass a pipe", pass(pair[0], "x", end, 2));
	close(end[0]);
	close(end[1]);
	CALL("receive it", take(pair[1], MSG_CMSG_CLOEXEC, fds, 256));
	YES("close-on-exec", fcntl(fds[0], F_GETFD) && fcntl(fds[1], F_GETFD));
	CALL("write to it", write(fds[1], "hello", 5));
	CALL("read from it", read(fds[0], buffer, sizeof buffer));
	end[0] = fds[0], end[1] = fds[1];

	pass(pair[0], "ab", NULL, 0);
	pass(pair[0], "cd", end, 1);
	pass(pair[0], "ef", NULL, 0);
	pass(pair[0], "gh", end, 2);
	pass(pair[0], "ij", end, 1);
	CALL("a look at it", take(pair[1], MSG_PEEK, fds, 256));
	close(fds[0]);
	CALL("up to what came with a descriptor", take(pair[1], 0, fds, 256));
	close(fds[0]);
	CALL("with room for one", take(pair[1], 0, fds, CMSG_LEN(sizeof(int))));
	close(fds[0]);
	CALL("without room", take(pair[1], 0, fds, 0));
	pass(pair[0], "kl", end, 1);
	pass(pair[0], "mn", NULL, 0);
	CALL("read passes it over", read(pair[1], buffer, sizeof buffer));
	CALL("and what comes behind is for the next", read(pair[1], buffer, sizeof buffer));
	CALL("pass no descriptor", pass(pair[0], "x", (int[]){ 99 }, 1));
	int many[254];
	for (size_t i = 0; i < LENGTH(many); i++) many[i] = end[0];
	CALL("pass too many", pass(pair[0], "x", many, LENGTH(many)));
	struct cmsghdr short_one = { .cmsg_len = 3, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &short_one, .msg_controllen = sizeof short_one };
	CALL("a control message that is too short", syscall(SYS_sendmsg, pair[0], &message, 0));
	short_one.cmsg_len = sizeof short_one;
	short_one.cmsg_type = 77;
	CALL("one of an unknown type", sendmsg(pair[0], &message, 0));
	message.msg_control = (void *)8;
	CALL("one from nowhere", syscall(SYS_sendmsg, pair[0], &message, 0));
	CALL("none of that was sent", recv(pair[1], buffer, 1, MSG_DONTWAIT));
	pass(pair[0], "lost", end, 2);
	close(pair[0]);
	close(pair[1]);
	CALL("what is lost on its way does not close", write(end[1], "x", 1));
	CALL("nor end", read(end[0], buffer, 1));

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CALL("pass one with a datagram", pass(pair[0], "", end, 1));
	CALL("receive that", take(pair[1], 0, fds, 256));
	close(fds[0]);
	VALUE("credentials are not asked for", option(pair[1], SOL_SOCKET, SO_PASSCRED));
	CALL("ask for credentials", set(pair[1], SOL_SOCKET, SO_PASSCRED, 1));
	pass(pair[0], "x", end, 1);
	CALL("receive them as well", take(pair[1], 0, fds, 256));
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	int other[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, other);
	CALL("pass a socket", pass(pair[0], "x", other, 1));
	close(other[0]);
	CALL("receive the socket", take(pair[1], 0, fds, 256));
	CALL("send by it", write(fds[0], "way", 3));
	CALL("it comes out", read(other[1], buffer, sizeof buffer));
	close(fds[0]);
	CALL("and ends", read(other[1], buffer, sizeof buffer));
	close(other[1]);
	close(pair[0]);
	close(pair[1]);
	close(end[0]);
	close(end[1]);
}

/* Several messages in a call. */
static void many_at_once(void)
{
	topic("messages");
	int pair[2];
	char room[5][8] = { "" };
	struct iovec parts[5] = { { "one", 3 }, { "second", 6 }, { "", 0 } };
	struct mmsghdr all[5] = { { .msg_len = 0 } };
	for (size_t i = 0; i < LENGTH(all); i++) all[i].msg_hdr.msg_iov = &parts[i], all[i].msg_hdr.msg_iovlen = 1;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CALL("send three", syscall(SYS_sendmmsg, pair[0], all, 3, 0));
	VALUE("bytes of the second", all[1].msg_len);
	CALL("send none", syscall(SYS_sendmmsg, pair[0], all, 0, 0));
	CALL("send to no file", syscall(SYS_sendmmsg, 99, all, 1, 0));
	for (size_t i = 0; i < LENGTH(all); i++) parts[i] = (struct iovec){ room[i], sizeof room[i] };
	CALL("receive what there is", recvmmsg(pair[1], all, 5, MSG_DONTWAIT, NULL));
	VALUE("bytes of the first", all[0].msg_len);
	BYTES("the second", room[1], all[1].msg_len);
	VALUE("bytes of the third", all[2].msg_len);
	CALL("receive nothing", recvmmsg(pair[1], all, 5, MSG_DONTWAIT, NULL));
	write(pair[0], "x", 1);
	CALL("wait for one", recvmmsg(pair[1], all, 5, MSG_WAITFORONE, NULL));
	write(pair[0], "x", 1);
	struct timespec time = { 0, 0 };
	CALL("in no time", recvmmsg(pair[1], all, 5, 0, &time));
	time.tv_nsec = 1000000000;
	CALL("in a time that is none", recvmmsg(pair[1], all, 5, 0, &time));
	write(pair[0], "x", 1);
	all[1].msg_hdr.msg_iov = (void *)8;
	write(pair[0], "x", 1);
	CALL("a second one to nowhere", recvmmsg(pair[1], all, 5, MSG_DONTWAIT, NULL));
	close(pair[0]);
	close(pair[1]);
}

static int at(int (*call)(int, const struct sockaddr *, socklen_t), int fd, const char *path)
{
	struct sockaddr_un address = { AF_UNIX, "" };
	strcpy(address.sun_path, path);
	return call(fd, (struct sockaddr *)&address, sizeof address);
}

/* Sockets that have a file. */
static void socket_files(void)
{
	topic("socket file");
	struct stat status;
	mode_t mask = umask(027);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("in a directory that is not there", at(bind, listener, "missing/s"));
	CALL("bind", at(bind, listener, "s"));
	CALL("bind again", at(bind, listener, "t"));
	CALL("nothing is left of that", stat("t", &status));
	CALL("its file", stat("s", &status));
	OCTAL("kind and permissions", status.st_mode);
	CALL("change its permissions", chmod("s", 0666));
	stat("s", &status);
	OCTAL("changed", status.st_mode);
	CALL("open it", open("s", O_RDWR));
	CALL("connect before it listens", at(connect, client, "s"));
	listen(listener, 5);
	CALL("connect", at(connect, client, "./s"));
	int server = DONE("accept", accept(listener, NULL, NULL));
	struct sockaddr_un address = { 0 };
	socklen_t length = sizeof address;
	getpeername(client, (struct sockaddr *)&address, &length);
	TEXT("the peer's name", address.sun_path);
	VALUE("its length", length);
	CALL("send", write(client, "hello", 5));
	CALL("receive", read(server, buffer, sizeof buffer));
	close(client);
	close(server);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("another with the same file", at(bind, other, "s"));
	CALL("move it", rename("s", "moved"));
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect by the old name", at(connect, client, "s"));
	CALL("connect by the new one", at(connect, client, "moved"));
	close(accept(listener, NULL, NULL));
	close(client);
	CALL("remove it", unlink("moved"));
	CALL("another takes the old name", at(bind, other, "s"));
	listen(other, 5);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	symlink("s", "way");
	CALL("connect through a link", at(connect, client, "way"));
	CALL("the first does not get it", (fcntl(listener, F_SETFL, O_NONBLOCK), accept(listener, NULL, NULL)));
	server = DONE("the other does", accept(other, NULL, NULL));
	close(listener);
	close(client);
	close(server);
	close(other);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("its file stays", stat("s", &status));
	CALL("connect to nobody", at(connect, client, "s"));
	CALL("a new one with an old file", at(bind, client, "s"));
	unlink("way");
	unlink("s");
	make_file("plain", "x");
	CALL("connect to a file of bytes", at(connect, client, "plain"));
	CALL("bind to a file of bytes", at(bind, client, "plain"));
	unlink("plain");
	close(client);

	int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
	at(bind, one, "one");
	at(bind, two, "two");
	address = (struct sockaddr_un){ AF_UNIX, "two" };
	CALL("send a datagram to a path", sendto(one, "hello", 5, 0, (struct sockaddr *)&address, sizeof address));
	length = sizeof address;
	CALL("receive it", recvfrom(two, buffer, sizeof buffer, 0, (struct sockaddr *)&address, &length));
	TEXT("who sent it", address.sun_path);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect a stream to a socket of datagrams", at(connect, client, "one"));
	close(client);
	close(one);
	close(two);
	unlink("one");
	unlink("two");
	umask(mask);
}

static void names(void)
{
	topic("names");
	struct in_addr address;
	VALUE("inet_pton", inet_pton(AF_INET, "192.0.2.33", &address));
	TEXT("inet_ntop", inet_ntop(AF_INET, &address, buffer, sizeof buffer));
	VALUE("inet_pton of no address", inet_pton(AF_INET, "192.0.2.333", &address));
	struct in6_addr six;
	VALUE("inet_pton of version 6", inet_pton(AF_INET6, "2001:db8::1:0:0:1", &six));
	TEXT("inet_ntop of version 6", inet_ntop(AF_INET6, &six, buffer, sizeof buffer));
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
	VALUE("getaddrinfo of numbers", getaddrinfo("127.0.0.1", "80", &hints, &found));
	VALUE("its port", ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port));
	freeaddrinfo(found);
	YES("getaddrinfo of what is no number", getaddrinfo("name.invalid", "80", &hints, &found) == EAI_NONAME);
}

void sockets(void)
{
	signal(SIGPIPE, SIG_IGN);
	arguments();
	options();
	streams();
	no_number();
	transfer();
	datagrams();
	pairs();
	passing();
	many_at_once();
	socket_files();
	names();
	signal(SIGPIPE, SIG_DFL);
}
