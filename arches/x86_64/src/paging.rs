//! Page tables: every virtual address is its own physical address; what differs is what may be done there. Above is a window
//! of addresses whose pages lie anywhere in memory.
//!
//! Four levels (Intel SDM volume 3A, section 5.5). Pages are 1 GiB, 2 MiB or 4 KiB, the largest that fit; a large one
//! is split when a part of it changes.

mod active;
pub mod emulated;
mod entry;
mod pool;
mod seen;
mod space;
mod window;

pub use active::{
    GuardError, allows, gibibyte_pages, guard, guarded, map, map_window, mapped, protect_window, unguard,
    writable,
};
pub use entry::{Access, Content, Entry, Table};
pub use pool::{allocate_page, clear_page, free_page};
pub use seen::Seen;
pub use space::{MapError, Space, Tables};
pub use window::{Backing, WINDOW, Window};

/// The smallest page, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// The end of the addresses that are physical ones: where the [`WINDOW`] begins.
pub const ADDRESS_END: u64 = WINDOW.start;

/// The end of the lower half of 48 bits.
pub const LOWER_HALF_END: u64 = 1 << 47;
