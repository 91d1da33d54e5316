/* How a check writes its line of the transcript, `topic: name: result`.
 *
 * A check is one line of code: the macro says what becomes of the result. Nothing that differs from run to run may be
 * written: no descriptor, address, process number or time, but relations between them. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stddef.h>

/* What a call gives: its value, or -1 and the name of the error. */
#define CALL(name, call) (errno = 0, check_call(name, (call)))
/* Whether a call succeeds, for one that gives a descriptor or an address; gives the value on. */
#define DONE(name, call) (errno = 0, check_done(name, (long)(call)))
/* The error that a function gives as its value, as those of POSIX threads do. */
#define ERROR(name, call) check_error(name, (call))
#define VALUE(name, value) check_value(name, (value))
#define OCTAL(name, value) check_octal(name, (value))
#define YES(name, condition) (errno = 0, check_yes(name, (condition)))
#define TEXT(name, text) check_text(name, (text))
#define BYTES(name, bytes, length) check_bytes(name, (bytes), (length))
/* The bits of poll(2), of which those of epoll(7) are a superset. */
#define EVENTS(name, bits) check_events(name, (bits))

void topic(const char *name);
long check_call(const char *name, long value);
long check_done(const char *name, long value);
void check_error(const char *name, int error);
void check_value(const char *name, long long value);
void check_octal(const char *name, unsigned value);
void check_yes(const char *name, int condition);
void check_text(const char *name, const char *text);
void check_bytes(const char *name, const void *bytes, long length);
void check_events(const char *name, unsigned bits);

/* Makes a file of these bytes in the working directory. */
void make_file(const char *path, const char *text);
/* Milliseconds of CLOCK_MONOTONIC. */
long long now(void);
/* Lets the other threads run, and these milliseconds pass. */
void rest(int milliseconds);

#define LENGTH(array) (sizeof(array) / sizeof *(array))

#endif
