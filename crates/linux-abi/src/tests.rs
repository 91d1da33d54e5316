//! A process on fakes, and what several of its calls do together.

mod signals;
mod transfers;

use std::boxed::Box;

use iface_address_space::{AddressError, AddressSpace, PAGE_SIZE, Protection};
use iface_allocator::Usage;
use iface_allocator::fake::FakeAllocator;
use iface_arch::{Arch, Entry};
use iface_clock::fake::FakeClock;
use iface_entropy::{Entropy, EntropyError};
use iface_events::fake::FakeEvents;
use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_scheduler::fake::FakeScheduler;
use iface_shutdown::fake::FakeShutdown;
use iface_sockets::{Family, Sockets, Type};
use iface_thread_pointer::ThreadPointer;
use iface_vfs::{OpenOptions, Place, Process, Status, Vfs};

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::mem::MaybeUninit;
use core::net::IpAddr;
use core::ops::Range;

use open_file::{Errno, Kind, OpenFile};

use crate::Needs;
use crate::epoll::anonymous;
use crate::linux::{Linux, World};
use linux_raw_sys::general as numbers;

/// Everything that a process stands on, as far as tests of this crate need it: no files, no sockets, all memory allowed.
#[derive(Clone, Copy)]
pub(crate) struct Fake;

/// What the allocator of these tests says.
pub(crate) static MEMORY: FakeAllocator = FakeAllocator(Usage { total: 8 << 20, used: 5 << 20 });

type Scheduler = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;
type FakeNeeds = Needs<
    Fake,
    FakeAllocator,
    Fake,
    &'static FakeClock,
    Fake,
    Fake,
    Scheduler,
    &'static FakeShutdown,
    Fake,
    Fake,
    Fake,
>;

/// A process, and the events in whose time it waits.
pub(crate) fn process() -> (Linux<FakeNeeds>, &'static FakeEvents) {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let linux = Linux::new(Needs {
        address_space: Fake,
        allocator: &MEMORY,
        arch: Fake,
        clock: events.clock(),
        entropy: Fake,
        platform: Fake,
        scheduler: FakeScheduler::new(events, events.clock()),
        shutdown: None,
        sockets: Fake,
        thread_pointer: Fake,
        vfs: Fake,
    });
    linux.adopt_thread();
    (linux, events)
}

/// What makes a call, whatever the process stands on.
pub(crate) trait SystemCalls {
    /// Makes call `number` with these registers.
    fn call(&self, number: usize, registers: [usize; 6]) -> isize;
}

impl<W: World> SystemCalls for Linux<W> {
    fn call(&self, number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
        self.make_call(number, a, b, c, d, e, f)
    }
}

/// Makes a call with what fits into registers.
pub(crate) fn call(linux: &impl SystemCalls, number: u32, arguments: &[usize]) -> isize {
    let mut registers = [0; 6];
    registers[..arguments.len()].copy_from_slice(arguments);
    linux.call(number as usize, registers)
}

/// Pages that a process of these tests has.
const PAGES: usize = 64;

/// Memory of the tests' own, of which each thread, and so each test, has one piece; protection is not enforced.
fn window() -> Range<usize> {
    #[repr(align(4096))]
    struct Memory([u8; PAGES * PAGE_SIZE]);
    std::thread_local! {
        static WINDOW: usize = Box::leak(Box::new(Memory([0xaa; PAGES * PAGE_SIZE]))).0.as_ptr() as usize;
    }
    WINDOW.with(|start| *start..*start + PAGES * PAGE_SIZE)
}

std::thread_local! {
    /// Whether the process of a test gets no more memory.
    static FULL: Cell<bool> = const { Cell::new(false) };
}

impl AddressSpace for Fake {
    fn window(&self) -> Range<usize> {
        window()
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        if FULL.get() && protection != Protection::None {
            return Err(AddressError::Exhausted);
        }
        assert!(
            window().start <= range.start && range.end <= window().end,
            "{range:x?} is not in the window"
        );
        // SAFETY: the memory is the window's, and nobody else uses it.
        unsafe { (range.start as *mut u8).write_bytes(0, range.len()) };
        Ok(())
    }

    unsafe fn protect(&self, _: Range<usize>, _: Protection) -> Result<(), AddressError> {
        Ok(())
    }

    unsafe fn unmap(&self, range: Range<usize>) -> Result<(), AddressError> {
        assert!(
            window().start <= range.start && range.end <= window().end,
            "{range:x?} is not in the window"
        );
        Ok(())
    }

    fn allows(&self, range: Range<usize>, _: bool) -> bool {
        range.start >= PAGE_SIZE
    }
}

impl Arch for Fake {
    type Context = ();

    const NAME: &'static str = "fake";

    fn running(&self) {}

    fn context(&self, _: &'static mut [MaybeUninit<u8>], _: Entry, _: usize) {}

    fn switch(&self, (): &(), (): &()) {}
}

/// A console that takes what is written.
struct FakeConsole;

impl OpenFile for FakeConsole {
    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(Status { kind: Kind::Character, ..anonymous() })
    }
}

impl Entropy for Fake {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(7);
        Ok(())
    }
}

impl Platform for Fake {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new("hostname=here")
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, status: ExitStatus) -> ! {
        panic!("the process ended with {status:?}")
    }
}

impl ThreadPointer for Fake {
    fn set(_: usize) {}
}

impl Sockets for Fake {
    fn socket(&self, _: Family, _: Type, _: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        Err(Errno::EAFNOSUPPORT)
    }

    fn pair(&self, _: Type) -> Result<[Rc<dyn OpenFile>; 2], Errno> {
        Err(Errno::EAFNOSUPPORT)
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        Vec::new()
    }
}

impl Vfs for Fake {
    fn root(&self) -> Place {
        Place { mount: 0, node: 1 }
    }

    fn open(&self, _: Place, path: &[u8], _: OpenOptions) -> Result<Rc<dyn OpenFile>, Errno> {
        if path == b"/dev/console" { Ok(Rc::new(FakeConsole)) } else { Err(Errno::ENOENT) }
    }

    fn find(&self, _: Place, _: &[u8], _: bool) -> Result<Place, Errno> {
        Err(Errno::ENOENT)
    }

    fn path(&self, _: Place) -> Result<Vec<u8>, Errno> {
        Ok(Vec::from(*b"/"))
    }

    fn place(&self, _: &dyn OpenFile) -> Option<Place> {
        None
    }

    fn status(&self, _: Place) -> Result<Status, Errno> {
        Err(Errno::ENOENT)
    }

    fn make_directory(&self, _: Place, _: &[u8], _: u16) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn make_socket(&self, _: Place, _: &[u8], _: u16) -> Result<Rc<dyn OpenFile>, Errno> {
        Err(Errno::EROFS)
    }

    fn make_link(&self, _: &[u8], _: Place, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn read_link(&self, _: Place, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOENT)
    }

    fn link(&self, _: Place, _: Place, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn remove(&self, _: Place, _: &[u8], _: bool) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn rename(&self, _: (Place, &[u8]), _: (Place, &[u8])) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn set_permissions(&self, _: Place, _: u16) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn set_modified(&self, _: Place, _: u64) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn is_writable(&self, _: Place) -> Result<bool, Errno> {
        Ok(false)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn set_process(&self, _: &'static dyn Process) {}

    fn capacity(&self, _: Place) -> Result<(u64, u64, u64), Errno> {
        Ok((4096, 0, 0))
    }
}

#[test]
fn a_call_that_is_not_there_says_so() {
    let (linux, _) = process();
    assert_eq!(call(&linux, numbers::__NR_reboot, &[]), Errno::ENOSYS.returned());
    assert_eq!(linux.call(usize::MAX, [0; 6]), Errno::ENOSYS.returned());
}

#[test]
fn an_address_that_is_none_is_refused() {
    let (linux, _) = process();
    let bad =
        |number, arguments: &[usize]| assert_eq!(call(&linux, number, arguments), Errno::EFAULT.returned());
    linux.open_terminal().unwrap();
    bad(numbers::__NR_write, &[1, 0, 5]);
    bad(numbers::__NR_write, &[1, usize::MAX - 2, 5]);
    bad(numbers::__NR_uname, &[8]);
    bad(numbers::__NR_openat, &[0, 0, 0]);
    bad(numbers::__NR_clock_gettime, &[0, 1]);
    assert_eq!(call(&linux, numbers::__NR_write, &[1, 0, 0]), 0);
}

#[test]
fn descriptors_made_of_one_another_share_their_flags() {
    let (linux, _) = process();
    linux.open_terminal().unwrap();
    assert_eq!(call(&linux, numbers::__NR_dup, &[1]), 3);
    let flags = (numbers::O_RDWR | numbers::O_NONBLOCK) as usize;
    assert_eq!(call(&linux, numbers::__NR_fcntl, &[3, numbers::F_SETFL as usize, flags]), 0);
    assert_eq!(call(&linux, numbers::__NR_fcntl, &[1, numbers::F_GETFL as usize]), flags as isize);
    assert_eq!(call(&linux, numbers::__NR_fcntl, &[3, numbers::F_SETFD as usize, 1]), 0);
    assert_eq!(call(&linux, numbers::__NR_fcntl, &[1, numbers::F_GETFD as usize]), 0);
    assert_eq!(call(&linux, numbers::__NR_dup2, &[1, 3]), 3);
    assert_eq!(call(&linux, numbers::__NR_dup3, &[1, 1, 0]), Errno::EINVAL.returned());
    assert_eq!(call(&linux, numbers::__NR_close_range, &[0, u32::MAX as usize, 0]), 0);
    assert_eq!(call(&linux, numbers::__NR_close, &[1]), Errno::EBADF.returned());
}

#[test]
fn a_name_is_that_of_the_command_line() {
    let (linux, _) = process();
    let mut name = [0_u8; 65 * 6];
    assert_eq!(call(&linux, numbers::__NR_uname, &[name.as_mut_ptr() as usize]), 0);
    assert!(name.starts_with(b"Linux\0"));
    assert!(name[65..].starts_with(b"here\0"));
    assert!(name[65 * 4..].starts_with(b"fake\0"));
}

#[test]
fn sleeping_takes_its_time() {
    let (linux, events) = process();
    let time: [i64; 2] = [1, 500_000_000];
    assert_eq!(call(&linux, numbers::__NR_nanosleep, &[time.as_ptr() as usize, 0]), 0);
    use iface_clock::Clock;
    assert_eq!(events.clock().now().as_nanos(), 1_500_000_000);
}

/// A pipe's two ends.
fn pipe(linux: &impl SystemCalls) -> [usize; 2] {
    let mut ends = [0_i32; 2];
    assert_eq!(call(linux, numbers::__NR_pipe2, &[ends.as_mut_ptr() as usize, 0]), 0);
    ends.map(|end| end as usize)
}

fn write(linux: &impl SystemCalls, fd: usize, bytes: &[u8]) -> isize {
    call(linux, numbers::__NR_write, &[fd, bytes.as_ptr() as usize, bytes.len()])
}

fn read(linux: &impl SystemCalls, fd: usize, buffer: &mut [u8]) -> isize {
    call(linux, numbers::__NR_read, &[fd, buffer.as_mut_ptr() as usize, buffer.len()])
}

#[test]
fn a_pipe_ends_with_its_last_writer() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    let mut buffer = [0; 8];
    assert_eq!(write(&linux, writer, b"hello"), 5);
    assert_eq!(write(&linux, reader, b"x"), Errno::EBADF.returned());
    assert_eq!(read(&linux, reader, &mut buffer[..2]), 2);
    assert_eq!(read(&linux, reader, &mut buffer[2..]), 3);
    assert_eq!(&buffer[..5], b"hello");
    call(&linux, numbers::__NR_close, &[writer]);
    assert_eq!(read(&linux, reader, &mut buffer), 0);
}

/// What an `epoll` tells within no time: data and events.
fn ready(linux: &impl SystemCalls, epoll: usize) -> Vec<(u64, u32)> {
    let mut events = [numbers::epoll_event { events: 0, data: 0 }; 8];
    let count = call(linux, numbers::__NR_epoll_wait, &[epoll, events.as_mut_ptr() as usize, 8, 0]);
    events[..count as usize].iter().map(|event| (event.data, event.events)).collect()
}

fn watch(linux: &impl SystemCalls, epoll: usize, operation: u32, fd: usize, events: u32) -> isize {
    let event = numbers::epoll_event { events, data: fd as u64 };
    call(linux, numbers::__NR_epoll_ctl, &[epoll, operation as usize, fd, &raw const event as usize])
}

const IN: u32 = numbers::EPOLLIN;

#[test]
fn an_epoll_tells_levels_until_they_are_gone() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    let epoll = call(&linux, numbers::__NR_epoll_create1, &[0]) as usize;
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN), 0);
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN), Errno::EEXIST.returned());
    assert_eq!(ready(&linux, epoll), []);
    write(&linux, writer, b"ab");
    for _ in 0..2 {
        assert_eq!(ready(&linux, epoll), [(reader as u64, IN)]);
    }
    read(&linux, reader, &mut [0; 2]);
    assert_eq!(ready(&linux, epoll), []);
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_DEL, reader, 0), 0);
    write(&linux, writer, b"c");
    assert_eq!(ready(&linux, epoll), []);
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_DEL, reader, 0), Errno::ENOENT.returned());
}

#[test]
fn epolls_stand_in_one_another_four_deep_and_in_no_circle() {
    let (linux, _) = process();
    let add = |outer, inner| watch(&linux, outer, numbers::EPOLL_CTL_ADD, inner, IN);
    let epolls = [(); 6].map(|()| call(&linux, numbers::__NR_epoll_create1, &[0]) as usize);
    for pair in epolls[..5].windows(2) {
        assert_eq!(add(pair[0], pair[1]), 0);
    }
    assert_eq!(add(epolls[4], epolls[0]), Errno::ELOOP.returned());
    assert_eq!(add(epolls[1], epolls[0]), Errno::ELOOP.returned());
    assert_eq!(add(epolls[4], epolls[5]), Errno::ELOOP.returned());
    assert_eq!(add(epolls[5], epolls[0]), Errno::ELOOP.returned());
    // Of what was refused nothing is left, and what is taken away makes room.
    assert_eq!(watch(&linux, epolls[0], numbers::EPOLL_CTL_DEL, epolls[1], 0), 0);
    assert_eq!(add(epolls[4], epolls[0]), 0);
    assert_eq!(add(epolls[0], epolls[5]), Errno::ELOOP.returned());
    assert_eq!(ready(&linux, epolls[0]), []);
}

#[test]
fn an_edge_is_told_once_and_a_shot_until_it_is_loaded_again() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    let epoll = call(&linux, numbers::__NR_epoll_create1, &[0]) as usize;
    watch(&linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN | numbers::EPOLLET);
    for _ in 0..2 {
        write(&linux, writer, b"a");
        assert_eq!(ready(&linux, epoll), [(reader as u64, IN)]);
        assert_eq!(ready(&linux, epoll), []);
    }
    watch(&linux, epoll, numbers::EPOLL_CTL_MOD, reader, IN | numbers::EPOLLONESHOT);
    assert_eq!(ready(&linux, epoll), [(reader as u64, IN)]);
    write(&linux, writer, b"a");
    assert_eq!(ready(&linux, epoll), []);
    watch(&linux, epoll, numbers::EPOLL_CTL_MOD, reader, IN | numbers::EPOLLONESHOT);
    assert_eq!(ready(&linux, epoll), [(reader as u64, IN)]);
}

#[test]
fn an_end_is_told_unasked() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    let epoll = call(&linux, numbers::__NR_epoll_create1, &[0]) as usize;
    watch(&linux, epoll, numbers::EPOLL_CTL_ADD, reader, 0);
    call(&linux, numbers::__NR_close, &[writer]);
    assert_eq!(ready(&linux, epoll), [(reader as u64, numbers::EPOLLHUP)]);
    let [reader, writer] = pipe(&linux);
    watch(&linux, epoll, numbers::EPOLL_CTL_ADD, writer, numbers::EPOLLOUT);
    write(&linux, writer, &std::vec![0; 65_536]);
    call(&linux, numbers::__NR_close, &[reader]);
    assert_eq!(ready(&linux, epoll)[1..], [(writer as u64, numbers::EPOLLERR)]);
}

#[test]
fn a_closed_file_is_told_no_more_and_its_number_can_be_another() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    let epoll = call(&linux, numbers::__NR_epoll_create1, &[0]) as usize;
    watch(&linux, epoll, numbers::EPOLL_CTL_ADD, reader, IN);
    write(&linux, writer, b"a");
    call(&linux, numbers::__NR_close, &[reader]);
    assert_eq!(ready(&linux, epoll), []);
    let [again, writer] = pipe(&linux);
    assert_eq!(again, reader);
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_ADD, again, IN), 0);
    write(&linux, writer, b"b");
    assert_eq!(ready(&linux, epoll), [(again as u64, IN)]);
    assert_eq!(watch(&linux, epoll, numbers::EPOLL_CTL_ADD, epoll, IN), Errno::EINVAL.returned());
}

#[test]
fn poll_tells_each_file_and_waits_no_longer_than_asked() {
    use iface_clock::Clock;
    let (linux, events) = process();
    let [reader, writer] = pipe(&linux);
    let entry = |fd: i32, events: u32| numbers::pollfd { fd, events: events as i16, revents: 9 };
    let (input, output) = (numbers::POLLIN, numbers::POLLOUT);
    let mut files =
        [entry(reader as i32, input), entry(-1, input), entry(writer as i32, output), entry(77, input)];
    let count = call(&linux, numbers::__NR_poll, &[files.as_mut_ptr() as usize, 4, 1000]);
    let told = files.map(|file| file.revents as u32);
    assert_eq!((count, told), (2, [0, 0, output, numbers::POLLNVAL]));
    assert_eq!(call(&linux, numbers::__NR_poll, &[files.as_mut_ptr() as usize, 1, 250]), 0);
    assert_eq!(events.clock().now().as_nanos(), 250_000_000);
}

#[test]
fn select_keeps_the_bits_of_what_is_ready() {
    let (linux, _) = process();
    let [reader, writer] = pipe(&linux);
    write(&linux, writer, b"x");
    let (mut input, mut output) = ([1_u64 << reader | 1 << writer; 16], [1_u64 << writer; 16]);
    let addresses = [input.as_mut_ptr() as usize, output.as_mut_ptr() as usize];
    let count = call(&linux, numbers::__NR_select, &[5, addresses[0], addresses[1], 0, 0]);
    assert_eq!((count, input[0], output[0]), (2, 1 << reader, 1 << writer));
    let beyond = call(&linux, numbers::__NR_select, &[64, [1_u64 << 60].as_ptr() as usize, 0, 0, 0]);
    assert_eq!(beyond, Errno::EBADF.returned());
}

#[test]
fn a_counter_adds_up_and_a_semaphore_counts_down() {
    let (linux, _) = process();
    let mut value = [0; 8];
    let counter = call(&linux, numbers::__NR_eventfd2, &[3, numbers::EFD_NONBLOCK as usize]) as usize;
    assert_eq!(write(&linux, counter, &4_u64.to_ne_bytes()), 8);
    assert_eq!(read(&linux, counter, &mut value), 8);
    assert_eq!(u64::from_ne_bytes(value), 7);
    assert_eq!(read(&linux, counter, &mut value), Errno::EAGAIN.returned());
    assert_eq!(write(&linux, counter, &u64::MAX.to_ne_bytes()), Errno::EINVAL.returned());
    assert_eq!(write(&linux, counter, &(u64::MAX - 1).to_ne_bytes()), 8);
    assert_eq!(write(&linux, counter, &1_u64.to_ne_bytes()), Errno::EAGAIN.returned());
    let semaphore = call(&linux, numbers::__NR_eventfd2, &[2, numbers::EFD_SEMAPHORE as usize]) as usize;
    for _ in 0..2 {
        assert_eq!(read(&linux, semaphore, &mut value), 8);
        assert_eq!(u64::from_ne_bytes(value), 1);
    }
}

/// Maps anonymous memory.
fn map(linux: &impl SystemCalls, hint: usize, pages: usize, flags: u32) -> isize {
    let flags = flags | numbers::MAP_PRIVATE | numbers::MAP_ANONYMOUS;
    let protection = numbers::PROT_READ | numbers::PROT_WRITE;
    let arguments = [hint, pages * PAGE_SIZE, protection as usize, flags as usize, usize::MAX, 0];
    call(linux, numbers::__NR_mmap, &arguments)
}

fn bytes(address: isize, length: usize) -> &'static mut [u8] {
    // SAFETY: the tests ask for memory that they have mapped.
    unsafe { core::slice::from_raw_parts_mut(address as *mut u8, length) }
}

#[test]
fn memory_is_zero_when_it_comes_and_where_it_is_given_up() {
    let (linux, _) = process();
    let memory = map(&linux, 0, 3, 0);
    assert!(bytes(memory, 3 * PAGE_SIZE).iter().all(|byte| *byte == 0));
    bytes(memory, 3 * PAGE_SIZE).fill(7);
    let middle = memory as usize + PAGE_SIZE;
    let dontneed = numbers::MADV_DONTNEED as usize;
    assert_eq!(call(&linux, numbers::__NR_madvise, &[middle, PAGE_SIZE, dontneed]), 0);
    let pages: Vec<u8> = bytes(memory, 3 * PAGE_SIZE).iter().step_by(PAGE_SIZE).copied().collect();
    assert_eq!(pages, [7, 0, 7]);
    assert_eq!(call(&linux, numbers::__NR_munmap, &[middle, PAGE_SIZE]), 0);
    let read = numbers::PROT_READ as usize;
    assert_eq!(call(&linux, numbers::__NR_mprotect, &[memory as usize, PAGE_SIZE, read]), 0);
    let hole = call(&linux, numbers::__NR_mprotect, &[memory as usize, 3 * PAGE_SIZE, read]);
    assert_eq!(hole, Errno::ENOMEM.returned());
    assert_eq!(map(&linux, middle, 1, numbers::MAP_FIXED_NOREPLACE), middle as isize);
    assert_eq!(map(&linux, middle, 1, numbers::MAP_FIXED_NOREPLACE), Errno::EEXIST.returned());
    assert_eq!(map(&linux, middle, 1, numbers::MAP_FIXED), middle as isize);
}

#[test]
fn a_program_is_told_that_memory_is_out_and_keeps_what_it_has() {
    let (linux, _) = process();
    let memory = map(&linux, 0, 3, 0) as usize;
    bytes(memory as isize, 3 * PAGE_SIZE).fill(7);
    let start = call(&linux, numbers::__NR_brk, &[0]) as usize;
    FULL.set(true);
    assert!(!linux.told_of_shortage.get());
    assert_eq!(map(&linux, 0, 1, 0), Errno::ENOMEM.returned());
    assert!(linux.told_of_shortage.get());
    let may_move = numbers::MREMAP_MAYMOVE as usize;
    for flags in [0, may_move] {
        let longer = call(&linux, numbers::__NR_mremap, &[memory, 3 * PAGE_SIZE, 5 * PAGE_SIZE, flags]);
        assert_eq!(longer, Errno::ENOMEM.returned());
    }
    assert_eq!(call(&linux, numbers::__NR_brk, &[start + PAGE_SIZE]) as usize, start);
    assert!(bytes(memory as isize, 3 * PAGE_SIZE).iter().all(|byte| *byte == 7));
    FULL.set(false);
    assert!(map(&linux, 0, 1, 0) > 0);
    assert_eq!(call(&linux, numbers::__NR_brk, &[start + PAGE_SIZE]) as usize, start + PAGE_SIZE);
}

#[test]
fn memory_of_the_machine_is_that_of_the_allocator() {
    let (linux, _) = process();
    let mut information = [0_u64; 14];
    assert_eq!(call(&linux, numbers::__NR_sysinfo, &[information.as_mut_ptr() as usize]), 0);
    assert_eq!(information[4..6], [(8 << 20) / PAGE_SIZE as u64, (3 << 20) / PAGE_SIZE as u64]);
}

#[test]
fn memory_grows_in_place_or_moves_with_what_it_holds() {
    let (linux, _) = process();
    let upper = map(&linux, 0, 1, 0);
    let lower = map(&linux, 0, 1, 0);
    assert_eq!(lower + PAGE_SIZE as isize, upper);
    bytes(lower, 5).copy_from_slice(b"hello");
    let remap = |from: isize, old: usize, new: usize, flags: u32| {
        let arguments = [from as usize, old * PAGE_SIZE, new * PAGE_SIZE, flags as usize];
        call(&linux, numbers::__NR_mremap, &arguments)
    };
    assert_eq!(remap(lower, 1, 2, 0), Errno::ENOMEM.returned());
    let moved = remap(lower, 1, 4, numbers::MREMAP_MAYMOVE);
    assert_eq!(bytes(moved, 6), b"hello\0");
    assert_eq!(remap(moved, 4, 1, 0), moved);
    assert_eq!(remap(moved, 1, 3, 0), moved);
    assert_eq!(bytes(moved, 5), b"hello");
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let (linux, _) = process();
    assert_eq!(map(&linux, 0, PAGES, 0), Errno::ENOMEM.returned());
    assert_eq!(map(&linux, 0, 0, 0), Errno::EINVAL.returned());
    assert_eq!(map(&linux, 4097, 1, numbers::MAP_FIXED), Errno::EINVAL.returned());
    assert_eq!(map(&linux, PAGE_SIZE, 1, numbers::MAP_FIXED), Errno::ENOMEM.returned());
    let both = (numbers::PROT_WRITE | numbers::PROT_EXEC) as usize;
    let anonymous = (numbers::MAP_PRIVATE | numbers::MAP_ANONYMOUS) as usize;
    let mapped = call(&linux, numbers::__NR_mmap, &[0, PAGE_SIZE, both, anonymous, usize::MAX, 0]);
    assert_eq!(mapped, Errno::EACCES.returned());
    let nothing = call(&linux, numbers::__NR_mmap, &[0, PAGE_SIZE, 3, numbers::MAP_PRIVATE as usize, 9, 0]);
    assert_eq!(nothing, Errno::EBADF.returned());
    assert_eq!(call(&linux, numbers::__NR_munmap, &[1, PAGE_SIZE]), Errno::EINVAL.returned());
    assert_eq!(call(&linux, numbers::__NR_munmap, &[PAGE_SIZE, usize::MAX]), Errno::EINVAL.returned());
    let memory = map(&linux, 0, 1, 0) as usize;
    for (number, arguments) in [
        (numbers::__NR_mprotect, [memory, PAGE_SIZE, 0x100, 0]),
        (numbers::__NR_msync, [memory, PAGE_SIZE, (numbers::MS_SYNC | numbers::MS_ASYNC) as usize, 0]),
        (numbers::__NR_madvise, [memory, PAGE_SIZE, 9999, 0]),
        (numbers::__NR_mremap, [memory, PAGE_SIZE, PAGE_SIZE, 64]),
        (numbers::__NR_getrusage, [99, memory, 0, 0]),
    ] {
        assert_eq!(call(&linux, number, &arguments), Errno::EINVAL.returned(), "{number}");
    }
}

#[test]
fn the_break_moves_within_its_share() {
    let (linux, _) = process();
    let begin = call(&linux, numbers::__NR_brk, &[0]);
    let end = begin + 100;
    assert_eq!(call(&linux, numbers::__NR_brk, &[end as usize]), end);
    assert!(bytes(begin, 100).iter().all(|byte| *byte == 0));
    let beyond = begin as usize + PAGES * PAGE_SIZE;
    assert_eq!(call(&linux, numbers::__NR_brk, &[beyond]), end);
    assert_eq!(call(&linux, numbers::__NR_brk, &[begin as usize]), begin);
}

fn futex(
    linux: &impl SystemCalls,
    word: &u32,
    operation: u32,
    value: u32,
    time: usize,
    other: usize,
) -> isize {
    let address = core::ptr::from_ref(word) as usize;
    call(
        linux,
        numbers::__NR_futex,
        &[address, operation as usize, value as usize, time, other, value as usize],
    )
}

#[test]
fn a_word_that_changed_or_never_does_is_not_waited_for_long() {
    use iface_clock::Clock;
    let (linux, events) = process();
    let word = 5_u32;
    assert_eq!(futex(&linux, &word, numbers::FUTEX_WAIT, 4, 0, 0), Errno::EAGAIN.returned());
    let time: [i64; 2] = [0, 3_000_000];
    let waited = futex(&linux, &word, numbers::FUTEX_WAIT, 5, time.as_ptr() as usize, 0);
    assert_eq!((waited, events.clock().now().as_nanos()), (Errno::ETIMEDOUT.returned(), 3_000_000));
    assert_eq!(futex(&linux, &word, numbers::FUTEX_WAKE, 1, 0, 0), 0);
    assert_eq!(call(&linux, numbers::__NR_futex, &[1, 0, 0, 0, 0, 0]), Errno::EINVAL.returned());
    assert_eq!(futex(&linux, &word, 99, 0, 0, 0), Errno::ENOSYS.returned());
}

#[test]
fn a_sleeper_is_woken_also_at_the_word_it_was_moved_to() {
    let (linux, _) = process();
    let linux: &'static Linux<FakeNeeds> = Box::leak(Box::new(linux));
    let words: &'static [u32; 2] = Box::leak(Box::new([5, 6]));
    use iface_scheduler::Scheduler;
    let wake = Box::new(move || {
        let other = &raw const words[1] as usize;
        assert_eq!(
            futex(linux, &words[0], numbers::FUTEX_CMP_REQUEUE, 0, 1, other),
            Errno::EAGAIN.returned()
        );
        assert_eq!(futex(linux, &words[0], numbers::FUTEX_REQUEUE, 0, 1, other), 0);
        assert_eq!(futex(linux, &words[0], numbers::FUTEX_WAKE, 1, 0, 0), 0);
        assert_eq!(futex(linux, &words[1], numbers::FUTEX_WAKE, 9, 0, 0), 1);
    });
    linux.scheduler.spawn("waker", wake).unwrap();
    assert_eq!(futex(linux, &words[0], numbers::FUTEX_WAIT, 5, 0, 0), 0);
}

/// Signals that the handler of these tests was called with.
static HANDLED: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

extern "C" fn handler(signal: u32) {
    HANDLED.fetch_add(signal, core::sync::atomic::Ordering::Relaxed);
}

#[test]
fn a_signal_is_handled_when_it_is_let_through_and_ends_a_wait() {
    use core::sync::atomic::Ordering::Relaxed;
    use linux_raw_sys::general::{SIG_BLOCK, SIG_UNBLOCK, SIGUSR1};
    let (linux, events) = process();
    let linux: &'static Linux<FakeNeeds> = Box::leak(Box::new(linux));
    let action = [handler as *const () as usize, 0, 0, 0];
    let address = action.as_ptr() as usize;
    assert_eq!(call(linux, numbers::__NR_rt_sigaction, &[SIGUSR1 as usize, address, 0, 8]), 0);
    assert_eq!(call(linux, numbers::__NR_kill, &[1, SIGUSR1 as usize]), 0);
    assert_eq!(HANDLED.swap(0, Relaxed), SIGUSR1);
    // Held off, it waits.
    let set = 1_u64 << (SIGUSR1 - 1);
    let mask =
        |how: u32| call(linux, numbers::__NR_rt_sigprocmask, &[how as usize, &raw const set as usize, 0, 8]);
    assert_eq!(mask(SIG_BLOCK), 0);
    assert_eq!(call(linux, numbers::__NR_tgkill, &[1, 1, SIGUSR1 as usize]), 0);
    let mut pending = 0_u64;
    assert_eq!(call(linux, numbers::__NR_rt_sigpending, &[&raw mut pending as usize, 8]), 0);
    assert_eq!((HANDLED.load(Relaxed), pending), (0, set));
    assert_eq!(mask(SIG_UNBLOCK), 0);
    assert_eq!(HANDLED.swap(0, Relaxed), SIGUSR1);
    // A sleep ends with it.
    use iface_clock::Clock;
    use iface_scheduler::Scheduler;
    let send = Box::new(|| linux.send_from_kernel(SIGUSR1));
    linux.scheduler.spawn("sender", send).unwrap();
    let mut left = [0_i64; 2];
    let time: [i64; 2] = [5, 0];
    let slept = call(linux, numbers::__NR_nanosleep, &[time.as_ptr() as usize, left.as_mut_ptr() as usize]);
    assert_eq!((slept, left, HANDLED.swap(0, Relaxed)), (Errno::EINTR.returned(), [5, 0], SIGUSR1));
    assert_eq!(events.clock().now().as_nanos(), 0);
    assert_eq!(call(linux, numbers::__NR_kill, &[7, 1]), Errno::ESRCH.returned());
    assert_eq!(call(linux, numbers::__NR_kill, &[1, 65]), Errno::EINVAL.returned());
    assert_eq!(call(linux, numbers::__NR_rt_sigaction, &[9, address, 0, 8]), Errno::EINVAL.returned());
}

#[test]
#[should_panic(expected = "the process ended with ExitStatus(143)")]
fn a_signal_that_nobody_handles_ends_the_process() {
    let (linux, _) = process();
    call(&linux, numbers::__NR_kill, &[1, numbers::SIGTERM as usize]);
}

#[test]
fn a_timer_file_tells_how_often_it_went_off() {
    use iface_clock::{Clock, Duration};
    let (linux, events) = process();
    let timer = call(&linux, numbers::__NR_timerfd_create, &[numbers::CLOCK_MONOTONIC as usize, 0]) as usize;
    // The first after 2 s, then one each second.
    let value: [i64; 4] = [1, 0, 2, 0];
    let set = |value: &[i64; 4]| {
        call(&linux, numbers::__NR_timerfd_settime, &[timer, 0, value.as_ptr() as usize, 0])
    };
    // The thread of the timers belongs to an image that was started.
    linux.timers.claim();
    assert_eq!(set(&value), 0);
    assert_eq!(ready_in(&linux, timer), 0);
    events.clock().advance(Duration::from_millis(4500));
    assert_eq!(ready_in(&linux, timer), numbers::POLLIN);
    let mut count = [0; 8];
    assert_eq!(read(&linux, timer, &mut count), 8);
    assert_eq!(u64::from_ne_bytes(count), 3);
    let mut left = [0_i64; 4];
    call(&linux, numbers::__NR_timerfd_gettime, &[timer, left.as_mut_ptr() as usize]);
    assert_eq!(left, [1, 0, 0, 500_000_000]);
    assert_eq!(set(&[0, 0, 0, 1_000_000_000]), Errno::EINVAL.returned());
    assert_eq!(events.clock().now().as_nanos(), 4_500_000_000);
}

/// What `poll` says at once of a file that is waited for to be read.
fn ready_in(linux: &impl SystemCalls, fd: usize) -> u32 {
    let mut file = numbers::pollfd { fd: fd as i32, events: numbers::POLLIN as i16, revents: 0 };
    call(linux, numbers::__NR_poll, &[&raw mut file as usize, 1, 0]);
    file.revents as u32
}

#[test]
fn an_alarm_is_told_what_was_left_of_it() {
    let (linux, events) = process();
    linux.timers.claim();
    assert_eq!(call(&linux, numbers::__NR_alarm, &[10]), 0);
    events.clock().advance(iface_clock::Duration::from_millis(3200));
    assert_eq!(call(&linux, numbers::__NR_alarm, &[0]), 7);
    assert_eq!(call(&linux, numbers::__NR_alarm, &[0]), 0);
}

#[test]
fn a_thread_pointer_is_one_that_the_processor_takes() {
    let (linux, _) = process();
    let set = numbers::ARCH_SET_FS as usize;
    for bad in [1 << 47, 1 << 63, usize::MAX] {
        assert_eq!(call(&linux, numbers::__NR_arch_prctl, &[set, bad]), Errno::EPERM.returned());
    }
    assert_eq!(call(&linux, numbers::__NR_arch_prctl, &[set, 0x1000]), 0);
}

#[test]
fn there_are_no_other_processes() {
    let (linux, _) = process();
    assert_eq!(call(&linux, numbers::__NR_wait4, &[usize::MAX, 0, 0, 0]), Errno::ECHILD.returned());
    for number in [numbers::__NR_fork, numbers::__NR_vfork, numbers::__NR_execve, numbers::__NR_clone] {
        assert_eq!(call(&linux, number, &[]), Errno::ENOSYS.returned());
    }
    assert_eq!(call(&linux, numbers::__NR_setsid, &[]), Errno::EPERM.returned());
    assert_eq!(call(&linux, numbers::__NR_getpgid, &[9]), Errno::ESRCH.returned());
}

#[test]
fn descriptors_end_at_their_limit() {
    let (linux, _) = process();
    let limit = [4_u64, 65_536];
    let files = numbers::RLIMIT_NOFILE as usize;
    assert_eq!(call(&linux, numbers::__NR_setrlimit, &[files, limit.as_ptr() as usize]), 0);
    assert_eq!(pipe(&linux), [0, 1]);
    assert_eq!(pipe(&linux), [2, 3]);
    assert_eq!(call(&linux, numbers::__NR_dup, &[0]), Errno::EMFILE.returned());
    assert_eq!(call(&linux, numbers::__NR_dup2, &[0, 4]), Errno::EBADF.returned());
}

#[test]
fn limits_can_be_kept_and_not_raised() {
    let (linux, _) = process();
    let files = numbers::RLIMIT_NOFILE as usize;
    let mut limit = [0_u64; 2];
    assert_eq!(call(&linux, numbers::__NR_prlimit64, &[0, files, 0, limit.as_mut_ptr() as usize]), 0);
    assert_eq!(limit, [65_536; 2]);
    assert_eq!(call(&linux, numbers::__NR_setrlimit, &[files, limit.as_ptr() as usize]), 0);
    limit[1] += 1;
    assert_eq!(
        call(&linux, numbers::__NR_setrlimit, &[files, limit.as_ptr() as usize]),
        Errno::EPERM.returned()
    );
    assert_eq!(
        call(&linux, numbers::__NR_getrlimit, &[99, limit.as_ptr() as usize]),
        Errno::EINVAL.returned()
    );
}
