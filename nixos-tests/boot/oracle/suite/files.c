/* Regular files by descriptor: reading, writing, positions, flags. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[64];

static void opening(void)
{
	CALL("open what is not there", open("missing", O_RDONLY));
	CALL("open with an empty path", open("", O_RDONLY));
	CALL("open at address 0", open(NULL, O_RDONLY));
	int fd = DONE("make a file", open("a", O_CREAT | O_EXCL | O_RDWR, 0644));
	CALL("make it again exclusively", open("a", O_CREAT | O_EXCL | O_RDWR, 0644));
	CALL("close it", close(fd));
	CALL("close it twice", close(fd));
	CALL("close descriptor -1", close(-1));
	CALL("open a file as a directory", open("a", O_RDONLY | O_DIRECTORY));
	CALL("open a file with a slash behind it", open("a/", O_RDONLY));
	CALL("open what is below a file", open("a/b", O_RDONLY));
	CALL("open a directory to write", open(".", O_WRONLY));
	CALL("make a file by a directory's name", open(".", O_CREAT | O_RDWR, 0644));

	char name[NAME_MAX + 2];
	memset(name, 'n', sizeof name);
	name[NAME_MAX + 1] = 0;
	CALL("a name of 256 bytes", open(name, O_CREAT | O_RDWR, 0644));
	name[NAME_MAX] = 0;
	fd = DONE("a name of 255 bytes", open(name, O_CREAT | O_RDWR, 0644));
	close(fd);
	unlink(name);

	char path[PATH_MAX + 1];
	for (int i = 0; i < PATH_MAX; i++) path[i] = i % 2 ? '/' : '.';
	path[PATH_MAX] = 0;
	CALL("a path of 4096 bytes", open(path, O_RDONLY));
	path[PATH_MAX - 1] = 0;
	fd = DONE("a path of 4095 bytes", open(path, O_RDONLY));
	close(fd);
}

static void positions(void)
{
	int fd = open("a", O_RDWR | O_TRUNC);
	CALL("write", write(fd, "0123456789", 10));
	CALL("read at the end", read(fd, buffer, 10));
	CALL("seek to the begin", lseek(fd, 0, SEEK_SET));
	CALL("read some", read(fd, buffer, 4));
	BYTES("what was read", buffer, 4);
	CALL("seek from here", lseek(fd, 2, SEEK_CUR));
	CALL("seek from the end", lseek(fd, -3, SEEK_END));
	CALL("read more than there is", read(fd, buffer, sizeof buffer));
	BYTES("the rest", buffer, 3);
	CALL("seek before the begin", lseek(fd, -1, SEEK_SET));
	CALL("seek before the begin from here", lseek(fd, -11, SEEK_CUR));
	CALL("seek from nowhere", lseek(fd, 0, 99));
	CALL("where it is after what failed", lseek(fd, 0, SEEK_CUR));
	CALL("pread", pread(fd, buffer, 3, 5));
	BYTES("what pread got", buffer, 3);
	CALL("pread past the end", pread(fd, buffer, 3, 100));
	CALL("pread below 0", pread(fd, buffer, 3, -1));
	CALL("pwrite", pwrite(fd, "AB", 2, 1));
	CALL("pwrite below 0", pwrite(fd, "AB", 2, -1));
	CALL("where it is after pread and pwrite", lseek(fd, 0, SEEK_CUR));
	CALL("pread of what pwrite wrote", pread(fd, buffer, sizeof buffer, 0));
	BYTES("what pwrite wrote", buffer, 10);
	CALL("seek past the end", lseek(fd, 15, SEEK_SET));
	CALL("read there", read(fd, buffer, 1));
	CALL("write there", write(fd, "z", 1));
	CALL("size after it", lseek(fd, 0, SEEK_END));
	pread(fd, buffer, 16, 0);
	BYTES("zeros between", buffer, 16);
	CALL("write nothing", write(fd, buffer, 0));
	CALL("read nothing", read(fd, buffer, 0));
	CALL("read nothing to nowhere", read(fd, NULL, 0));
	CALL("read to nowhere", (lseek(fd, 0, SEEK_SET), read(fd, NULL, 4)));
	CALL("write from nowhere", write(fd, NULL, 4));
	close(fd);
}

static void sizes(void)
{
	int fd = open("a", O_RDWR | O_TRUNC);
	write(fd, "0123456789", 10);
	CALL("shorten", ftruncate(fd, 4));
	CALL("size when shortened", lseek(fd, 0, SEEK_END));
	CALL("lengthen", ftruncate(fd, 8));
	CALL("read what was lengthened", pread(fd, buffer, sizeof buffer, 0));
	BYTES("zeros at its end", buffer, 8);
	CALL("a size below 0", ftruncate(fd, -1));
	CALL("truncate by path", truncate("a", 3));
	CALL("truncate by path, below 0", truncate("a", -1));
	CALL("truncate what is not there", truncate("missing", 0));
	CALL("truncate a directory", truncate(".", 0));
	CALL("size after truncate", lseek(fd, 0, SEEK_END));
	CALL("fsync", fsync(fd));
	CALL("fdatasync", fdatasync(fd));
	close(fd);
	fd = open("a", O_RDONLY);
	CALL("ftruncate what is open to read", ftruncate(fd, 0));
	CALL("write to what is open to read", write(fd, "x", 1));
	close(fd);
	fd = open("a", O_WRONLY);
	CALL("read what is open to write", read(fd, buffer, 1));
	close(fd);
	CALL("fsync of no file", fsync(99));
	CALL("ftruncate of no file", ftruncate(99, 0));
}

static void vectors(void)
{
	int fd = open("a", O_RDWR | O_TRUNC);
	struct iovec out[] = { { "one ", 4 }, { NULL, 0 }, { "two ", 4 }, { "three", 5 } };
	CALL("writev", writev(fd, out, 4));
	char first[6], second[20];
	struct iovec in[] = { { first, sizeof first }, { second, sizeof second } };
	lseek(fd, 0, SEEK_SET);
	CALL("readv", readv(fd, in, 2));
	BYTES("first part of readv", first, 6);
	BYTES("second part of readv", second, 7);
	CALL("preadv", preadv(fd, in, 1, 4));
	BYTES("what preadv got", first, 6);
	CALL("pwritev", pwritev(fd, out, 1, 8));
	CALL("position after pwritev", lseek(fd, 0, SEEK_CUR));
	CALL("no parts", readv(fd, in, 0));
	CALL("fewer than no parts", readv(fd, in, -1));
	CALL("too many parts", readv(fd, in, IOV_MAX + 1));
	struct iovec long_part = { first, (size_t)SSIZE_MAX + 1 };
	CALL("a part longer than any", writev(fd, &long_part, 1));
	CALL("parts at address 0", readv(fd, NULL, 1));
	CALL("writev to no file", writev(99, out, 1));
	close(fd);
}

static void appending(void)
{
	make_file("a", "begin");
	int fd = open("a", O_WRONLY | O_APPEND);
	CALL("position of a file to append", lseek(fd, 0, SEEK_CUR));
	CALL("append", (lseek(fd, 1, SEEK_SET), write(fd, "+end", 4)));
	CALL("position after appending", lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = open("a", O_RDONLY);
	long length = read(fd, buffer, sizeof buffer);
	BYTES("what was appended", buffer, length);
	close(fd);
}

static void descriptors(void)
{
	make_file("a", "0123456789");
	int fd = open("a", O_RDONLY), other = open("a", O_RDONLY), copy = dup(fd);
	read(fd, buffer, 4);
	CALL("position of a copy", lseek(copy, 0, SEEK_CUR));
	CALL("position of another opening", lseek(other, 0, SEEK_CUR));
	YES("the lowest free descriptor comes next", (close(other), dup(fd)) == other);
	YES("dup2 to itself", dup2(fd, fd) == fd);
	YES("dup2 to another", dup2(fd, 50) == 50);
	CALL("a descriptor closed, its copy is open", (close(fd), lseek(50, 0, SEEK_CUR)));
	CALL("dup of no file", dup(99));
	CALL("dup2 of no file", dup2(99, 50));
	CALL("dup2 of no file to itself", dup2(99, 99));
	CALL("dup2 to -1", dup2(50, -1));
	CALL("dup3 to itself", dup3(50, 50, 0));
	CALL("dup3 of no file", dup3(99, 51, O_CLOEXEC));
	/* Those that musl does not know do not get through its function. */
	CALL("dup3 with unknown flags", syscall(SYS_dup3, 50, 51, 1));
	YES("dup3", dup3(50, 51, O_CLOEXEC) == 51);
	VALUE("close-on-exec of the copy", fcntl(51, F_GETFD));
	VALUE("close-on-exec of the first", fcntl(50, F_GETFD));
	CALL("set close-on-exec", fcntl(50, F_SETFD, FD_CLOEXEC));
	VALUE("close-on-exec when set", fcntl(50, F_GETFD));
	YES("a copy from 60 on", fcntl(50, F_DUPFD, 60) == 60);
	YES("a second copy from 60 on", fcntl(50, F_DUPFD_CLOEXEC, 60) == 61);
	VALUE("close-on-exec of the second", fcntl(61, F_GETFD));
	CALL("a copy from -1 on", fcntl(50, F_DUPFD, -1));
	CALL("an unknown command", fcntl(50, 9999));
	CALL("a command to no file", fcntl(99, F_GETFD));
	for (int number = 50; number <= 61; number++) close(number);
	close(copy);
	close(other);

	fd = open("a", O_RDWR | O_APPEND | O_CLOEXEC);
	int shown = O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC;
	YES("flags when opened", (fcntl(fd, F_GETFL) & shown) == (O_RDWR | O_APPEND));
	CALL("change flags", fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY));
	YES("flags when changed", (fcntl(fd, F_GETFL) & shown) == (O_RDWR | O_NONBLOCK));
	VALUE("close-on-exec from open", fcntl(fd, F_GETFD));
	CALL("an unknown request", ioctl(fd, 0x5599, buffer));
	CALL("a terminal's request", ioctl(fd, TIOCGWINSZ, buffer));
	CALL("a request to no file", ioctl(99, FIONREAD, buffer));
	VALUE("a file is a terminal", isatty(fd));
	int left = 0;
	lseek(fd, 3, SEEK_SET);
	CALL("bytes to read", ioctl(fd, FIONREAD, &left));
	VALUE("how many", left);
	close(fd);
}

static void copying(void)
{
	make_file("a", "0123456789");
	int from = open("a", O_RDONLY), to = open("b", O_CREAT | O_TRUNC | O_RDWR, 0644);
	off_t offset = 2;
	CALL("sendfile from an offset", sendfile(to, from, &offset, 5));
	VALUE("the offset after it", offset);
	CALL("its source has not moved", lseek(from, 0, SEEK_CUR));
	CALL("sendfile from the position", sendfile(to, from, NULL, 3));
	CALL("its source has moved", lseek(from, 0, SEEK_CUR));
	CALL("sendfile of more than there is", sendfile(to, from, NULL, 100));
	CALL("sendfile at the end", sendfile(to, from, NULL, 100));
	long length = pread(to, buffer, sizeof buffer, 0);
	BYTES("what was sent", buffer, length);
	CALL("sendfile to what is open to read", sendfile(from, to, NULL, 1));
	CALL("sendfile from no file", sendfile(to, 99, NULL, 1));
	close(from);
	close(to);
	unlink("b");
}

static void removed(void)
{
	int fd = open("c", O_CREAT | O_RDWR, 0644);
	write(fd, "still", 5);
	CALL("unlink what is open", unlink("c"));
	CALL("open what was unlinked", open("c", O_RDONLY));
	CALL("read what was unlinked", pread(fd, buffer, 5, 0));
	struct stat status;
	CALL("fstat what was unlinked", fstat(fd, &status));
	VALUE("its links", status.st_nlink);
	VALUE("its size", status.st_size);
	CALL("unlink it again", unlink("c"));
	close(fd);
}

/* musl 1.2.3 has no function for it. */
static long close_range(unsigned first, unsigned last, unsigned flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

static void ranges(void)
{
	make_file("a", "x");
	for (int number = 70; number < 74; number++) dup2(open("a", O_RDONLY), number);
	CALL("close a range", close_range(70, 72, 0));
	CALL("within the range", fcntl(71, F_GETFD));
	CALL("beyond the range", fcntl(73, F_GETFD));
	CALL("a range that ends before it begins", close_range(5, 4, 0));
	CALL("a range with unknown flags", close_range(70, 72, 64));
	close(73);
}

static struct flock range_lock(int type, off_t start, off_t length)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
}

static int set_lock(int fd, int command, int type, off_t start, off_t length)
{
	struct flock lock = range_lock(type, start, length);
	return fcntl(fd, command, &lock);
}

/* Type, beginning, length and owner of what keeps `fd` from a lock. */
static void tell_lock(const char *name, int fd, int command, int type, off_t start, off_t length)
{
	char told[80];
	struct flock lock = range_lock(type, start, length);
	int result = fcntl(fd, command, &lock);
	const char *owner = lock.l_pid == getpid() ? "process" : lock.l_pid == -1 ? "description" : "nobody";
	snprintf(told, sizeof told, "%d: %s %lld+%lld %s", result,
		lock.l_type == F_WRLCK ? "write" : lock.l_type == F_RDLCK ? "read" : "free",
		(long long)lock.l_start, (long long)lock.l_len, owner);
	TEXT(name, told);
}

static void *lock_and_tell(void *fd)
{
	set_lock(*(int *)fd, F_OFD_SETLKW, F_WRLCK, 0, 10);
	return (void *)now();
}

static void locks(void)
{
	make_file("locked", "0123456789");
	int one = open("locked", O_RDWR), other = open("locked", O_RDWR), reader = open("locked", O_RDONLY);
	CALL("lock the process's", set_lock(one, F_SETLK, F_WRLCK, 0, 4));
	CALL("lock it again by another descriptor", set_lock(other, F_SETLK, F_WRLCK, 0, 4));
	tell_lock("it keeps the process from nothing", other, F_GETLK, F_WRLCK, 0, 0);
	tell_lock("it keeps a description from a lock", other, F_OFD_GETLK, F_RDLCK, 2, 20);
	CALL("lock for a description what the process has", set_lock(other, F_OFD_SETLK, F_RDLCK, 3, 1));
	CALL("lock beside it", set_lock(other, F_OFD_SETLK, F_RDLCK, 4, 4));
	CALL("a description of its own", set_lock(one, F_OFD_SETLK, F_WRLCK, 7, 1));
	CALL("both to read", set_lock(one, F_OFD_SETLK, F_RDLCK, 6, 0));
	tell_lock("it goes to the end", reader, F_OFD_GETLK, F_WRLCK, 9, 1);
	tell_lock("it keeps the process from a lock", one, F_GETLK, F_WRLCK, 5, 1);
	CALL("give back its middle", set_lock(other, F_OFD_SETLK, F_UNLCK, 5, 1));
	tell_lock("the piece in front", one, F_OFD_GETLK, F_WRLCK, 0, 8);
	tell_lock("the piece behind", one, F_OFD_GETLK, F_WRLCK, 5, 0);
	CALL("lock to write what was opened to read", set_lock(reader, F_OFD_SETLK, F_WRLCK, 100, 1));
	CALL("lock to read what was opened to read", set_lock(reader, F_OFD_SETLK, F_RDLCK, 100, 1));
	CALL("lock before the beginning", set_lock(one, F_SETLK, F_RDLCK, -1, 1));
	CALL("lock backwards", set_lock(one, F_OFD_SETLK, F_RDLCK, 60, -10));
	tell_lock("where that begins", other, F_OFD_GETLK, F_WRLCK, 50, 5);
	CALL("lock backwards before the beginning", set_lock(one, F_OFD_SETLK, F_RDLCK, 5, -10));
	CALL("an unknown type", set_lock(one, F_OFD_SETLK, 9, 0, 1));
	struct flock lock = range_lock(F_RDLCK, 0, 1);
	lock.l_pid = 1;
	CALL("a description with a process", fcntl(one, F_OFD_SETLK, &lock));
	lock = (struct flock){ .l_type = F_RDLCK, .l_whence = 9 };
	CALL("an unknown origin", fcntl(one, F_OFD_SETLK, &lock));
	CALL("no descriptor", set_lock(-1, F_OFD_SETLK, F_RDLCK, 0, 1));
	lseek(one, 0, SEEK_END);
	lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 190, .l_len = 10 };
	CALL("lock from where the file is", fcntl(one, F_OFD_SETLK, &lock));
	tell_lock("it is there", other, F_OFD_GETLK, F_RDLCK, 150, 100);

	int copy = dup(one);
	close(one);
	tell_lock("another descriptor of it keeps it", other, F_OFD_GETLK, F_RDLCK, 150, 100);
	tell_lock("what was the process's is gone", other, F_OFD_GETLK, F_RDLCK, 0, 4);
	close(copy);
	tell_lock("without a descriptor it is gone", other, F_OFD_GETLK, F_RDLCK, 150, 100);

	one = open("locked", O_RDWR);
	set_lock(one, F_OFD_SETLK, F_WRLCK, 9, 1);
	set_lock(other, F_OFD_SETLK, F_UNLCK, 0, 0);
	pthread_t thread;
	void *locked_at;
	pthread_create(&thread, NULL, lock_and_tell, &other);
	rest(20);
	long long given = now();
	close(one);
	pthread_join(thread, &locked_at);
	YES("wait for a lock", (long long)locked_at >= given);
	close(other);
	close(reader);
	unlink("locked");
}

void files(void)
{
	topic("files");
	opening();
	positions();
	sizes();
	vectors();
	appending();
	descriptors();
	copying();
	removed();
	ranges();
	locks();
	unlink("a");
}
