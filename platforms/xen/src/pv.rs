//! A domain whose page tables Xen checks: `type="pv"`.

#[cfg(test)]
mod fake;
mod grants;
mod mmu;
mod start_info;
mod tables;
#[cfg(test)]
mod tests;
mod traps;
mod window;

use core::cell::{Cell, OnceCell};
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;

use bare_x86_64::image::{data_start, image, text_start};
use x86_64::SingleCore;
use x86_64::paging::{Access, Content, Entry, GuardError, MapError, PAGE_SIZE};
use xen_abi::{Call, Errno, Frame};
use xen_sys::CONSOLEIO_write;

use self::mmu::Memory;
use self::start_info::StartInfo;
pub use self::start_info::StartInfoError;
use self::tables::{BuildError, Mmu, Plan, Space};
use crate::machine::{Give, Machine, SharedPage, Started};
use crate::{InitError, hypercall};

/// `SEGBASE_FS` of `public/arch-x86/xen-x86_64.h`.
const BASE_OF_FS: usize = 0;

/// A PV domain.
pub(crate) struct Pv;

struct Domain {
    start: StartInfo,
    space: Space<Memory>,
    /// Where the page that Xen shares is mapped.
    shared_info: Cell<Option<NonNull<u8>>>,
}

// SAFETY: the image runs on one processor, and no handler that returns uses it.
static DOMAIN: SingleCore<OnceCell<Domain>> = unsafe { SingleCore::new(OnceCell::new()) };

/// # Panics
/// Before [`begin`](Machine::begin).
fn domain() -> &'static Domain {
    DOMAIN.get().expect("the start information is read first")
}

impl Domain {
    /// # Safety
    /// As for [`StartInfo::read`].
    unsafe fn new(start_info: u64) -> Result<Self, StartInfoError> {
        // SAFETY: the caller's.
        let start = unsafe { StartInfo::read(start_info, image().end)? };
        // SAFETY: so Xen told.
        let memory = unsafe { Memory::new(start.frames) };
        let space = Space::new(start.root, memory);
        Ok(Self { start, space, shared_info: Cell::new(None) })
    }

    /// Maps all memory, and returns where the free memory behind the page tables begins.
    fn map(&self) -> Result<u64, BuildError> {
        let shared_page = |shared: Option<SharedPage>| {
            let range = shared.map_or(0..0, |shared| page(shared.page.as_ptr() as u64));
            (range, Content::Mapped(Access::ReadWrite))
        };
        let parts = [
            (page(0), Content::Guard(0)),
            (image().start..text_start(), Content::Mapped(Access::Read)),
            (text_start()..data_start(), Content::Mapped(Access::ReadExecute)),
            (image().end..self.start.end, Content::Mapped(Access::Read)),
            shared_page(self.start.console),
            shared_page(self.start.store),
        ];
        let plan = Plan { memory_end: self.start.memory_end, parts: &parts, free: self.start.end };
        let free = self.space.build(&plan)?;
        // The new tables show the image's own frame there.
        self.show_shared_info()?;
        Ok(free)
    }

    fn show_shared_info(&self) -> Result<(), Errno> {
        self.shared_info.get().map_or(Ok(()), |page| self.show(page, self.start.shared_info))
    }

    /// Has the page at `page` show another frame, at machine address `frame`.
    fn show(&self, page: NonNull<u8>, frame: u64) -> Result<(), Errno> {
        self.space.mmu.set(page.as_ptr() as u64, Entry::new(Content::Mapped(Access::ReadWrite), frame, 0))
    }
}

/// The page at `address`.
fn page(address: u64) -> Range<u64> {
    address..address + PAGE_SIZE
}

impl From<BuildError> for InitError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::OutOfMemory => Self::Map(MapError::OutOfMemory),
            BuildError::Refused(errno) => Self::Refused { what: "page tables", errno },
        }
    }
}

impl Pv {
    /// This one, where the domain is one.
    pub fn running() -> Option<Self> {
        DOMAIN.get().map(|_| Self)
    }

    /// [`Window::map`](x86_64::paging::Window::map) of the page tables in use.
    ///
    /// # Safety
    /// Nobody uses what was there.
    pub unsafe fn map(&self, range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
        window::window(&domain().space).map(range, access)
    }

    /// [`Window::protect`](x86_64::paging::Window::protect) of the page tables in use.
    ///
    /// # Safety
    /// Rust holds no reference into the range that the new access contradicts.
    pub unsafe fn protect(&self, range: Range<u64>, access: Option<Access>) -> Result<(), MapError> {
        window::window(&domain().space).protect(range, access)
    }

    /// Whether every byte of `range` is memory that can be read, and written where `write` says so.
    pub fn allows(&self, range: Range<u64>, write: bool) -> bool {
        domain().space.allows(range, write)
    }

    /// Sets the base of `fs`.
    pub fn set_thread_pointer(&self, value: usize) {
        // SAFETY: no code of the image uses memory by `fs`.
        let set = unsafe { hypercall::call(Call::SetSegmentBase, [BASE_OF_FS, value, 0, 0]) };
        set.unwrap_or_else(|errno| panic!("Xen refused {value:#x} as a thread pointer: {errno}"));
    }
}

// SAFETY: what is given is memory by Xen's own word, mapped, and neither the image, nor what the builder left, nor a page
// table; frames are those of Xen's list, and the shared pages are left to who asks.
unsafe impl Machine for Pv {
    fn early_write(&self, bytes: &[u8]) {
        // A Xen that is not for debugging refuses; there is nobody else to tell.
        // SAFETY: Xen reads the bytes.
        let _ = unsafe {
            hypercall::call(
                Call::ConsoleIo,
                [CONSOLEIO_write as usize, bytes.len(), bytes.as_ptr() as usize, 0],
            )
        };
    }

    fn begin(&self, start_info: u64) -> Result<(), InitError> {
        // SAFETY: that is what the entry found, and nothing was written since.
        let domain = unsafe { Domain::new(start_info)? };
        assert!(DOMAIN.set(domain).is_ok(), "a domain begins once");
        Ok(())
    }

    fn handle_exceptions(&self) {
        assert!(traps::set().is_ok(), "Xen takes a table of traps");
    }

    fn set_up_memory(&self, give: Give<'_>, guards: &[u64]) -> Result<Started, InitError> {
        let domain = domain();
        let free = domain.map()?;
        for guard in guards {
            domain.space.set(*guard, Content::Guard(0)).map_err(BuildError::Refused)?;
        }
        for range in [PAGE_SIZE..image().start, free..domain.start.memory_end] {
            let start = ptr::with_exposed_provenance_mut(range.start as usize);
            // SAFETY: the memory is mapped for reading and writing, and nobody's: it is neither the image, nor what the
            // builder left, nor a page table.
            give(unsafe { slice::from_raw_parts_mut(start, (range.end - range.start) as usize) });
        }
        Ok(domain.start.started)
    }

    fn console(&self) -> Result<Option<SharedPage>, InitError> {
        Ok(DOMAIN.get().and_then(|domain| domain.start.console))
    }

    fn store(&self) -> Result<Option<SharedPage>, InitError> {
        Ok(domain().start.store)
    }

    fn map_shared_info(&self, page: NonNull<u8>) -> Result<(), Errno> {
        domain().shared_info.set(Some(page));
        domain().show_shared_info()
    }

    fn map_grant_table(&self, pages: NonNull<u8>, frames: usize) -> Result<(), Errno> {
        for (index, frame) in grants::frames(frames)?.into_iter().enumerate() {
            // SAFETY: within the pages that the caller has for it.
            let page = unsafe { pages.byte_add(index * PAGE_SIZE as usize) };
            domain().show(page, frame * PAGE_SIZE)?;
        }
        Ok(())
    }

    fn frame(&self, page: NonNull<u8>) -> Frame {
        Frame(domain().space.mmu.machine_address(page.as_ptr() as u64) / PAGE_SIZE)
    }

    unsafe fn guard(&self, page: u64, note: u32) -> Result<(), MapError> {
        domain().space.set(page, Content::Guard(note)).map_err(|_| MapError::BadRange)
    }

    fn guarded(&self, address: u64) -> Option<u32> {
        DOMAIN.get()?.space.entry(address).guard()
    }

    fn unguard(&self, page: u64) -> Result<(), GuardError> {
        self.guarded(page).ok_or(GuardError)?;
        domain().space.set(page, Content::Mapped(Access::ReadWrite)).map_err(|_| GuardError)
    }

    fn writable(&self, address: u64) -> bool {
        DOMAIN.get().is_some_and(|domain| domain.space.entry(address).is_memory())
    }
}
