#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "maps pages, and does on purpose what they do not allow")]

use core::arch::asm;
use core::fmt::Write;
use core::hint::black_box;
use core::mem::transmute;
use core::ops::Range;

use iface_address_space::{AddressError, AddressSpace, PAGE_SIZE, Protection, conformance};
use iface_allocator::Allocator;
use iface_clock::Clock;
use iface_console::{Console, Writer};
use iface_platform::{ExitStatus, Platform};
use iface_thread_pointer::ThreadPointer;

/// Settings, from `app.settings`: none.
pub struct Config {}

/// What it needs.
pub struct Needs<S, A: 'static, C, O, P, T> {
    /// What is tested.
    pub address_space: S,
    /// Tells whether all memory came back.
    pub allocator: &'static A,
    /// Measures.
    pub clock: C,
    /// Tells what was measured.
    pub console: O,
    /// Has the arguments.
    pub platform: P,
    /// What is tested too.
    pub thread_pointer: T,
}

/// Does what the first argument says, and tells where that failed.
pub fn main<S: AddressSpace, A: Allocator, C: Clock, O: Console, P: Platform, T: ThreadPointer>(
    _config: &'static Config,
    needs: Needs<S, A, C, O, P, T>,
) -> ExitStatus {
    let mut out = Writer(needs.console);
    act(needs).unwrap_or_else(|error| {
        // The console's writer never fails.
        let _ = writeln!(out, "{error}");
        ExitStatus::FAILURE
    })
}

/// An unknown argument is a failure, so that a misspelt test cannot pass.
fn act<S: AddressSpace, A: Allocator, C: Clock, O: Console, P: Platform, T: ThreadPointer>(
    needs: Needs<S, A, C, O, P, T>,
) -> Result<ExitStatus, AddressError> {
    let (space, mut out) = (needs.address_space, Writer(needs.console));
    match needs.platform.command_line().arguments().next() {
        None => rules(space, needs.allocator, &mut out),
        Some("pointer") => pointer::<T>(),
        Some("write-read-only") => write_read_only(page(space, Protection::Read)?),
        Some("read-none") => read_none(page(space, Protection::None)?),
        Some("execute-data") => execute_data(page(space, Protection::ReadWrite)?),
        Some("execute") => execute_data(page(space, Protection::ReadExecute)?),
        Some("time") => time(space, needs.clock, &mut out)?,
        Some(_) => return Ok(ExitStatus::FAILURE),
    }
    Ok(ExitStatus::SUCCESS)
}

/// Goes through the rules. What was free before is free after: no table is kept.
fn rules<S: AddressSpace, A: Allocator>(space: S, allocator: &A, out: &mut impl Write) {
    // What a platform makes when it is asked first is no loss.
    let _ = space.window();
    let before = allocator.usage();
    conformance::all(space);
    assert_eq!(allocator.usage(), before, "memory was lost");
    let scarce = conformance::exhaustion(space);
    assert_eq!(allocator.usage(), before, "memory was lost where it was short");
    // The console's writer never fails.
    let _ = writeln!(out, "all rules kept, memory {}", if scarce { "used up" } else { "plenty" });
}

/// A page with this protection, which begins with a return of x86_64.
fn page<S: AddressSpace>(space: S, protection: Protection) -> Result<usize, AddressError> {
    const RETURN: u8 = 0xc3;
    let start = space.window().start;
    let page = start..start + PAGE_SIZE;
    // SAFETY: nothing else uses the window; there is a page when it is written to.
    unsafe {
        space.map(page.clone(), Protection::ReadWrite)?;
        (start as *mut u8).write_volatile(RETURN);
        space.protect(page, protection)?;
    }
    Ok(start)
}

#[inline(never)]
fn write_read_only(page: usize) {
    // SAFETY: none; the platform maps the page without the right to write, which ends the image here.
    unsafe { black_box(page as *mut u8).write_volatile(1) }
}

#[inline(never)]
fn read_none(page: usize) {
    // SAFETY: none; the platform maps nothing there, which ends the image here.
    black_box(unsafe { black_box(page as *const u8).read_volatile() });
}

#[inline(never)]
fn execute_data(page: usize) {
    // SAFETY: where the page can be executed there is a function that returns; else this ends the image.
    let function: extern "C" fn() = unsafe { transmute(black_box(page as *const u8)) };
    function();
}

/// Sets the thread pointer to one place and another, each of which holds its own address, as a C library's do.
fn pointer<T: ThreadPointer>() {
    let mut places = [0_usize; 2];
    for place in &mut places {
        *place = (&raw const *place).addr();
        T::set(*place);
        let found: usize;
        // SAFETY: reads the word at the thread pointer, which was set to one.
        unsafe { asm!("mov {}, fs:[0]", out(reg) found, options(nostack, preserves_flags)) };
        assert_eq!(found, *place);
    }
}

/// Something that is done to pages.
type Step<'a> = &'a dyn Fn() -> Result<(), AddressError>;

/// Tells what mapping, changing, looking at and unmapping a page takes.
fn time<S: AddressSpace>(space: S, clock: impl Clock, out: &mut impl Write) -> Result<(), AddressError> {
    const PAGES: usize = 4096;
    let start = space.window().start;
    let range = || start..start + PAGES * PAGE_SIZE;
    // SAFETY: nothing uses the window.
    let map = || unsafe { space.map(range(), Protection::ReadWrite) };
    // SAFETY: as above.
    let protect = || unsafe { space.protect(range(), Protection::Read) };
    let look = || {
        let pages = (0..PAGES).map(|page| range().start + page * PAGE_SIZE);
        let allowed = pages.filter(|page| space.allows(black_box(word(*page)), false)).count();
        assert_eq!(allowed, PAGES);
        Ok(())
    };
    let own = || {
        let word = black_box(7_usize);
        assert!((0..PAGES).all(|_| space.allows(black_box(crate::word((&raw const word).addr())), true)));
        Ok(())
    };
    // SAFETY: as above.
    let unmap = || unsafe { space.unmap(range()) };
    let steps: [(&str, Step<'_>); 5] =
        [("map", &map), ("protect", &protect), ("look", &look), ("look at own", &own), ("unmap", &unmap)];
    // The first time the memory is new to the machine too.
    for (what, step) in steps.into_iter().chain(steps) {
        let before = clock.now();
        step()?;
        let took = clock.now().since(before);
        // The console's writer never fails.
        let _ = writeln!(out, "{what}: {} ns a page", took.as_nanos() / PAGES as u128);
    }
    Ok(())
}

fn word(address: usize) -> Range<usize> {
    address..address + size_of::<usize>()
}
