//! What the loader left.

mod multiboot;
mod pvh;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::ops::Range;
use core::str;

use x86_64::paging::PAGE_SIZE;

use crate::image::image;
use crate::physical::Physical;

/// The longest command line, in bytes.
const COMMAND_LINE_LIMIT: u64 = 4096;

/// Why what the loader left is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BootError {
    /// Neither PVH nor Multiboot.
    NoProtocol {
        /// What was in the register that Multiboot marks.
        eax: u32,
    },
    /// No PVH start information where the loader says that it is.
    NoStartInformation,
    /// Something lies where it can't be: at address 0, in the image, or above the first gigabyte.
    Unreachable {
        /// What.
        what: &'static str,
        /// Its physical address.
        address: u64,
    },
    /// No memory map.
    NoMemoryMap,
    /// The memory map can't be read.
    MalformedMemoryMap,
    /// The command line has no end within 4096 bytes, or is not UTF-8.
    MalformedCommandLine,
}

impl Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProtocol { eax } => {
                write!(f, "the loader follows neither PVH nor Multiboot (eax is {eax:#x})")
            }
            Self::NoStartInformation => f.write_str("the loader left no PVH start information"),
            Self::Unreachable { what, address } => {
                write!(f, "the loader put the {what} at {address:#x}, where it can't be read")
            }
            Self::NoMemoryMap => f.write_str("the loader gave no memory map"),
            Self::MalformedMemoryMap => f.write_str("the loader's memory map is malformed"),
            Self::MalformedCommandLine => {
                write!(f, "the command line is longer than {COMMAND_LINE_LIMIT} bytes or not UTF-8")
            }
        }
    }
}

impl core::error::Error for BootError {}

/// What the loader left.
#[derive(Debug)]
pub struct Found {
    /// Where memory is.
    pub memory: MemoryMap,
    /// The command line, where the loader left it.
    pub command_line: &'static str,
    /// Where the initial image lies; whether it can is not checked yet.
    pub initrd: Option<Range<u64>>,
    /// Where the ACPI root pointer lies, where the loader says so.
    pub rsdp: Option<u64>,
}

impl Found {
    /// Reads what a loader left by whichever of the two protocols it follows: `eax` and `ebx` are the registers at the entry.
    ///
    /// # Errors
    /// As [`BootError`] says.
    pub fn read(memory: &impl Physical, eax: u32, ebx: u32) -> Result<Self, BootError> {
        let address = u64::from(ebx);
        if pvh::is(memory, address) {
            pvh::read(memory, address)
        } else if eax == multiboot::LOADER_MAGIC {
            multiboot::read(memory, address)
        } else {
            Err(BootError::NoProtocol { eax })
        }
    }

    /// Reads what a PVH loader left at `address`.
    ///
    /// # Errors
    /// As [`BootError`] says.
    pub fn read_pvh(memory: &impl Physical, address: u64) -> Result<Self, BootError> {
        if pvh::is(memory, address) { pvh::read(memory, address) } else { Err(BootError::NoStartInformation) }
    }

    /// The memory that stays as the loader left it.
    pub fn kept(&self) -> [Range<u64>; 5] {
        [
            0..image().start,
            image(),
            self.memory.place(),
            range_of(self.command_line.as_bytes()),
            self.initrd.clone().unwrap_or(0..0),
        ]
    }
}

fn range_of(bytes: &[u8]) -> Range<u64> {
    let start = bytes.as_ptr() as u64;
    start..start + bytes.len() as u64
}

/// A part of the physical address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// From its first byte to the one after its last.
    pub range: Range<u64>,
    /// Whether it is memory for the image.
    pub usable: bool,
}

/// The loader's memory map, in its own format.
#[derive(Clone, Copy, Debug)]
pub enum MemoryMap {
    /// `hvm_memmap_table_entry` of PVH.
    Pvh(&'static [u8]),
    /// Multiboot's `mmap`.
    Multiboot(&'static [u8]),
}

impl MemoryMap {
    /// Every region, in the loader's order.
    pub fn regions(self) -> impl Iterator<Item = Region> + Clone {
        let mut rest = self;
        core::iter::from_fn(move || match &mut rest {
            Self::Pvh(bytes) => pvh::next_region(bytes),
            Self::Multiboot(bytes) => multiboot::next_region(bytes),
        })
    }

    /// The same map; a copy where it lies in the first page, which is unmapped soon.
    pub fn settled(self) -> Self {
        let settled = |bytes: &'static [u8]| match range_of(bytes).start {
            ..PAGE_SIZE => Vec::from(bytes).leak(),
            _ => bytes,
        };
        match self {
            Self::Pvh(bytes) => Self::Pvh(settled(bytes)),
            Self::Multiboot(bytes) => Self::Multiboot(settled(bytes)),
        }
    }

    /// Whether any of `range` is memory for the image.
    pub fn holds_any(self, range: &Range<u64>) -> bool {
        self.regions()
            .any(|region| region.usable && region.range.start < range.end && range.start < region.range.end)
    }

    /// Where the map itself lies.
    fn place(self) -> Range<u64> {
        match self {
            Self::Pvh(bytes) | Self::Multiboot(bytes) => range_of(bytes),
        }
    }
}

/// A region from its fields; what lies beyond the address space is cut off.
fn region(start: u64, length: u64, kind: u32) -> Region {
    /// "Available" in both protocols, as in the BIOS's own map.
    const RAM: u32 = 1;
    Region { range: start..start.saturating_add(length), usable: kind == RAM }
}

/// The command line that lies at `address`; 0 for none.
fn command_line(memory: &impl Physical, address: u64) -> Result<&'static str, BootError> {
    if address == 0 {
        return Ok("");
    }
    let bytes = memory.bytes_up_to("command line", address, COMMAND_LINE_LIMIT)?;
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(BootError::MalformedCommandLine)?;
    str::from_utf8(&bytes[..end]).map_err(|_| BootError::MalformedCommandLine)
}

/// The little-endian fields of what a loader left.
pub trait Fields {
    /// The 32 bits at `offset`; `None` beyond the end.
    fn u32_at(&self, offset: usize) -> Option<u32>;
    /// The 64 bits at `offset`; `None` beyond the end.
    fn u64_at(&self, offset: usize) -> Option<u64>;
}

impl Fields for [u8] {
    fn u32_at(&self, offset: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.get(offset..)?.first_chunk()?))
    }

    fn u64_at(&self, offset: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.get(offset..)?.first_chunk()?))
    }
}
