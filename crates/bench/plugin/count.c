/*
 * Counts the instructions that a guest executes, for QEMU's emulator (TCG).
 *
 *     qemu-system-x86_64 … -plugin count.so,socket=PATH,end=FILE
 *
 * Whoever connects to the Unix socket at PATH gets one line, "<instructions> <nanoseconds>\n": how many instructions all
 * processors have executed, and the host's monotonic clock at that moment. The same line is written to FILE when the machine
 * ends by itself. QEMU keeps the count; the plugin costs no call per instruction.
 *
 * Distributions do not ship qemu-plugin.h, so the part of QEMU's plugin interface that is used is declared here
 * (QEMU, "TCG Plugins", docs/devel/tcg-plugins.rst): version 2 of it, which QEMU 9.0 was the first to have.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_info;
struct qemu_plugin_scoreboard;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* One 64-bit number in each entry of a scoreboard, which has an entry a virtual processor. */
typedef struct {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
} qemu_plugin_u64;

enum { INLINE_ADD_U64 = 0 };

/* Two numbers of 20 digits at most. */
enum { LONGEST_LINE = 64 };

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin_id id, void (*ended)(plugin_id, void *), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *instruction, int operation,
                                                         qemu_plugin_u64 entry, uint64_t operand);

EXPORT int qemu_plugin_version = 2;

static qemu_plugin_u64 executed;
static int listener;

/* Each instruction adds one by itself: a block that is left in its middle counts as far as it came. */
static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    size_t length = qemu_plugin_tb_n_insns(block);
    for (size_t index = 0; index < length; index++)
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(qemu_plugin_tb_get_insn(block, index), INLINE_ADD_U64,
                                                            executed, 1);
}

/* Writes what has been executed by now as a line, and returns its length. */
static size_t tell(char *line, size_t room)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, room, "%llu %llu\n", (unsigned long long)qemu_plugin_u64_sum(executed),
                          now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec);
    return (size_t)length;
}

static void *answer(void *unused)
{
    (void)unused;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        char line[LONGEST_LINE];
        /* A client that has gone asks again. */
        ssize_t written = write(client, line, tell(line, sizeof line));
        (void)written;
        close(client);
    }
    return NULL;
}

static void ended(plugin_id id, void *file)
{
    (void)id;
    char line[LONGEST_LINE];
    size_t length = tell(line, sizeof line);
    FILE *out = fopen(file, "w");
    if (out == NULL || fwrite(line, 1, length, out) != length || fclose(out) != 0)
        fprintf(stderr, "count: cannot write to %s\n", (char *)file);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return listen(listener, 4);
}

/* The value of an argument `name=value` of that name, or nothing. */
static char *value_of(const char *name, int count, char **arguments)
{
    size_t length = strlen(name);
    for (int index = 0; index < count; index++)
        if (strncmp(arguments[index], name, length) == 0 && arguments[index][length] == '=')
            return arguments[index] + length + 1;
    return NULL;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int count, char **arguments)
{
    (void)info;
    const char *path = value_of("socket", count, arguments);
    char *end = value_of("end", count, arguments);
    /* QEMU frees the arguments. */
    if (path == NULL || end == NULL || listen_at(path) < 0 || (end = strdup(end)) == NULL) {
        fprintf(stderr, "count: wants socket=PATH, a short path that is not there yet, and end=FILE\n");
        return -1;
    }
    executed = (qemu_plugin_u64){qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0};
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, end);
    pthread_t thread;
    return pthread_create(&thread, NULL, answer, NULL);
}
