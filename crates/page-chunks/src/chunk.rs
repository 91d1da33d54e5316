//! Pages that were allocated together, and a note of them.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

use crate::PAGE_SIZE;

/// Pages of a chunk.
pub(crate) const PAGES: usize = 31;
/// Chunks begin at multiples of this.
const ALIGNMENT: usize = 32 * PAGE_SIZE;
/// A bit for each page.
const ALL: u32 = (1 << PAGES) - 1;

/// What lies behind the pages.
struct Note {
    /// A bit for each page that is free, the first page's lowest.
    free: Cell<u32>,
    /// Its neighbours among chunks with free pages.
    previous: Cell<Option<Chunk>>,
    next: Cell<Option<Chunk>>,
}

/// A chunk, by its first page. It is used while it is allocated, by one [`Pages`](crate::Pages).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk(NonNull<u8>);

impl Chunk {
    /// The memory of a chunk.
    pub const LAYOUT: Layout = {
        let size = PAGES * PAGE_SIZE + size_of::<Note>();
        assert!(size < ALIGNMENT && PAGE_SIZE.is_multiple_of(align_of::<Note>()));
        match Layout::from_size_align(size, ALIGNMENT) {
            Ok(layout) => layout,
            Err(_) => panic!("a chunk is smaller than the address space"),
        }
    };

    /// A chunk of free pages, without neighbours.
    ///
    /// # Safety
    /// The memory is nobody's, and was allocated as [`LAYOUT`](Chunk::LAYOUT).
    pub unsafe fn new(memory: NonNull<u8>) -> Self {
        let note = Note { free: Cell::new(ALL), previous: Cell::new(None), next: Cell::new(None) };
        // SAFETY: the layout has room for the note behind the pages, and aligned.
        unsafe { Self(memory).place().write(note) };
        Self(memory)
    }

    /// The chunk that a page is of.
    ///
    /// # Safety
    /// The page came from [`take`](Chunk::take).
    pub unsafe fn of(page: NonNull<u8>) -> Self {
        let offset = page.addr().get() % ALIGNMENT;
        // SAFETY: as chunks begin at such multiples, that is where this one does.
        Self(unsafe { page.sub(offset) })
    }

    /// Where it begins.
    pub const fn memory(self) -> NonNull<u8> {
        self.0
    }

    /// Takes a page, of which there must be one.
    pub fn take(self) -> NonNull<u8> {
        let free = &self.note().free;
        let index = free.get().trailing_zeros() as usize;
        assert!(index < PAGES, "a chunk with free pages");
        free.set(free.get() & (free.get() - 1));
        // SAFETY: the page lies in the chunk.
        unsafe { self.0.add(index * PAGE_SIZE) }
    }

    /// Puts a page back.
    pub fn put(self, page: NonNull<u8>) {
        let bit = 1 << (page.addr().get() % ALIGNMENT / PAGE_SIZE);
        let free = &self.note().free;
        debug_assert_eq!(free.get() & bit, 0, "a page is given back once");
        free.set(free.get() | bit);
    }

    /// Whether no page is free.
    pub fn is_full(self) -> bool {
        self.note().free.get() == 0
    }

    /// Whether all pages are free.
    pub fn is_unused(self) -> bool {
        self.note().free.get() == ALL
    }

    /// Puts it before another, which is the first; it has no neighbours.
    pub fn link_before(self, first: Option<Self>) {
        Self::join(Some(self), first);
    }

    /// Takes it from between its neighbours, and returns the next one.
    pub fn unlink(self) -> Option<Self> {
        let (previous, next) = (self.note().previous.take(), self.note().next.take());
        Self::join(previous, next);
        next
    }

    /// Makes neighbours of two.
    fn join(previous: Option<Self>, next: Option<Self>) {
        if let Some(previous) = previous {
            previous.note().next.set(next);
        }
        if let Some(next) = next {
            next.note().previous.set(previous);
        }
    }

    fn place(self) -> NonNull<Note> {
        // SAFETY: it lies in the chunk.
        unsafe { self.0.add(PAGES * PAGE_SIZE).cast() }
    }

    fn note(&self) -> &Note {
        // SAFETY: the note was written when the chunk was made, which is allocated still, and is changed by its cells alone.
        unsafe { self.place().as_ref() }
    }
}
