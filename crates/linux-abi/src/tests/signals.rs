//! What signals tell, and what they interrupt.

use super::*;

use std::vec;

use iface_scheduler::Scheduler;
use iface_shutdown::Wish;
use linux_raw_sys::general::{
    SA_RESTART, SA_SIGINFO, SI_KERNEL, SI_QUEUE, SI_TKILL, SIG_BLOCK, SIGINT, SIGRTMIN, SIGTERM, SIGUSR1,
    SIGUSR2,
};

type Process = &'static Linux<FakeNeeds>;

fn leaked() -> Process {
    let linux: Process = Box::leak(Box::new(process().0));
    linux
}

std::thread_local! {
    /// Signal, code, process and value of those that were handled in this test.
    static TOLD: core::cell::RefCell<Vec<(u32, i32, u32, u64)>> = const { core::cell::RefCell::new(Vec::new()) };
}

extern "C" fn note(_: u32, information: *const [u32; 32], _: usize) {
    // SAFETY: linux-abi passes a `siginfo_t`.
    let words = unsafe { &*information };
    let value = u64::from(words[6]) | u64::from(words[7]) << 32;
    TOLD.with_borrow_mut(|told| told.push((words[0], words[2] as i32, words[4], value)));
}

fn told() -> Vec<(u32, i32, u32, u64)> {
    TOLD.with_borrow_mut(core::mem::take)
}

fn handle(linux: Process, signal: u32, flags: u32) {
    let action = [note as *const () as usize, (flags | SA_SIGINFO) as usize, 0, 0];
    let arguments = [signal as usize, action.as_ptr() as usize, 0, 8];
    assert_eq!(call(linux, numbers::__NR_rt_sigaction, &arguments), 0);
}

fn block(linux: Process, set: u64) {
    let arguments = [SIG_BLOCK as usize, &raw const set as usize, 0, 8];
    assert_eq!(call(linux, numbers::__NR_rt_sigprocmask, &arguments), 0);
}

const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

#[test]
fn a_handler_is_told_who_sent_the_signal_and_how() {
    let linux = leaked();
    handle(linux, SIGUSR1, 0);
    call(linux, numbers::__NR_kill, &[1, SIGUSR1 as usize]);
    call(linux, numbers::__NR_tgkill, &[1, 1, SIGUSR1 as usize]);
    linux.send_from_kernel(SIGUSR1);
    let codes = [(SIGUSR1, 0, 1, 0), (SIGUSR1, SI_TKILL, 1, 0), (SIGUSR1, SI_KERNEL as i32, 0, 0)];
    call(linux, numbers::__NR_getpid, &[]);
    assert_eq!(told(), codes);
    for (process, thread, errno) in [(0, 1, Errno::EINVAL), (2, 1, Errno::ESRCH), (1, 9, Errno::ESRCH)] {
        assert_eq!(call(linux, numbers::__NR_tgkill, &[process, thread, 10]), errno.returned());
    }
}

#[test]
fn a_wish_that_the_image_ends_comes_as_a_signal() {
    let (mut linux, _) = process();
    let host = FakeShutdown::new();
    linux.shutdown = Some(host);
    let linux: Process = Box::leak(Box::new(linux));
    linux.heed_wishes();
    for (wish, signal) in [(Wish::PowerOff, SIGTERM), (Wish::Reboot, SIGTERM), (Wish::Interrupt, SIGINT)] {
        handle(linux, signal, 0);
        host.wish(wish);
        call(linux, numbers::__NR_getpid, &[]);
        assert_eq!(told(), [(signal, SI_KERNEL as i32, 0, 0)], "{wish:?}");
    }
}

#[test]
fn signals_for_real_time_are_queued_with_their_values() {
    let linux = leaked();
    let signal = SIGRTMIN + 3;
    handle(linux, signal, 0);
    block(linux, bit(signal));
    for value in [5, 6] {
        let mut information = [0_u32; 32];
        (information[2], information[6]) = (SI_QUEUE as u32, value);
        let arguments = [1, signal as usize, information.as_ptr() as usize];
        assert_eq!(call(linux, numbers::__NR_rt_sigqueueinfo, &arguments), 0);
    }
    assert_eq!(told(), []);
    let (set, none) = (bit(signal), 0_u64);
    let unblock = [numbers::SIG_SETMASK as usize, &raw const none as usize, 0, 8];
    call(linux, numbers::__NR_rt_sigprocmask, &unblock);
    assert_eq!(told(), [(signal, SI_QUEUE, 1, 5), (signal, SI_QUEUE, 1, 6)]);
    let time = [0_i64; 2];
    let wait = [&raw const set as usize, 0, time.as_ptr() as usize, 8];
    assert_eq!(call(linux, numbers::__NR_rt_sigtimedwait, &wait), Errno::EAGAIN.returned());
}

#[test]
fn a_thread_that_waits_for_a_signal_takes_it_though_all_hold_it_off() {
    let linux = leaked();
    block(linux, bit(SIGUSR2));
    let kill = || assert_eq!(call(linux, numbers::__NR_kill, &[1, SIGUSR2 as usize]), 0);
    linux.scheduler.spawn("sender", Box::new(kill)).unwrap();
    let set = bit(SIGUSR2);
    let wait = [&raw const set as usize, 0, 0, 8];
    assert_eq!(call(linux, numbers::__NR_rt_sigtimedwait, &wait), SIGUSR2 as isize);
}

#[test]
fn who_waits_for_files_is_interrupted_by_any_handler_and_a_read_only_by_some() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    let epoll = call(linux, numbers::__NR_epoll_create1, &[0]) as usize;
    watch(linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN);
    handle(linux, SIGUSR1, SA_RESTART);
    let send = || linux.scheduler.spawn("sender", Box::new(|| linux.send_from_kernel(SIGUSR1))).unwrap();
    let mut events = [numbers::epoll_event { events: 0, data: 0 }; 1];
    send();
    let wait = [epoll, events.as_mut_ptr() as usize, 1, usize::MAX];
    assert_eq!(call(linux, numbers::__NR_epoll_wait, &wait), Errno::EINTR.returned());
    send();
    linux.scheduler.spawn("writer", Box::new(move || assert_eq!(write(linux, writer, b"x"), 1))).unwrap();
    assert_eq!(read(linux, reader, &mut [0; 1]), 1);
    handle(linux, SIGUSR1, 0);
    send();
    assert_eq!(read(linux, reader, &mut [0; 1]), Errno::EINTR.returned());
    assert_eq!(told().len(), 3);
}

#[test]
fn a_mask_for_the_time_of_a_call_lets_through_what_waits() {
    let linux = leaked();
    handle(linux, SIGUSR1, 0);
    block(linux, bit(SIGUSR1));
    call(linux, numbers::__NR_kill, &[1, SIGUSR1 as usize]);
    let (none, all, time) = (0_u64, u64::MAX, [0_i64, 1000]);
    let poll = |mask: &u64| {
        let arguments = [0, 0, time.as_ptr() as usize, core::ptr::from_ref(mask) as usize, 8];
        call(linux, numbers::__NR_ppoll, &arguments)
    };
    assert_eq!((poll(&all), told().len()), (0, 0));
    assert_eq!((poll(&none), told().len()), (Errno::EINTR.returned(), 1));
    assert_eq!(poll(&none), 0);
}

#[test]
fn a_signal_file_is_read_instead_of_a_handler() {
    let linux = leaked();
    let set = bit(SIGUSR1) | bit(SIGUSR2);
    block(linux, set);
    let make = [usize::MAX, &raw const set as usize, 8, numbers::O_NONBLOCK as usize];
    let file = call(linux, numbers::__NR_signalfd4, &make) as usize;
    let mut records = vec![0; 300];
    assert_eq!(read(linux, file, &mut records), Errno::EAGAIN.returned());
    assert_eq!(ready_in(linux, file), 0);
    call(linux, numbers::__NR_kill, &[1, SIGUSR2 as usize]);
    call(linux, numbers::__NR_tgkill, &[1, 1, SIGUSR1 as usize]);
    assert_eq!(ready_in(linux, file), numbers::POLLIN);
    assert_eq!(read(linux, file, &mut records), 256);
    let signals = [records[0], records[128]].map(u32::from);
    assert_eq!((signals, records[8] as i8), ([SIGUSR1, SIGUSR2], SI_TKILL as i8));
    assert_eq!(read(linux, file, &mut records[..127]), Errno::EINVAL.returned());
}

#[test]
fn a_stack_for_handlers_is_kept_for_who_asks() {
    let linux = leaked();
    let stack = |flags: u64, size: usize| [0x1000, flags as usize, size];
    let set = |new: &[usize; 3], old: &mut [usize; 3]| {
        call(linux, numbers::__NR_sigaltstack, &[new.as_ptr() as usize, old.as_mut_ptr() as usize])
    };
    let mut old = [9; 3];
    assert_eq!((set(&stack(0, 8192), &mut old), old), (0, [0, numbers::SS_DISABLE as usize, 0]));
    assert_eq!((set(&stack(2, 0), &mut old), old), (0, [0x1000, 0, 8192]));
    assert_eq!(set(&stack(0, 100), &mut old), Errno::ENOMEM.returned());
    assert_eq!(set(&stack(64, 8192), &mut old), Errno::EINVAL.returned());
}

/// Has its own signal held off from now on, as musl does to a thread that is cancelled.
extern "C" fn hold_off(signal: u32, _: usize, context: *mut [u64; 121]) {
    // SAFETY: linux-abi passes a `ucontext_t`.
    unsafe { (*context)[37] |= bit(signal) };
}

#[test]
fn a_handler_that_leaves_its_signal_held_off_ends_what_it_interrupts() {
    let linux = leaked();
    let [reader, _] = pipe(linux);
    let action = [hold_off as *const () as usize, (SA_SIGINFO | SA_RESTART) as usize, 0, 0];
    call(linux, numbers::__NR_rt_sigaction, &[SIGUSR1 as usize, action.as_ptr() as usize, 0, 8]);
    linux.scheduler.spawn("sender", Box::new(|| linux.send_from_kernel(SIGUSR1))).unwrap();
    assert_eq!(read(linux, reader, &mut [0; 1]), Errno::EINTR.returned());
    let mut mask = 0_u64;
    call(linux, numbers::__NR_rt_sigprocmask, &[0, 0, &raw mut mask as usize, 8]);
    assert_eq!(mask, bit(SIGUSR1));
}
