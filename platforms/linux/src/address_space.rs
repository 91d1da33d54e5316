//! Pages at addresses of their own: a range that the kernel keeps free for them, and within it anonymous maps.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{null_mut, with_exposed_provenance_mut};
use core::slice;

use iface_address_space::{AddressError, AddressSpace, PAGE_SIZE, Protection};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

use crate::image::{self, Region};
use crate::memory::{self, LinuxMemory};

/// Bytes of the window, where the process may have so many addresses (`ulimit -v`).
const WINDOW: usize = 64 << 30;
/// Bytes that it has at least.
const LEAST_WINDOW: usize = 1 << 30;

/// A window of addresses, and what else the process may use.
#[derive(Clone, Copy)]
pub struct LinuxAddressSpace {
    /// Made when it is asked for first: an image without such pages has nothing of it.
    pages: &'static OnceCell<Pages>,
    heap: Span,
    initrd: Span,
    memory: LinuxMemory,
}

/// A range that can be copied.
type Span = (usize, usize);

/// The window, with what may be done with each page of it.
struct Pages {
    window: Range<usize>,
    protections: &'static [Cell<Protection>],
    /// What the process has from its start.
    others: Vec<Region>,
}

impl LinuxAddressSpace {
    /// That of a process with these, which are no part of its file.
    pub(crate) fn new(heap: Span, initrd: Option<&'static [u8]>, memory: LinuxMemory) -> Self {
        let initrd = initrd.map_or((0, 0), |initrd| (initrd.as_ptr().addr(), initrd.len()));
        Self { pages: Box::leak(Box::default()), heap, initrd, memory }
    }

    /// # Panics
    /// Where the process may not have a GiB of addresses.
    fn pages(&self) -> &'static Pages {
        self.pages.get_or_init(|| {
            let region = |(start, length): Span, writable| Region { range: start..start + length, writable };
            let mut others = image::segments();
            others.extend([region(self.heap, true), region(self.initrd, false), image::first_stack()]);
            Pages::new(others)
                .unwrap_or_else(|errno| panic!("no addresses for pages ({errno}): see ulimit -v"))
        })
    }
}

impl AddressSpace for LinuxAddressSpace {
    fn window(&self) -> Range<usize> {
        self.pages().window.clone()
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe { self.pages().map(range, protection) }
    }

    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe { self.pages().protect(range, protection) }
    }

    fn allows(&self, range: Range<usize>, write: bool) -> bool {
        range.is_empty() || self.pages().allows(&range, write) || self.memory.holds(&range)
    }
}

impl Pages {
    /// A window of 64 GiB, or of less where the process may not have so many addresses.
    fn new(others: Vec<Region>) -> Result<Self, Errno> {
        let mut length = WINDOW;
        let start = loop {
            // SAFETY: the kernel chooses the place, so nothing else is there.
            match unsafe { mmap_anonymous(null_mut(), length, ProtFlags::empty(), MAP) } {
                Ok(start) => break start.expose_provenance(),
                Err(_) if length > LEAST_WINDOW => length /= 2,
                Err(errno) => return Err(errno),
            }
        };
        let protections = memory::map(length / PAGE_SIZE * size_of::<Protection>())?.as_mut_ptr();
        // SAFETY: the map is new and used for this alone; its zeros are `Protection::None`.
        let protections = unsafe { slice::from_raw_parts(protections.cast(), length / PAGE_SIZE) };
        Ok(Self { window: start..start + length, protections, others })
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        let protections = self.protections(&range)?;
        // SAFETY: the pages are the window's, and nobody uses them.
        let mut mapped = unsafe { replace(&range, flags(protection)) };
        if mapped.is_err() {
            // SAFETY: as above. The kernel may have taken the pages away, and they must stay nobody else's.
            mapped = mapped.and(unsafe { replace(&range, ProtFlags::empty()) });
            protections.iter().for_each(|page| page.set(Protection::None));
        } else {
            protections.iter().for_each(|page| page.set(protection));
        }
        mapped.map_err(|_| AddressError::Exhausted)
    }

    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        let protections = self.protections(&range)?;
        // SAFETY: the caller's.
        if unsafe { change(&range, protection) }.is_ok() {
            protections.iter().for_each(|page| page.set(protection));
            return Ok(());
        }
        self.restore(&range);
        Err(AddressError::Exhausted)
    }

    /// Has the kernel know the pages of `range` as they are known here, where it has changed a part of them.
    fn restore(&self, range: &Range<usize>) {
        let mut page = range.start;
        for same in self.protections(range).unwrap_or_default().chunk_by(|one, other| one == other) {
            let end = page + same.len() * PAGE_SIZE;
            // SAFETY: the pages get the protection that they had. The kernel had room for that.
            let _ = unsafe { change(&(page..end), same[0].get()) };
            page = end;
        }
    }

    /// What may be done with the pages of `range`.
    fn protections(&self, range: &Range<usize>) -> Result<&[Cell<Protection>], AddressError> {
        let aligned = range.start.is_multiple_of(PAGE_SIZE) && range.end.is_multiple_of(PAGE_SIZE);
        let first = range.start.wrapping_sub(self.window.start) / PAGE_SIZE;
        let end = range.end.wrapping_sub(self.window.start) / PAGE_SIZE;
        self.protections.get(first..end).filter(|_| aligned).ok_or(AddressError::BadRange)
    }

    fn allows(&self, range: &Range<usize>, write: bool) -> bool {
        if !self.window.contains(&range.start) {
            let holds = |other: &Region| other.range.start <= range.start && range.end <= other.range.end;
            return self.others.iter().any(|other| holds(other) && (other.writable || !write));
        }
        let end = range.end.checked_next_multiple_of(PAGE_SIZE).unwrap_or(0);
        let pages = self.protections(&(range.start & !(PAGE_SIZE - 1)..end)).unwrap_or_default();
        let allowed = |page: &Cell<Protection>| match page.get() {
            Protection::None => false,
            Protection::Read | Protection::ReadExecute => !write,
            Protection::ReadWrite => true,
        };
        !pages.is_empty() && pages.iter().all(allowed)
    }
}

/// What is mapped costs nothing until it is touched.
const MAP: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);

/// Has new pages in the place of others.
///
/// # Safety
/// The others are the window's, and nobody uses them.
unsafe fn replace(range: &Range<usize>, access: ProtFlags) -> Result<(), Errno> {
    if range.is_empty() {
        return Ok(());
    }
    let start = with_exposed_provenance_mut::<c_void>(range.start);
    // SAFETY: the caller's.
    unsafe { mmap_anonymous(start, range.len(), access, MAP | MapFlags::FIXED) }.map(drop)
}

/// Changes what may be done with pages.
///
/// # Safety
/// Rust holds no reference to them that contradicts it.
unsafe fn change(range: &Range<usize>, protection: Protection) -> Result<(), Errno> {
    let access = MprotectFlags::from_bits_retain(flags(protection).bits());
    // SAFETY: the caller's.
    unsafe { mprotect(with_exposed_provenance_mut(range.start), range.len(), access) }
}

fn flags(protection: Protection) -> ProtFlags {
    match protection {
        Protection::None => ProtFlags::empty(),
        Protection::Read => ProtFlags::READ,
        Protection::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        Protection::ReadExecute => ProtFlags::READ | ProtFlags::EXEC,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::string::String;

    use iface_address_space::conformance;
    use iface_memory::Memory;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    /// That of a test, which has other memory than an image.
    fn space() -> LinuxAddressSpace {
        let space = LinuxAddressSpace::new((0, 0), None, LinuxMemory::new());
        let mut others = image::segments();
        others.extend(std::fs::read_to_string("/proc/self/maps").unwrap().lines().filter_map(memory_of));
        assert!(space.pages.set(Pages::new(others).unwrap()).is_ok());
        space
    }

    /// The anonymous memory that a line of the process's map table is of.
    fn memory_of(line: &str) -> Option<Region> {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let parse = |hex| usize::from_str_radix(hex, 16).unwrap();
        rest.starts_with("rw-p 00000000 00:00")
            .then(|| Region { range: parse(start)..parse(end), writable: true })
    }

    #[test]
    fn it_keeps_the_rules() {
        conformance::all(space());
        assert!(!conformance::exhaustion(space()), "addresses without memory cost nothing");
    }

    #[test]
    fn pages_without_protection_hold_no_memory() {
        succeeds_alone("the_memory_of_pages_without_protection");
    }

    #[test]
    #[ignore = "counts the memory of its process"]
    fn the_memory_of_pages_without_protection() {
        let space = space();
        let resident = || {
            let status: String = std::fs::read_to_string("/proc/self/statm").unwrap();
            status.split(' ').nth(1).unwrap().parse::<usize>().unwrap()
        };
        let start = space.window().start;
        let range = start..start + 5000 * PAGE_SIZE;
        // SAFETY: the window is the test's.
        unsafe {
            space.map(range.clone(), Protection::ReadWrite).unwrap();
            slice::from_raw_parts_mut(start as *mut u8, range.len()).fill(1);
            let before = resident();
            space.unmap(range).unwrap();
            assert!(resident() + 4000 < before, "{} pages, and {before} before", resident());
        }
    }

    #[test]
    fn what_was_changed_in_part_is_restored() {
        let space = space();
        let start = space.window().start;
        let (all, middle) = (start..start + 3 * PAGE_SIZE, start + PAGE_SIZE..start + 2 * PAGE_SIZE);
        let protections = || {
            let table = std::fs::read_to_string("/proc/self/maps").unwrap();
            // What lies beside the window is in the same line where it is protected alike.
            let of = |page: usize| {
                let holds = |line: &&str| {
                    let (start, rest) = line.split_once('-').unwrap();
                    let (end, _) = rest.split_once(' ').unwrap();
                    let address = |digits| usize::from_str_radix(digits, 16).unwrap();
                    (address(start)..address(end)).contains(&page)
                };
                let line = table.lines().find(holds).unwrap();
                String::from(line.split(' ').nth(1).unwrap())
            };
            all.clone().step_by(PAGE_SIZE).map(of).collect::<Vec<_>>()
        };
        // SAFETY: the window is the test's.
        unsafe {
            space.map(all.clone(), Protection::ReadWrite).unwrap();
            space.protect(middle.clone(), Protection::Read).unwrap();
            let before = protections();
            change(&(all.start..middle.end), Protection::None).unwrap();
            space.pages().restore(&all);
            assert_eq!(protections(), before);
            space.unmap(all.clone()).unwrap();
        }
    }

    #[test]
    fn stacks_are_allowed_and_what_is_below_is_not() {
        let space = space();
        let stack = space.memory.stack(10_000).unwrap();
        let (start, end) = (stack.as_ptr().addr(), stack.as_ptr().addr() + stack.len());
        assert!(space.allows(start..end, true));
        assert!(!space.allows(start - 1..end, false) && !space.allows(start..end + 1, false));
        space.memory.release_stack(stack);
        assert!(!space.allows(start..end, false));
    }

    /// Runs one of the tests below in a process of its own, as memory and limits are a process's.
    fn succeeds_alone(test: &str) {
        let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--ignored"])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && told.contains("1 passed"), "{child:?}");
    }

    #[test]
    fn a_limit_of_addresses_makes_the_window_smaller() {
        succeeds_alone("with_a_limit_of_addresses");
    }

    #[test]
    fn what_the_kernel_refuses_leaves_all_as_it_was() {
        succeeds_alone("with_as_many_maps_as_there_may_be");
    }

    #[test]
    #[ignore = "uses up what its process may have"]
    fn with_as_many_maps_as_there_may_be() {
        let space = space();
        let start = space.window().start;
        let pages = |first: usize, count| start + first * PAGE_SIZE..start + (first + count) * PAGE_SIZE;
        // SAFETY: the window is the test's.
        unsafe {
            space.map(pages(0, 1 << 20), Protection::ReadWrite).unwrap();
            let change = |page| space.protect(pages(page, 1), Protection::Read);
            let refused = (1..).step_by(2).find(|page| change(*page).is_err()).unwrap();
            assert_eq!(change(refused), Err(AddressError::Exhausted));
            assert!(space.allows(pages(refused, 1), true) && !space.allows(pages(refused - 2, 1), true));
            (pages(refused, 1).start as *mut u8).write_volatile(1);
        }
    }

    #[test]
    #[ignore = "limits its process"]
    fn with_a_limit_of_addresses() {
        let limit = Rlimit { current: Some(5 << 30), maximum: getrlimit(Resource::As).maximum };
        setrlimit(Resource::As, limit).unwrap();
        let length = space().window().len();
        assert!((LEAST_WINDOW..5 << 30).contains(&length), "{length:#x}");
    }
}
