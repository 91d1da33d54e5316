/*
 * Counts the instructions that a guest executes, for QEMU's emulator (TCG).
 *
 *     qemu-system-x86_64 … -plugin count.so,socket=PATH
 *
 * Whoever connects to the Unix socket at PATH gets one line, "<instructions> <nanoseconds>\n": how many instructions all
 * processors have executed, and the host's monotonic clock at that moment. QEMU itself keeps the count; the plugin
 * costs no call per instruction.
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

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
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

static void *answer(void *unused)
{
    (void)unused;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        char line[64];
        int length = snprintf(line, sizeof line, "%llu %llu\n", (unsigned long long)qemu_plugin_u64_sum(executed),
                              now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec);
        /* A client that has gone asks again. */
        ssize_t written = write(client, line, (size_t)length);
        (void)written;
        close(client);
    }
    return NULL;
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

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int count, char **arguments)
{
    static const char option[] = "socket=";
    (void)info;
    if (count != 1 || strncmp(arguments[0], option, sizeof option - 1) != 0 ||
        listen_at(arguments[0] + sizeof option - 1) < 0) {
        fprintf(stderr, "count: wants socket=PATH, a short path that is not there yet\n");
        return -1;
    }
    executed = (qemu_plugin_u64){qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0};
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    pthread_t thread;
    return pthread_create(&thread, NULL, answer, NULL);
}
