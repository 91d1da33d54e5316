#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "pages are raw memory, and what is known of them lies beside them")]

mod chunk;
mod spare;
#[cfg(test)]
mod tests;

use core::alloc::GlobalAlloc;
use core::ptr::NonNull;

use chunk::Chunk;
pub use spare::Spare;

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// Pages from the allocator `A`.
#[derive(Debug)]
pub struct Pages<A> {
    allocator: A,
    /// What is left to others.
    spare: Spare,
    /// How many chunks there are.
    chunks: usize,
    /// The first of the chunks that have free pages.
    open: Option<Chunk>,
}

// SAFETY: the chunks are its own, and nobody else knows of them.
unsafe impl<A: Send> Send for Pages<A> {}

impl<A: GlobalAlloc> Pages<A> {
    /// None yet. Of the allocator's memory `spare` is left to others.
    pub const fn new(allocator: A, spare: Spare) -> Self {
        Self { allocator, spare, chunks: 0, open: None }
    }

    /// A page that begins at a multiple of its size, and holds anything; `None` where the allocator has no memory, or none but
    /// what is left to others.
    pub fn allocate(&mut self) -> Option<NonNull<u8>> {
        let chunk = self.open.or_else(|| self.add())?;
        let page = chunk.take();
        if chunk.is_full() {
            self.close(chunk);
        }
        Some(page)
    }

    /// Takes a page back.
    ///
    /// # Safety
    /// It is one of [`allocate`](Pages::allocate), and nobody uses it any more.
    pub unsafe fn free(&mut self, page: NonNull<u8>) {
        // SAFETY: the caller's.
        let chunk = unsafe { Chunk::of(page) };
        if chunk.is_full() {
            self.open(chunk);
        }
        chunk.put(page);
        if chunk.is_unused() {
            self.close(chunk);
            self.chunks -= 1;
            // SAFETY: it was allocated with this layout, and neither its pages are used nor its note.
            unsafe { self.allocator.dealloc(chunk.memory().as_ptr(), Chunk::LAYOUT) };
        }
    }

    /// Takes a chunk of the allocator.
    fn add(&mut self) -> Option<Chunk> {
        // SAFETY: the layout has a size.
        let memory = NonNull::new(unsafe { self.allocator.alloc(Chunk::LAYOUT) })?;
        if !self.spare.is_left(&self.allocator, self.chunks * Chunk::LAYOUT.size()) {
            // SAFETY: it was just allocated so, and nobody has it.
            unsafe { self.allocator.dealloc(memory.as_ptr(), Chunk::LAYOUT) };
            return None;
        }
        // SAFETY: the memory was just allocated so.
        let chunk = unsafe { Chunk::new(memory) };
        self.chunks += 1;
        self.open(chunk);
        Some(chunk)
    }

    /// Puts a chunk before the others that have free pages.
    fn open(&mut self, chunk: Chunk) {
        chunk.link_before(self.open);
        self.open = Some(chunk);
    }

    /// Takes a chunk from among them.
    fn close(&mut self, chunk: Chunk) {
        let next = chunk.unlink();
        if self.open == Some(chunk) {
            self.open = next;
        }
    }
}
