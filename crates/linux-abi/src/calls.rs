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

/// What makes a call, whatever the process stands on.
pub(crate) trait SystemCalls {
    /// Makes call `number`: its value, or Linux's negative number of an error.
    fn call(&self, number: usize, arguments: [usize; 6]) -> isize;
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
        impl<W: World> SystemCalls for Linux<W> {
            fn call(&self, number: usize, arguments: [usize; 6]) -> isize {
                let returned = match number as u32 {
                    $(numbers::$number => {
                        let [$($argument,)* ..] = arguments;
                        self.$method($(Argument::from_register($argument)),*).returned()
                    })*
                    absent => self.absent(absent).returned(),
                };
                self.deliver_after_call();
                returned
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
    epoll_ctl __NR_epoll_ctl(epoll, operation, fd, event) control_epoll lacks "loops of epolls in one another, which are not refused";
    epoll_pwait __NR_epoll_pwait(epoll, events, most, milliseconds) wait_epoll lacks "the mask of signals";
    epoll_pwait2 __NR_epoll_pwait2(epoll, events, most, time) wait_epoll_precisely lacks "the mask of signals";
    epoll_wait __NR_epoll_wait(epoll, events, most, milliseconds) wait_epoll;

    // files.rs
    close __NR_close(fd) close;
    close_range __NR_close_range(first, last, flags) close_range;
    dup __NR_dup(fd) duplicate;
    dup2 __NR_dup2(from, to) duplicate_to;
    dup3 __NR_dup3(from, to, flags) duplicate_with_flags;
    fcntl __NR_fcntl(fd, command, argument) control_descriptor lacks "locks, leases, pipe sizes, seals";
    fdatasync __NR_fdatasync(fd) synchronize;
    fsync __NR_fsync(fd) synchronize;
    ftruncate __NR_ftruncate(fd, size) resize;
    ioctl __NR_ioctl(fd, request, argument) control lacks "requests other than FIONBIO, FIONREAD, TIOCGWINSZ and those of the file itself";
    lseek __NR_lseek(fd, offset, from) seek lacks "SEEK_DATA, SEEK_HOLE";
    pread64 __NR_pread64(fd, buffer, length, offset) read_at;
    preadv __NR_preadv(fd, pieces, count, offset) read_pieces_at;
    pwrite64 __NR_pwrite64(fd, bytes, length, offset) write_at;
    pwritev __NR_pwritev(fd, pieces, count, offset) write_pieces_at;
    read __NR_read(fd, buffer, length) read;
    readv __NR_readv(fd, pieces, count) read_pieces;
    sendfile __NR_sendfile(to, from, offset, count) send_file;
    write __NR_write(fd, bytes, length) write;
    writev __NR_writev(fd, pieces, count) write_pieces;

    // futex.rs
    futex __NR_futex(address, operation, value, time, other, extra) futex lacks "FUTEX_FD, FUTEX_WAKE_OP, those with priorities";

    // identity.rs
    exit_group __NR_exit_group(status) exit_group;
    getegid __NR_getegid() user;
    getgroups __NR_getgroups(most, to) groups;
    geteuid __NR_geteuid() user;
    getgid __NR_getgid() user;
    getpgid __NR_getpgid(process) process_of;
    getpgrp __NR_getpgrp() process;
    getpid __NR_getpid() process;
    getppid __NR_getppid() parent;
    getrandom __NR_getrandom(buffer, length, flags) random;
    getresgid __NR_getresgid(real, effective, saved) users;
    getresuid __NR_getresuid(real, effective, saved) users;
    getsid __NR_getsid(process) process_of;
    getuid __NR_getuid() user;
    prctl __NR_prctl(option, argument) process_control lacks "options other than PR_SET_NAME and PR_GET_NAME";
    set_robust_list __NR_set_robust_list() nothing lacks "locks of threads that end with them";
    setgid __NR_setgid(id) set_user lacks "users other than root";
    setgroups __NR_setgroups() nothing lacks "users other than root";
    setpgid __NR_setpgid() nothing lacks "groups of processes";
    setsid __NR_setsid() process lacks "sessions";
    setuid __NR_setuid(id) set_user lacks "users other than root";
    umask __NR_umask(mask) set_mask;
    uname __NR_uname(name) names;

    // limits.rs
    getcpu __NR_getcpu(processor, node) processor;
    getrlimit __NR_getrlimit(which, to) limit;
    getrusage __NR_getrusage(who, to) usage lacks "all but the time, which is that since the start";
    prlimit64 __NR_prlimit64(process, which, new, old) limits lacks "limits that change";
    sched_getaffinity __NR_sched_getaffinity(process, length, to) affinity;
    setrlimit __NR_setrlimit(which, from) set_limit lacks "limits that change";
    sysinfo __NR_sysinfo(to) system_information lacks "loads, swap; memory is that of the window of addresses";
    times __NR_times(to) times lacks "time of the system apart from that of the process";

    // memory.rs
    brk __NR_brk(end) set_break;
    madvise __NR_madvise(address, length, advice) advise;
    mlock __NR_mlock() lock_memory;
    mlockall __NR_mlockall() lock_memory;
    mmap __NR_mmap(hint, length, protection, flags, fd, offset) map_memory lacks "writing to a file through memory; memory that is both writable and executable";
    mprotect __NR_mprotect(address, length, protection) protect_memory lacks "memory that is both writable and executable";
    mremap __NR_mremap(address, length, wanted, flags, place) remap_memory lacks "MREMAP_FIXED, MREMAP_DONTUNMAP";
    msync __NR_msync(address, length) synchronize_memory;
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
    recvfrom __NR_recvfrom(fd, buffer, length, flags, address, address_length) receive_from lacks "MSG_ERRQUEUE, MSG_OOB";
    recvmsg __NR_recvmsg(fd, message, flags) receive_message lacks "control messages, MSG_ERRQUEUE, MSG_OOB";
    sendmsg __NR_sendmsg(fd, message, flags) send_message lacks "control messages, MSG_MORE, MSG_OOB";
    sendto __NR_sendto(fd, bytes, length, flags, address, address_length) send_to lacks "MSG_MORE, MSG_OOB, SIGPIPE";
    setsockopt __NR_setsockopt(fd, level, name, value, length) set_socket_option;
    shutdown __NR_shutdown(fd, half) shut_down;
    socket __NR_socket(family, kind, protocol) socket lacks "families other than AF_INET, AF_INET6 and AF_UNIX; raw sockets";
    socketpair __NR_socketpair(family, kind, protocol, to) socket_pair;

    // paths.rs
    access __NR_access(path, mode) access;
    chdir __NR_chdir(path) change_directory;
    chmod __NR_chmod(path, permissions) set_permissions;
    creat __NR_creat(path, permissions) create;
    faccessat __NR_faccessat(base, path, mode, flags) access_at;
    faccessat2 __NR_faccessat2(base, path, mode, flags) access_at;
    fchdir __NR_fchdir(fd) change_directory_to;
    fchmod __NR_fchmod(fd, permissions) set_permissions_of;
    fchmodat __NR_fchmodat(base, path, permissions) set_permissions_at;
    fstat __NR_fstat(fd, to) status_of_descriptor;
    fstatfs __NR_fstatfs(fd, to) capacity_of;
    getcwd __NR_getcwd(buffer, length) working_directory;
    getdents64 __NR_getdents64(fd, buffer, length) names_in;
    lstat __NR_lstat(path, to) status_of_link;
    mkdir __NR_mkdir(path, permissions) make_directory;
    mkdirat __NR_mkdirat(base, path, permissions) make_directory_at;
    newfstatat __NR_newfstatat(base, path, to, flags) status_at;
    open __NR_open(path, flags, permissions) open lacks "O_PATH, O_TMPFILE";
    openat __NR_openat(base, path, flags, permissions) open_at lacks "O_PATH, O_TMPFILE";
    readlink __NR_readlink(path, buffer, length) read_link;
    readlinkat __NR_readlinkat(base, path, buffer, length) read_link_at;
    rename __NR_rename(from, to) rename;
    renameat __NR_renameat(from, path, to, new) rename_at;
    renameat2 __NR_renameat2(from, path, to, new, flags) rename_with_flags lacks "RENAME_EXCHANGE, RENAME_WHITEOUT";
    rmdir __NR_rmdir(path) remove_directory;
    stat __NR_stat(path, to) status_of_path;
    statfs __NR_statfs(path, to) capacity lacks "the kind of file system: it is ramfs";
    statx __NR_statx(base, path, flags, mask, to) extended_status lacks "the time of birth";
    symlink __NR_symlink(target, path) make_link;
    symlinkat __NR_symlinkat(target, base, path) make_link_at;
    truncate __NR_truncate(path, size) resize_path;
    unlink __NR_unlink(path) remove;
    unlinkat __NR_unlinkat(base, path, flags) remove_at;

    // pipes.rs
    pipe __NR_pipe(to) make_pipe;
    pipe2 __NR_pipe2(to, flags) make_pipe_with_flags lacks "O_DIRECT";

    // poll.rs
    poll __NR_poll(files, count, milliseconds) poll;
    ppoll __NR_ppoll(files, count, time) poll_precisely lacks "the mask of signals";
    pselect6 __NR_pselect6(count, read, write, exceptional, time) select_precisely lacks "the mask of signals";
    select __NR_select(count, read, write, exceptional, time) select;

    // signals.rs
    kill __NR_kill(process, signal) kill lacks "other processes";
    pause __NR_pause() pause;
    rt_sigaction __NR_rt_sigaction(signal, new, old, size) set_action lacks "SA_ONSTACK; registers in ucontext_t; handlers of exceptions: an exception ends the image";
    rt_sigpending __NR_rt_sigpending(to, size) pending_signals;
    rt_sigprocmask __NR_rt_sigprocmask(how, new, old, size) set_signal_mask;
    rt_sigsuspend __NR_rt_sigsuspend(mask, size) suspend;
    rt_sigtimedwait __NR_rt_sigtimedwait(set, information, time, size) take_signal_of;
    sigaltstack __NR_sigaltstack(new, old) set_signal_stack lacks "handlers on a stack of their own";
    tgkill __NR_tgkill(process, thread, signal) kill_thread_of;
    tkill __NR_tkill(thread, signal) kill_thread;

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
}

impl<W: World> Linux<W> {
    /// A call that there is not.
    #[cold]
    fn absent(&self, number: u32) -> Result<(), Errno> {
        if self.missed.borrow_mut().insert(number) {
            let name = names::name(number).unwrap_or("of no name");
            log::warn!("linux-abi: the program made system call {number} ({name}), which is not there");
        }
        Err(Errno::ENOSYS)
    }
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
