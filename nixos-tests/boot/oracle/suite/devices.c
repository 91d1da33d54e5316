/* The devices that every program may ask for, and what /proc tells of the process itself. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char buffer[64];

static int all_are(const char *bytes, long length, char byte)
{
	for (long i = 0; i < length; i++) {
		if (bytes[i] != byte) return 0;
	}
	return 1;
}

void devices(void)
{
	topic("devices");
	int fd = DONE("open /dev/null", open("/dev/null", O_RDWR));
	CALL("read it", read(fd, buffer, sizeof buffer));
	CALL("write it", write(fd, buffer, sizeof buffer));
	CALL("seek in it", lseek(fd, 5, SEEK_SET));
	close(fd);
	fd = DONE("open /dev/zero", open("/dev/zero", O_RDWR));
	memset(buffer, 'x', sizeof buffer);
	CALL("read /dev/zero", read(fd, buffer, sizeof buffer));
	YES("it reads as zeros", all_are(buffer, sizeof buffer, 0));
	CALL("write /dev/zero", write(fd, buffer, 10));
	close(fd);
	fd = DONE("open /dev/urandom", open("/dev/urandom", O_RDONLY));
	CALL("read /dev/urandom", read(fd, buffer, sizeof buffer));
	YES("it reads as anything else", !all_are(buffer, sizeof buffer, 0));
	close(fd);
	fd = DONE("open /dev/full", open("/dev/full", O_WRONLY));
	CALL("write /dev/full", write(fd, "x", 1));
	close(fd);
	CALL("unlink below a device", unlink("/dev/null/x"));

	make_file("a", "through a descriptor");
	fd = open("a", O_RDONLY);
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	long length = readlink(path, buffer, sizeof buffer);
	YES("/proc/self/fd tells the path", length > 2 && !memcmp(buffer + length - 2, "/a", 2));
	close(fd);
	CALL("/proc/self/fd of what is closed", readlink(path, buffer, sizeof buffer));
	unlink("a");

	FILE *file = fopen("/proc/self/comm", "r");
	TEXT("/proc/self/comm", file ? fgets(buffer, sizeof buffer, file) : NULL);
	if (file) fclose(file);
	YES("/proc/self/exe is a link", readlink("/proc/self/exe", buffer, sizeof buffer) > 0);
}
