//! The shared page of a request ring (`struct __name##_sring` of `io/ring.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::word::Word;

const PAGE_WORDS: usize = 1024;
/// Four indices and 48 bytes that they are padded with.
const HEADER_WORDS: usize = 16;
const WORD_BYTES: usize = size_of::<u32>();

/// The page. Every word is atomic, so that a shared reference claims nothing that the other domain could break.
#[repr(C)]
pub(crate) struct Page {
    /// Requests that were published.
    pub(crate) req_prod: Word,
    /// The request upon which the backend wants a signal.
    pub(crate) req_event: Word,
    /// Responses that were published.
    pub(crate) rsp_prod: Word,
    /// The response upon which the frontend wants a signal.
    pub(crate) rsp_event: Word,
    padding: [Word; HEADER_WORDS - 4],
    entries: [Word; PAGE_WORDS - HEADER_WORDS],
}

const _: () = assert!(size_of::<Page>() == 4096);

impl Page {
    /// Entries of `bytes` each: as many as fit, rounded down to a power of two (`__CONST_RING_SIZE`).
    pub(crate) const fn capacity(bytes: usize) -> u32 {
        assert!(bytes != 0 && bytes.is_multiple_of(WORD_BYTES), "an entry is of whole words");
        let fitting = (PAGE_WORDS - HEADER_WORDS) * WORD_BYTES / bytes;
        assert!(fitting != 0, "an entry fits into the page");
        1 << fitting.ilog2()
    }

    /// An empty ring (`SHARED_RING_INIT`) that goes on from `count`, and nothing of what the page held before.
    pub(crate) fn initialise(&self, count: u32) {
        self.padding.iter().chain(&self.entries).for_each(|word| word.write(0));
        self.req_prod.write(count);
        self.rsp_prod.write(count);
        self.req_event.write(count.wrapping_add(1));
        self.rsp_event.write(count.wrapping_add(1));
    }

    /// Writes `value` into place `slot` of those of `stride` bytes.
    pub(crate) fn put<T: IntoBytes + Immutable>(&self, slot: u32, stride: usize, value: &T) {
        for (bytes, word) in value.as_bytes().chunks_exact(WORD_BYTES).zip(self.words(slot, stride)) {
            let mut copy = [0; WORD_BYTES];
            copy.copy_from_slice(bytes);
            word.write(u32::from_ne_bytes(copy));
        }
    }

    /// A copy of what is in place `slot` of those of `stride` bytes, each word of it read once.
    pub(crate) fn get<T: FromBytes + IntoBytes>(&self, slot: u32, stride: usize) -> T {
        let mut value = T::new_zeroed();
        for (bytes, word) in value.as_mut_bytes().chunks_exact_mut(WORD_BYTES).zip(self.words(slot, stride)) {
            bytes.copy_from_slice(&word.read().to_ne_bytes());
        }
        value
    }

    fn words(&self, slot: u32, stride: usize) -> &[Word] {
        let words = stride / WORD_BYTES;
        let start = slot as usize * words;
        &self.entries[start..start + words]
    }
}
