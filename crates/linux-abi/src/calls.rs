//! The table of system calls: number, arguments, what does it, what it lacks.

use linux_raw_sys::general as numbers;
use open_file::Errno;

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::names;
use crate::user::User;

/// How much of a call there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All that its man page says, for one process.
    Done,
    /// Some; what is missing.
    Partial(&'static str),
}

/// A call that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name, as in the man pages.
    pub name: &'static str,
    /// Linux's number for it on this architecture.
    pub number: u32,
    /// How much of it there is.
    pub support: Support,
}

/// An argument as it comes in a register.
trait Argument {
    fn from_register(register: usize) -> Self;
}

macro_rules! cut_to_size {
    ($($type:ty),*) => {
        $(impl Argument for $type {
            // The upper bits of a narrower argument hold anything (System V ABI, section 3.2.3).
            fn from_register(register: usize) -> Self {
                register as Self
            }
        })*
    };
}

cut_to_size!(i32, u32, i64, u64, usize);

impl Argument for Descriptor {
    fn from_register(register: usize) -> Self {
        Self(register as i32)
    }
}

impl<T> Argument for User<T> {
    fn from_register(register: usize) -> Self {
        Self::new(register)
    }
}

/// What a call gives, as it goes back.
trait Returned {
    fn returned(self) -> isize;
}

impl Returned for usize {
    fn returned(self) -> isize {
        self as isize
    }
}

impl Returned for () {
    fn returned(self) -> isize {
        0
    }
}

impl Returned for Descriptor {
    fn returned(self) -> isize {
        self.0 as isize
    }
}

impl<T: Returned> Returned for Result<T, Errno> {
    fn returned(self) -> isize {
        match self {
            Ok(value) => value.returned(),
            Err(errno) => errno.returned(),
        }
    }
}

/// Each call by its name and arguments, the method that makes it, and behind that what it lacks.
macro_rules! calls {
    ($($name:ident $number:ident ($($argument:ident),*) $method:ident $(lacks $missing:literal)?;)*) => {
        impl<W: World> Linux<W> {
            /// Makes call `number`: its value, or Linux's negative number of an error.
            ///
            /// A program calls this as a function: what is common to all calls is kept to a few instructions.
            #[inline(always)]
            #[expect(clippy::too_many_arguments, reason = "the registers of a call")]
            pub fn make_call(
                &self,
                number: usize,
                a: usize,
                b: usize,
                c: usize,
                d: usize,
                e: usize,
                f: usize,
            ) -> isize {
                let returned = match number as u32 {
                    $(numbers::$number => {
                        // Apart from this function, which would else save all the registers that any call needs.
                        #[inline(never)]
                        fn make<W: World>(process: &Linux<W>, $($argument: usize),*) -> isize {
                            process.$method($(Argument::from_register($argument)),*).returned()
                        }
                        calls!(@registers (make self) [$($argument)*] [a b c d e f] [])
                    })*
                    number => return absent(number, self),
                };
                self.deliver_after_call(returned)
            }
        }

        /// Every call that there is; any other answers `ENOSYS`.
        pub const CALLS: &[Call] = &[
            $(Call {
                name: stringify!($name),
                number: numbers::$number,
                support: calls!(@support $($missing)?),
            }),*
        ];
    };
    // As many registers as there are arguments.
    (@registers ($make:ident $process:ident) [] [$($rest:ident)*] [$($register:ident)*]) => {
        $make($process, $($register),*)
    };
    (@registers $call:tt [$first:ident $($more:ident)*] [$next:ident $($rest:ident)*] [$($register:ident)*]) => {
        calls!(@registers $call [$($more)*] [$($rest)*] [$($register)* $next])
    };
    (@support) => { Support::Done };
    (@support $missing:literal) => { Support::Partial($missing) };
}

calls! {
    // counters.rs
    eventfd __NR_eventfd(count) make_counter;
    eventfd2 __NR_eventfd2(count, flags) make_counter_with_flags;

    // epoll.rs
    epoll_create __NR_epoll_create(size) make_epoll;
    epoll_create1 __NR_epoll_create1(flags) make_epoll_with_flags;
    epoll_ctl __NR_epoll_ctl(epoll, operation, fd, event) control_epoll;
    epoll_pwait __NR_epoll_pwait(epoll, events, most, milliseconds, mask, size) wait_epoll_with_mask;
    epoll_pwait2 __NR_epoll_pwait2(epoll, events, most, time, mask, size) wait_epoll_precisely;
    epoll_wait __NR_epoll_wait(epoll, events, most, milliseconds) wait_epoll;

    // files.rs
    close __NR_close(fd) close;
    close_range __NR_close_range(first, last, flags) close_range;
    dup __NR_dup(fd) duplicate;
    dup2 __NR_dup2(from, to) duplicate_to;
    dup3 __NR_dup3(from, to, flags) duplicate_with_flags;
    fadvise64 __NR_fadvise64(fd, offset, length, advice) advise_file;
    fallocate __NR_fallocate(fd, mode, offset, length) allocate lacks "modes other than 0 and FALLOC_FL_KEEP_SIZE; room that is kept for what is not written yet";
    fcntl __NR_fcntl(fd, command, argument) control_descriptor lacks "leases, signals, seals, other sizes of pipes";
    fdatasync __NR_fdatasync(fd) synchronize;
    fsync __NR_fsync(fd) synchronize;
    ftruncate __NR_ftruncate(fd, size) resize;
    ioctl __NR_ioctl(fd, request, argument) control lacks "requests that neither are for every descriptor nor the file's own";
    readahead __NR_readahead(fd) read_ahead;
    sync_file_range __NR_sync_file_range(fd, offset, length, flags) synchronize_range;
    lseek __NR_lseek(fd, offset, from) seek lacks "SEEK_DATA, SEEK_HOLE";

    // futex.rs
    futex __NR_futex(address, operation, value, time, other, extra) futex lacks "FUTEX_FD, FUTEX_WAKE_OP, those with priorities";

    // dates.rs
    futimesat __NR_futimesat(base, path, dates) set_dates_in_directory lacks "the date of the last access, which files do not have";
    utime __NR_utime(path, dates) set_dates_in_seconds lacks "the date of the last access, which files do not have";
    utimensat __NR_utimensat(base, path, dates, flags) set_dates_at lacks "the date of the last access, which files do not have";
    utimes __NR_utimes(path, dates) set_dates lacks "the date of the last access, which files do not have";

    // identity.rs
    exit_group __NR_exit_group(status) exit_group;
    getpgid __NR_getpgid(process) process_of;
    getpgrp __NR_getpgrp() process;
    getpid __NR_getpid() process;
    getppid __NR_getppid() parent;
    getrandom __NR_getrandom(buffer, length, flags) random;
    getsid __NR_getsid(process) process_of;
    prctl __NR_prctl(option, argument) process_control lacks "options other than those of names, and some that Linux would only note";
    set_robust_list __NR_set_robust_list() nothing lacks "locks of threads that end with them, which musl sees to itself";
    setpgid __NR_setpgid(process, group) set_process_group;
    setsid __NR_setsid() new_session;
    umask __NR_umask(mask) set_mask;
    uname __NR_uname(name) names;
    wait4 __NR_wait4() wait_for_child;
    waitid __NR_waitid() wait_for_child;

    // limits.rs
    getcpu __NR_getcpu(processor, node) processor;
    getrlimit __NR_getrlimit(which, to) limit;
    getrusage __NR_getrusage(who, to) usage lacks "all but the time, which is that since the start";
    prlimit64 __NR_prlimit64(process, which, new, old) limits lacks "heed, but of that of descriptors";
    setrlimit __NR_setrlimit(which, from) set_limit lacks "heed, but of that of descriptors";
    sysinfo __NR_sysinfo(to) system_information lacks "loads, swap";
    times __NR_times(to) times lacks "time of the system apart from that of the process";

    // links.rs
    link __NR_link(from, to) link;
    linkat __NR_linkat(from, path, to, new, flags) link_at;
    mknod __NR_mknod(path, mode) make_node lacks "files other than regular ones";
    mknodat __NR_mknodat(base, path, mode) make_node_at lacks "files other than regular ones";
    readlink __NR_readlink(path, buffer, length) read_link;
    readlinkat __NR_readlinkat(base, path, buffer, length) read_link_at;
    symlink __NR_symlink(target, path) make_link;
    symlinkat __NR_symlinkat(target, base, path) make_link_at;

    // locks.rs
    flock __NR_flock(fd, operation) lock;

    // memory.rs
    brk __NR_brk(end) set_break;
    madvise __NR_madvise(address, length, advice) advise;
    mlock __NR_mlock() lock_memory;
    mincore __NR_mincore(address, length, to) pages_in_memory;
    mlock2 __NR_mlock2() lock_memory;
    mlockall __NR_mlockall() lock_memory;
    mmap __NR_mmap(hint, length, protection, flags, fd, offset) map_memory lacks "writing to a file through memory; memory that is both writable and executable";
    mprotect __NR_mprotect(address, length, protection) protect_memory lacks "memory that is both writable and executable";
    mremap __NR_mremap(address, length, wanted, flags, place) remap_memory lacks "a second place for shared memory";
    msync __NR_msync(address, length, flags) synchronize_memory;
    munlock __NR_munlock() lock_memory;
    munlockall __NR_munlockall() lock_memory;
    munmap __NR_munmap(address, length) unmap_memory;

    // network.rs
    accept __NR_accept(fd, address, length) accept;
    accept4 __NR_accept4(fd, address, length, flags) accept_with_flags;
    bind __NR_bind(fd, address, length) bind;
    connect __NR_connect(fd, address, length) connect;
    getpeername __NR_getpeername(fd, address, length) peer_address;
    getsockname __NR_getsockname(fd, address, length) own_address;
    getsockopt __NR_getsockopt(fd, level, name, value, length) socket_option;
    listen __NR_listen(fd, backlog) listen;
    recvfrom __NR_recvfrom(fd, buffer, length, flags, address, address_length) receive_from;
    recvmmsg __NR_recvmmsg(fd, messages, count, flags, time) receive_messages lacks "control messages of other sockets than those of Unix";
    recvmsg __NR_recvmsg(fd, message, flags) receive_message lacks "control messages of other sockets than those of Unix";
    sendmmsg __NR_sendmmsg(fd, messages, count, flags) send_messages lacks "control messages of other sockets than those of Unix, MSG_OOB, MSG_FASTOPEN, MSG_ZEROCOPY";
    sendmsg __NR_sendmsg(fd, message, flags) send_message lacks "control messages of other sockets than those of Unix, MSG_OOB, MSG_FASTOPEN, MSG_ZEROCOPY";
    sendto __NR_sendto(fd, bytes, length, flags, address, address_length) send_to lacks "MSG_OOB, MSG_FASTOPEN, MSG_ZEROCOPY";
    setsockopt __NR_setsockopt(fd, level, name, value, length) set_socket_option;
    shutdown __NR_shutdown(fd, half) shut_down;
    socket __NR_socket(family, kind, protocol) socket lacks "families other than AF_INET, AF_INET6 and AF_UNIX; raw sockets";
    socketpair __NR_socketpair(family, kind, protocol, to) socket_pair;

    // paths.rs
    access __NR_access(path, mode) access;
    chdir __NR_chdir(path) change_directory;
    chmod __NR_chmod(path, permissions) set_permissions;
    chown __NR_chown(path) set_owner lacks "owners: files are root's";
    creat __NR_creat(path, permissions) create;
    faccessat __NR_faccessat(base, path, mode) access_at;
    faccessat2 __NR_faccessat2(base, path, mode, flags) access_by_flags;
    fchdir __NR_fchdir(fd) change_directory_to;
    fchmod __NR_fchmod(fd, permissions) set_permissions_of;
    fchmodat __NR_fchmodat(base, path, permissions) set_permissions_at;
    fchmodat2 __NR_fchmodat2(base, path, permissions, flags) set_permissions_by_flags;
    fchown __NR_fchown(fd) set_owner_of lacks "owners: files are root's";
    fchownat __NR_fchownat(base, path, user, group, flags) set_owner_at lacks "owners: files are root's";
    fstat __NR_fstat(fd, to) status_of_descriptor;
    fstatfs __NR_fstatfs(fd, to) capacity_of;
    getcwd __NR_getcwd(buffer, length) working_directory;
    getdents64 __NR_getdents64(fd, buffer, length) names_in;
    lchown __NR_lchown(path) set_owner_of_link lacks "owners: files are root's";
    lstat __NR_lstat(path, to) status_of_link;
    mkdir __NR_mkdir(path, permissions) make_directory;
    mkdirat __NR_mkdirat(base, path, permissions) make_directory_at;
    newfstatat __NR_newfstatat(base, path, to, flags) status_at;
    open __NR_open(path, flags, permissions) open lacks "O_TMPFILE";
    openat __NR_openat(base, path, flags, permissions) open_at lacks "O_TMPFILE";
    rename __NR_rename(from, to) rename;
    renameat __NR_renameat(from, path, to, new) rename_at;
    renameat2 __NR_renameat2(from, path, to, new, flags) rename_with_flags lacks "RENAME_EXCHANGE, RENAME_WHITEOUT";
    rmdir __NR_rmdir(path) remove_directory;
    stat __NR_stat(path, to) status_of_path;
    statfs __NR_statfs(path, to) capacity lacks "the kind of file system: it is ramfs";
    statx __NR_statx(base, path, flags, mask, to) extended_status lacks "the time of birth";
    truncate __NR_truncate(path, size) resize_path;
    unlink __NR_unlink(path) remove;
    unlinkat __NR_unlinkat(base, path, flags) remove_at;

    // pipes.rs
    pipe __NR_pipe(to) make_pipe;
    pipe2 __NR_pipe2(to, flags) make_pipe_with_flags lacks "O_DIRECT";

    // poll.rs
    poll __NR_poll(files, count, milliseconds) poll;
    ppoll __NR_ppoll(files, count, time, mask, size) poll_precisely;
    pselect6 __NR_pselect6(count, read, write, exceptional, time, mask) select_precisely;
    select __NR_select(count, read, write, exceptional, time) select;

    // posix_timers.rs
    timer_create __NR_timer_create(clock, event, to) make_posix_timer lacks "clocks that wake the machine; those of processor time show the time since the start";
    timer_delete __NR_timer_delete(timer) delete_posix_timer;
    timer_getoverrun __NR_timer_getoverrun(timer) posix_timer_missed;
    timer_gettime __NR_timer_gettime(timer, to) posix_timer_left;
    timer_settime __NR_timer_settime(timer, flags, new, old) set_posix_timer;

    // scheduling.rs
    getpriority __NR_getpriority(which) niceness lacks "others than the usual 0";
    membarrier __NR_membarrier(command, flags) barrier lacks "barriers between processes, MEMBARRIER_CMD_FLAG_CPU";
    sched_get_priority_max __NR_sched_get_priority_max(policy) highest_priority;
    sched_get_priority_min __NR_sched_get_priority_min(policy) lowest_priority;
    sched_getaffinity __NR_sched_getaffinity(thread, length, to) affinity;
    sched_getparam __NR_sched_getparam(thread, to) priority_of;
    sched_getscheduler __NR_sched_getscheduler(thread) policy;
    sched_rr_get_interval __NR_sched_rr_get_interval(thread, to) share_of_time;
    sched_setaffinity __NR_sched_setaffinity(thread, length, from) set_affinity;
    sched_setparam __NR_sched_setparam(thread, from) set_priority_of lacks "policies that have priorities";
    sched_setscheduler __NR_sched_setscheduler(thread, policy, priority) set_policy lacks "policies that have priorities";
    setpriority __NR_setpriority(which) set_niceness lacks "effect";

    // signal_files.rs
    signalfd __NR_signalfd(fd, set, size) make_signal_file;
    signalfd4 __NR_signalfd4(fd, set, size, flags) make_signal_file_with_flags;

    // signals.rs
    kill __NR_kill(process, signal) kill lacks "other processes";
    pause __NR_pause() pause;
    rt_sigaction __NR_rt_sigaction(signal, new, old, size) set_action lacks "registers in ucontext_t; handlers of exceptions: an exception ends the image";
    rt_sigpending __NR_rt_sigpending(to, size) pending_signals;
    rt_sigprocmask __NR_rt_sigprocmask(how, new, old, size) set_signal_mask;
    rt_sigqueueinfo __NR_rt_sigqueueinfo(process, signal, information) queue;
    rt_sigsuspend __NR_rt_sigsuspend(mask, size) suspend;
    rt_sigtimedwait __NR_rt_sigtimedwait(set, information, time, size) take_signal_of;
    rt_tgsigqueueinfo __NR_rt_tgsigqueueinfo(process, thread, signal, information) queue_to_thread;
    sigaltstack __NR_sigaltstack(new, old) set_signal_stack lacks "use of stacks of less than 16 KiB";
    tgkill __NR_tgkill(process, thread, signal) kill_thread_of;
    tkill __NR_tkill(thread, signal) kill_thread;

    // splice.rs
    splice __NR_splice(from, from_offset, to, to_offset, count, flags) splice;

    // threads.rs
    arch_prctl __NR_arch_prctl(code, address) set_thread_pointer lacks "the gs register, CPUID faulting";
    exit __NR_exit(status) exit;
    gettid __NR_gettid() thread;
    set_tid_address __NR_set_tid_address(address) set_cleared;

    // time.rs
    clock_getres __NR_clock_getres(clock, to) clock_resolution;
    clock_gettime __NR_clock_gettime(clock, to) clock_time lacks "clocks of one process's or thread's processor time, which show the time since the start";
    clock_nanosleep __NR_clock_nanosleep(clock, flags, time, left) sleep_by_clock;
    gettimeofday __NR_gettimeofday(to, zone) time_of_day;
    nanosleep __NR_nanosleep(time, left) sleep;
    sched_yield __NR_sched_yield() yield_processor;
    time __NR_time(to) seconds;

    // timers.rs
    alarm __NR_alarm(seconds) set_alarm;
    getitimer __NR_getitimer(which, to) interval_timer lacks "ITIMER_VIRTUAL, ITIMER_PROF";
    setitimer __NR_setitimer(which, new, old) set_interval_timer lacks "ITIMER_VIRTUAL, ITIMER_PROF";
    timerfd_create __NR_timerfd_create(clock, flags) make_timer lacks "CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM";
    timerfd_gettime __NR_timerfd_gettime(fd, to) timer_left;
    timerfd_settime __NR_timerfd_settime(fd, flags, new, old) set_timer lacks "TFD_TIMER_CANCEL_ON_SET";

    // transfer.rs
    copy_file_range __NR_copy_file_range(from, from_offset, to, to_offset, count, flags) copy_range;
    pread64 __NR_pread64(fd, buffer, length, offset) read_at;
    preadv __NR_preadv(fd, pieces, count, offset) read_pieces_at;
    preadv2 __NR_preadv2(fd, pieces, count, offset, upper, flags) read_pieces_by_flags lacks "RWF_NOWAIT";
    pwrite64 __NR_pwrite64(fd, bytes, length, offset) write_at;
    pwritev __NR_pwritev(fd, pieces, count, offset) write_pieces_at;
    pwritev2 __NR_pwritev2(fd, pieces, count, offset, upper, flags) write_pieces_by_flags lacks "RWF_APPEND, RWF_NOWAIT";
    read __NR_read(fd, buffer, length) read;
    readv __NR_readv(fd, pieces, count) read_pieces;
    sendfile __NR_sendfile(to, from, offset, count) send_file;
    write __NR_write(fd, bytes, length) write;
    writev __NR_writev(fd, pieces, count) write_pieces;

    // users.rs
    getegid __NR_getegid() effective_group;
    geteuid __NR_geteuid() effective_user;
    getgid __NR_getgid() group;
    getgroups __NR_getgroups(most, to) groups;
    getresgid __NR_getresgid(real, effective, saved) group_ids;
    getresuid __NR_getresuid(real, effective, saved) users;
    getuid __NR_getuid() user;
    setfsgid __NR_setfsgid(id) set_group_for_files lacks "what a user may not do: all may everything";
    setfsuid __NR_setfsuid(id) set_user_for_files lacks "what a user may not do: all may everything";
    setgid __NR_setgid(id) set_group lacks "what a user may not do: all may everything";
    setgroups __NR_setgroups(count, from) set_groups lacks "what a user may not do: all may everything";
    setregid __NR_setregid(real, effective) set_two_groups lacks "what a user may not do: all may everything";
    setresgid __NR_setresgid(real, effective, saved) set_three_groups lacks "what a user may not do: all may everything";
    setresuid __NR_setresuid(real, effective, saved) set_three_users lacks "what a user may not do: all may everything";
    setreuid __NR_setreuid(real, effective) set_two_users lacks "what a user may not do: all may everything";
    setuid __NR_setuid(id) set_user lacks "what a user may not do: all may everything";
}

/// A call that there is not, until behind its end. Its arguments are in the registers where `make_call` has them, which would
/// else move those of every call.
#[cold]
#[inline(never)]
fn absent<W: World>(number: u32, process: &Linux<W>) -> isize {
    if process.missed.borrow_mut().insert(number) {
        let name = names::name(number).unwrap_or("of no name");
        log::warn!("the program made system call {number} ({name}), which is not there");
    }
    process.deliver_after_call(Errno::ENOSYS.returned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_is_there_once() {
        let numbers: BTreeSet<u32> = CALLS.iter().map(|call| call.number).collect();
        let names: BTreeSet<&str> = CALLS.iter().map(|call| call.name).collect();
        assert_eq!((numbers.len(), names.len()), (CALLS.len(), CALLS.len()));
        assert!(CALLS.iter().all(|call| names::name(call.number) == Some(call.name)));
    }
}
