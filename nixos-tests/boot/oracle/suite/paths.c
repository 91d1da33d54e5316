/* Directories, links and names. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char buffer[PATH_MAX];

/* The names in a directory in alphabetical order, each with a space behind it. */
static const char *names_in(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	if (count < 0) return NULL;
	buffer[0] = 0;
	for (int i = 0; i < count; i++) {
		strcat(strcat(buffer, entries[i]->d_name), " ");
		free(entries[i]);
	}
	free(entries);
	return buffer;
}

static void making(void)
{
	CALL("make a directory", mkdir("d", 0755));
	CALL("make it again", mkdir("d", 0755));
	CALL("make one in what is not there", mkdir("missing/d", 0755));
	CALL("make one with a slash behind it", mkdir("d/e/", 0755));
	make_file("f", "");
	CALL("make one where a file is", mkdir("f", 0755));
	CALL("make one below a file", mkdir("f/d", 0755));
	CALL("make one with an empty path", mkdir("", 0755));
	CALL("make one at address 0", mkdir(NULL, 0755));
	CALL("remove one that is not empty", rmdir("d"));
	CALL("remove one that is empty", rmdir("d/e"));
	CALL("remove what is not there", rmdir("d/e"));
	CALL("remove a file as a directory", rmdir("f"));
	CALL("remove a directory as a file", unlink("d"));
	CALL("remove one by its dot", rmdir("d/."));
	CALL("remove one by two dots", rmdir("d/.."));
	CALL("unlink an empty path", unlink(""));
	CALL("unlink a file with a slash behind it", unlink("f/"));
	CALL("remove with remove(3)", remove("f"));
	CALL("remove a directory with remove(3)", remove("d"));
}

static void listing(void)
{
	mkdir("d", 0755);
	TEXT("names in an empty directory", names_in("d"));
	make_file("d/one", "1");
	make_file("d/two", "22");
	mkdir("d/three", 0755);
	symlink("one", "d/link");
	TEXT("names in a directory", names_in("d"));
	TEXT("names in what is not there", names_in("missing"));
	TEXT("names in a file", names_in("d/one"));

	DIR *directory = opendir("d");
	int count = 0, kinds = 0;
	for (struct dirent *entry; (entry = readdir(directory)); count++) {
		if (!strcmp(entry->d_name, "one")) kinds += entry->d_type == DT_REG;
		if (!strcmp(entry->d_name, "three")) kinds += entry->d_type == DT_DIR;
		if (!strcmp(entry->d_name, "link")) kinds += entry->d_type == DT_LNK;
	}
	VALUE("entries", count);
	VALUE("entries of the right kind", kinds);
	rewinddir(directory);
	for (count = 0; readdir(directory); count++) {}
	VALUE("entries when read again", count);
	char byte;
	YES("a directory is not read", read(dirfd(directory), &byte, 1) == -1);
	CALL("write to a directory", write(dirfd(directory), "x", 1));
	closedir(directory);

	struct stat one, dot;
	stat("d/one", &one);
	int same = 0;
	directory = opendir("d");
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (!strcmp(entry->d_name, "one")) same = entry->d_ino == one.st_ino;
	}
	closedir(directory);
	YES("an entry has the number of its file", same);
	stat("d", &one);
	stat("d/three/..", &dot);
	YES("two dots are the directory above", one.st_ino == dot.st_ino && one.st_dev == dot.st_dev);

	glob_t found;
	VALUE("glob", glob("d/t*", 0, NULL, &found));
	VALUE("names found by glob", found.gl_pathc);
	TEXT("the first of them", found.gl_pathv[0]);
	globfree(&found);
	VALUE("glob of nothing", glob("d/x*", 0, NULL, &found));
}

static void many(void)
{
	char path[16];
	mkdir("m", 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof path, "m/%03d", i);
		make_file(path, "");
	}
	DIR *directory = opendir("m");
	int count = 0;
	while (readdir(directory)) count++;
	closedir(directory);
	VALUE("entries of a large directory", count);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof path, "m/%03d", i);
		unlink(path);
	}
	CALL("remove it when emptied", rmdir("m"));
}

static void relative(void)
{
	int d = open("d", O_RDONLY | O_DIRECTORY), one = open("d/one", O_RDONLY);
	int fd = DONE("openat", openat(d, "one", O_RDONLY));
	close(fd);
	CALL("openat of what is not there", openat(d, "missing", O_RDONLY));
	CALL("openat below a file", openat(one, "x", O_RDONLY));
	CALL("openat below no file", openat(99, "x", O_RDONLY));
	fd = DONE("openat of an absolute path below no file", openat(99, "/", O_RDONLY));
	close(fd);
	CALL("mkdirat", mkdirat(d, "four", 0755));
	struct stat status;
	CALL("fstatat", fstatat(d, "four", &status, 0));
	YES("it is a directory", S_ISDIR(status.st_mode));
	CALL("fstatat of an empty path", fstatat(d, "", &status, 0));
	CALL("fstatat of a descriptor itself", fstatat(one, "", &status, AT_EMPTY_PATH));
	VALUE("its size", status.st_size);
	CALL("fstatat with unknown flags", fstatat(d, "one", &status, 0x40000000));
	CALL("unlinkat of a directory", unlinkat(d, "four", 0));
	CALL("unlinkat as a directory", unlinkat(d, "four", AT_REMOVEDIR));
	CALL("unlinkat of a file as a directory", unlinkat(d, "one", AT_REMOVEDIR));
	CALL("unlinkat with unknown flags", unlinkat(d, "one", 1));
	CALL("renameat", renameat(d, "two", AT_FDCWD, "two"));
	CALL("faccessat", faccessat(AT_FDCWD, "two", R_OK | W_OK, 0));
	CALL("faccessat of what is gone", faccessat(d, "two", F_OK, 0));
	CALL("renameat back", renameat(AT_FDCWD, "two", d, "two"));
	close(one);
	close(d);
}

static void working(void)
{
	char before[PATH_MAX];
	YES("getcwd gives its buffer", getcwd(before, sizeof before) == before);
	YES("it is absolute", before[0] == '/');
	int back = open(".", O_RDONLY | O_DIRECTORY);
	CALL("chdir", chdir("d"));
	getcwd(buffer, sizeof buffer);
	YES("getcwd has the name behind", !strncmp(buffer, before, strlen(before)) && !strcmp(buffer + strlen(before), "/d"));
	YES("getcwd to too short a buffer", !getcwd(buffer, 2) && errno == ERANGE);
	YES("getcwd to no bytes", !getcwd(buffer, 0) && errno == EINVAL);
	CALL("a file by its relative path", access("one", F_OK));
	CALL("chdir to what is not there", chdir("missing"));
	CALL("chdir to a file", chdir("one"));
	CALL("chdir above", chdir("three/../.."));
	getcwd(buffer, sizeof buffer);
	YES("back again", !strcmp(buffer, before));
	mkdir("gone", 0755);
	chdir("gone");
	CALL("remove the working directory", rmdir("../gone"));
	YES("getcwd of what was removed", !getcwd(buffer, sizeof buffer) && errno == ENOENT);
	CALL("make a file in what was removed", open("x", O_CREAT | O_RDWR, 0644));
	CALL("fchdir", fchdir(back));
	getcwd(buffer, sizeof buffer);
	YES("back by descriptor", !strcmp(buffer, before));
	int file = open("d/one", O_RDONLY);
	CALL("fchdir to a file", fchdir(file));
	CALL("fchdir to no file", fchdir(99));
	close(file);
	close(back);
	struct stat root, above;
	stat("/", &root);
	stat("/..", &above);
	YES("above the root is the root", root.st_ino == above.st_ino && root.st_dev == above.st_dev);
	YES("realpath resolves", realpath("d/three/../link", buffer) && !strcmp(buffer + strlen(before), "/d/one"));
	YES("realpath of what is not there", !realpath("missing", buffer) && errno == ENOENT);
}

static void links(void)
{
	CALL("make a link", symlink("one", "d/l"));
	CALL("make it again", symlink("one", "d/l"));
	CALL("make a link to nothing", symlink("", "d/none"));
	long length = CALL("readlink", readlink("d/l", buffer, sizeof buffer));
	BYTES("its target", buffer, length);
	CALL("readlink to a short buffer", readlink("d/l", buffer, 2));
	CALL("readlink to no bytes", readlink("d/l", buffer, 0));
	CALL("readlink of a file", readlink("d/one", buffer, sizeof buffer));
	struct stat status;
	lstat("d/l", &status);
	YES("lstat tells the link", S_ISLNK(status.st_mode));
	VALUE("size of a link", status.st_size);
	stat("d/l", &status);
	YES("stat tells the file", S_ISREG(status.st_mode));
	CALL("open without following", open("d/l", O_RDONLY | O_NOFOLLOW));
	symlink("loop", "loop");
	CALL("open a loop", open("loop", O_RDONLY));
	CALL("lstat of a loop", lstat("loop", &status));
	CALL("stat of a loop", stat("loop", &status));
	symlink("nowhere", "dangling");
	CALL("open a link to what is not there", open("dangling", O_RDONLY));
	CALL("make exclusively where a link is", open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644));
	close(DONE("make a file through a link", open("dangling", O_CREAT | O_RDWR, 0644)));
	CALL("the file is where the link says", access("nowhere", F_OK));
	symlink("d", "way");
	CALL("a directory through a link", access("way/one", F_OK));
	CALL("open a link with a slash behind it", access("way/", F_OK));
	CALL("remove a directory through a link", rmdir("way"));
	CALL("unlink a link", unlink("way"));
	CALL("what it led to is there", access("d", F_OK));
	unlink("loop");
	unlink("dangling");
	unlink("nowhere");
	unlink("d/l");
}

/* musl 1.2.3 has no function for it. */
static long rename_with_flags(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void renaming(void)
{
	make_file("p", "p");
	make_file("q", "qq");
	CALL("rename over a file", rename("p", "q"));
	CALL("the old name", access("p", F_OK));
	struct stat status;
	stat("q", &status);
	VALUE("size under the new name", status.st_size);
	CALL("rename to itself", rename("q", "q"));
	CALL("rename what is not there", rename("p", "q"));
	CALL("rename to where nothing is", rename("q", "missing/q"));
	mkdir("x", 0755);
	mkdir("y", 0755);
	make_file("y/file", "");
	CALL("rename a file over a directory", rename("q", "x"));
	CALL("rename a directory over a file", rename("x", "q"));
	CALL("rename over a directory that is not empty", rename("x", "y"));
	CALL("rename over an empty directory", rename("y", "x"));
	CALL("what was in it", access("x/file", F_OK));
	CALL("rename into itself", rename("x", "x/y"));
	CALL("rename with an empty path", rename("", "y"));
	CALL("rename a dot", rename("x/.", "y"));
	CALL("rename only where nothing is", rename_with_flags("q", "x/file", 1));
	CALL("rename with flags that exclude each other", rename_with_flags("q", "r", 3));
	unlink("x/file");
	rmdir("x");
	unlink("q");
}

static void statuses(void)
{
	struct stat status;
	umask(022);
	int fd = open("s", O_CREAT | O_RDWR, 0666);
	write(fd, "12345", 5);
	CALL("fstat", fstat(fd, &status));
	VALUE("size", status.st_size);
	OCTAL("permissions that umask leaves", status.st_mode & 07777);
	VALUE("links", status.st_nlink);
	YES("it is a regular file", S_ISREG(status.st_mode));
	YES("it is dated", status.st_mtime > 0);
	OCTAL("the mask before", umask(077));
	mkdir("t", 0777);
	stat("t", &status);
	OCTAL("permissions of a directory under another mask", status.st_mode & 0777);
	OCTAL("the mask between", umask(022));
	CALL("fchmod", fchmod(fd, 0640));
	fstat(fd, &status);
	OCTAL("permissions after fchmod", status.st_mode & 07777);
	CALL("chmod", chmod("s", 0755));
	stat("s", &status);
	OCTAL("permissions after chmod", status.st_mode & 07777);
	CALL("chmod of what is not there", chmod("missing", 0644));
	CALL("access to run", access("s", X_OK));
	CALL("access with unknown bits", access("s", 8));
	CALL("access of what is not there", access("missing", R_OK));
	CALL("stat of what is not there", stat("missing", &status));
	CALL("stat below a file", stat("s/x", &status));
	CALL("stat of a file with a slash behind it", stat("s/", &status));
	CALL("stat of an empty path", stat("", &status));
	CALL("fstat of no file", fstat(99, &status));
	struct timespec times[2] = { { 1000, 0 }, { 2000, 0 } };
	CALL("futimens", futimens(fd, times));
	fstat(fd, &status);
	VALUE("the date after futimens", status.st_mtime);
	times[1].tv_nsec = UTIME_OMIT;
	CALL("utimensat leaves a date out", utimensat(AT_FDCWD, "s", times, 0));
	stat("s", &status);
	VALUE("the date after utimensat", status.st_mtime);
	times[1].tv_nsec = 2000000000;
	CALL("a date that is none", futimens(fd, times));
	write(fd, "6", 1);
	fstat(fd, &status);
	YES("writing dates a file", status.st_mtime > 2000);
	close(fd);
	unlink("s");
	rmdir("t");
	stat("/dev/null", &status);
	YES("/dev/null is a device", S_ISCHR(status.st_mode));
	YES("of the right number", status.st_rdev == (1 << 8 | 3));
}

/* Files that are held, and neither read nor written. */
static void holding(void)
{
	topic("O_PATH");
	struct stat status;
	make_file("held", "text");
	mkdir("place", 0755);
	make_file("place/inner", "text");
	symlink("held", "way");
	int fd = DONE("hold a file", open("held", O_PATH | O_RDWR | O_TRUNC | O_CLOEXEC));
	CALL("its status", fstat(fd, &status));
	VALUE("it is as long as before", status.st_size);
	VALUE("close-on-exec", fcntl(fd, F_GETFD));
	YES("its flags", (fcntl(fd, F_GETFL) & (O_PATH | O_ACCMODE)) == O_PATH);
	CALL("change its flags", fcntl(fd, F_SETFL, O_APPEND));
	CALL("read", read(fd, buffer, 1));
	CALL("write", write(fd, "x", 1));
	CALL("seek", lseek(fd, 0, SEEK_SET));
	CALL("cut", ftruncate(fd, 0));
	CALL("synchronise", fsync(fd));
	CALL("its permissions", syscall(SYS_fchmod, fd, 0600));
	int copy = DONE("copy", dup(fd));
	close(fd);
	CALL("remove its name", unlink("held"));
	CALL("it is there still", fstat(copy, &status));
	VALUE("without a name", status.st_nlink);
	CALL("close", close(copy));
	CALL("hold what is not there", open("held", O_PATH));
	CALL("hold a link's end that is not there", open("way", O_PATH));
	fd = DONE("hold a link", open("way", O_PATH | O_NOFOLLOW));
	fstat(fd, &status);
	YES("it is a link", S_ISLNK(status.st_mode));
	close(fd);
	CALL("hold a link as a directory", open("way", O_PATH | O_NOFOLLOW | O_DIRECTORY));
	CALL("hold a file as a directory", open("place/inner", O_PATH | O_DIRECTORY));
	fd = DONE("hold a directory", open("place", O_PATH | O_DIRECTORY));
	CALL("list it", syscall(SYS_getdents64, fd, buffer, 64));
	CALL("open a file in it", close(openat(fd, "inner", O_RDONLY)));
	CALL("a file in it by its status", fstatat(fd, "inner", &status, 0));
	CALL("go there", fchdir(fd));
	CALL("remove the file", unlink("inner"));
	chdir("..");
	close(fd);
	unlink("way");
	rmdir("place");
}

static int visited;

static int visit(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	visited++;
	return remove(path);
}

void paths(void)
{
	topic("paths");
	making();
	listing();
	many();
	relative();
	working();
	links();
	renaming();
	statuses();
	holding();
	VALUE("a tree removed from below", nftw("d", visit, 8, FTW_DEPTH | FTW_PHYS));
	VALUE("files and directories of it", visited);
}
