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

/// What takes every byte, and is no pipe.
fn console(linux: Process) -> usize {
    let path = c"/dev/console".as_ptr() as usize;
    let fd = call(linux, numbers::__NR_open, &[path, numbers::O_RDWR as usize]);
    usize::try_from(fd).expect("the console can be opened")
}

/// What is spliced from one to the other.
fn splice(linux: Process, from: usize, to: usize, count: usize, flags: u32) -> isize {
    call(linux, numbers::__NR_splice, &[from, 0, to, 0, count, flags as usize])
}

#[test]
fn what_is_spliced_is_no_more_than_there_is_room_for() {
    let linux = leaked();
    let ([reader, writer], [far_reader, far_writer]) = (pipe(linux), pipe(linux));
    let bytes: Vec<u8> = (0..40_000_u32).map(|number| number as u8).collect();
    assert_eq!(write(linux, writer, &bytes), 40_000);
    assert_eq!(write(linux, far_writer, &std::vec![0; 40_000]), 40_000);
    assert_eq!(splice(linux, reader, far_writer, 50_000, 0), 25_536);
    assert_eq!(splice(linux, reader, far_writer, 1, numbers::SPLICE_F_NONBLOCK), Errno::EAGAIN.returned());
    assert_eq!(read(linux, far_reader, &mut std::vec![0; 40_000]), 40_000);
    assert_eq!(splice(linux, reader, far_writer, 50_000, 0), 14_464);
    let mut got = std::vec![0; 50_000];
    assert_eq!(read(linux, far_reader, &mut got), 40_000);
    assert!(got.starts_with(&bytes));
}

#[test]
fn splice_waits_for_the_first_bytes() {
    let linux = leaked();
    let ([reader, writer], [far_reader, far_writer]) = (pipe(linux), pipe(linux));
    linux.scheduler.spawn("writer", writes(linux, writer)).unwrap();
    assert_eq!(splice(linux, reader, far_writer, 10, 0), 1);
    assert_eq!(read(linux, far_reader, &mut [0; 10]), 1);
    let unwilling = splice(linux, reader, far_writer, 10, numbers::SPLICE_F_NONBLOCK);
    assert_eq!(unwilling, Errno::EAGAIN.returned());
    call(linux, numbers::__NR_close, &[writer]);
    assert_eq!(splice(linux, reader, far_writer, 10, 0), 0);
}

#[test]
fn a_pipe_that_goes_round_in_its_memory_is_spliced_in_order() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    write(linux, writer, &std::vec![1; 60_000]);
    read(linux, reader, &mut std::vec![0; 50_000]);
    write(linux, writer, &std::vec![2; 50_000]);
    assert_eq!(splice(linux, reader, console(linux), 100_000, 0), 60_000);
    assert_eq!(ready_in(linux, reader), 0);
}

#[test]
fn splice_is_between_a_pipe_and_what_is_not_its_other_end() {
    let linux = leaked();
    let [reader, writer] = pipe(linux);
    let console = console(linux);
    write(linux, writer, b"abc");
    let offset = 0_i64;
    let at = |number, offset: &i64| {
        let mut arguments = [reader, 0, console, 0, 3, 0];
        arguments[number] = &raw const *offset as usize;
        call(linux, numbers::__NR_splice, &arguments)
    };
    assert_eq!(splice(linux, reader, writer, 3, 0), Errno::EINVAL.returned());
    assert_eq!(splice(linux, writer, reader, 3, 0), Errno::EBADF.returned());
    assert_eq!(splice(linux, console, console, 3, 0), Errno::EINVAL.returned());
    assert_eq!(splice(linux, reader, console, 3, 16), Errno::EINVAL.returned());
    assert_eq!(splice(linux, 99, console, 0, 0), 0);
    assert_eq!(at(1, &offset), Errno::ESPIPE.returned());
    assert_eq!(at(3, &offset), Errno::EINVAL.returned());
    assert_eq!(splice(linux, reader, console, 2, 0), 2);
    assert_eq!(splice(linux, reader, console, 2, 0), 1);
}
