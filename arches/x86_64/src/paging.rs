//! Page tables: every virtual address is its own physical address; what differs is what may be done there.
//!
//! Four levels (Intel SDM volume 3A, section 5.5). Pages are 1 GiB, 2 MiB or 4 KiB, the largest that fit; a large one
//! is split when a part of it changes.

mod active;
mod entry;
mod space;

pub use active::{GuardError, gibibyte_pages, guard, guarded, map, mapped, unguard, writable};
pub use entry::{Access, Content, Entry, Table};
pub use space::{MapError, Space, Tables};

/// The smallest page, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// The end of the addresses that can be mapped: the lower half of 48 bits.
pub const ADDRESS_END: u64 = 1 << 47;
