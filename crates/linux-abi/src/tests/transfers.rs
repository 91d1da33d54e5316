//! Bytes through pipes: what waits, what comes in part, and who is told of a broken one.

use super::*;

use iface_scheduler::Scheduler;

type Process = &'static Linux<FakeNeeds>;

fn leaked() -> Process {
    Box::leak(Box::new(process().0))
}

/// What writes a byte.
fn writes(linux: Process, writer: usize) -> Box<dyn FnOnce()> {
    Box::new(move || assert_eq!(write(linux, writer, b"x"), 1))
}

#[test]
fn a_write_that_waits_writes_all() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    for _ in 0..5 {
        let take = move || assert!(read(linux, reader, &mut std::vec![0; 65_536]) > 0);
        linux.scheduler.spawn("reader", Box::new(take)).unwrap();
    }
    assert_eq!(write(linux, writer, &std::vec![7; 300_000]), 300_000);
}

#[test]
fn a_descriptor_that_does_not_wait_takes_what_fits() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    let nonblocking = numbers::O_NONBLOCK as usize;
    call(linux, numbers::__NR_fcntl, &[writer, numbers::F_SETFL as usize, nonblocking]);
    assert_eq!(write(linux, writer, &std::vec![7; 300_000]), 65_536);
    assert_eq!(write(linux, writer, b"x"), Errno::EAGAIN.returned());
    assert_eq!(read(linux, reader, &mut [0; 4096]), 4096);
    let piece = |bytes: &[u8]| [bytes.as_ptr() as usize, bytes.len()];
    let pieces = [piece(&[1; 4000]), piece(&[]), piece(&[2; 4000])];
    let written = call(linux, numbers::__NR_writev, &[writer, pieces.as_ptr() as usize, 3]);
    assert_eq!(written, 4000);
}

#[test]
fn pieces_are_read_as_far_as_there_is_something() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    write(linux, writer, b"abc");
    let (mut first, mut second) = ([0_u8; 3], [0_u8; 3]);
    let pieces = [[first.as_mut_ptr() as usize, 3], [second.as_mut_ptr() as usize, 3]];
    assert_eq!(call(linux, numbers::__NR_readv, &[reader, pieces.as_ptr() as usize, 2]), 3);
    assert_eq!((&first, &second), (b"abc", &[0; 3]));
}

#[test]
fn who_writes_to_nobody_is_told_by_a_signal_too() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    call(linux, numbers::__NR_close, &[reader]);
    let set = 1_u64 << (numbers::SIGPIPE - 1);
    let block = [numbers::SIG_BLOCK as usize, &raw const set as usize, 0, 8];
    assert_eq!(call(linux, numbers::__NR_rt_sigprocmask, &block), 0);
    assert_eq!(write(linux, writer, b""), 0);
    assert_eq!(write(linux, writer, b"x"), Errno::EPIPE.returned());
    let mut pending = 0_u64;
    call(linux, numbers::__NR_rt_sigpending, &[&raw mut pending as usize, 8]);
    assert_eq!(pending, set);
}

#[test]
#[should_panic(expected = "the process ended with ExitStatus(141)")]
fn who_writes_to_nobody_ends() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    call(linux, numbers::__NR_close, &[reader]);
    write(linux, writer, b"x");
}

#[test]
fn who_only_looks_lets_others_run() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    let epoll = call(linux, numbers::__NR_epoll_create1, &[0]) as usize;
    watch(linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN);
    linux.scheduler.spawn("writer", writes(linux, writer)).unwrap();
    let looks = (0..3).find(|_| ready_in(linux, reader) == numbers::POLLIN);
    assert_eq!(looks, Some(0));
    assert_eq!(ready(linux, epoll), [(reader as u64, IN)]);
    read(linux, reader, &mut [0; 1]);
    linux.scheduler.spawn("writer", writes(linux, writer)).unwrap();
    call(linux, numbers::__NR_fcntl, &[reader, numbers::F_SETFL as usize, numbers::O_NONBLOCK as usize]);
    let tries = (0..1000).find(|_| read(linux, reader, &mut [0; 1]) == 1);
    assert!(tries.is_some_and(|tries| tries < 100), "{tries:?}");
}

#[test]
fn what_is_sent_goes_to_what_can_be_written() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    let send = |to, from| call(linux, numbers::__NR_sendfile, &[to, from, 0, 1]);
    assert_eq!(send(reader, reader), Errno::EBADF.returned());
    assert_eq!(send(writer, writer), Errno::EBADF.returned());
    assert_eq!(send(writer, reader), Errno::ESPIPE.returned());
}
