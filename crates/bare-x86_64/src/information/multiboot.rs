//! The Multiboot information (Multiboot Specification 0.6.96, section 3.3).

use core::ops::Range;

use super::{BootError, Fields, Found, MemoryMap, Region, command_line, region};
use crate::physical::Physical;

/// What a Multiboot loader leaves in `eax`.
pub(super) const LOADER_MAGIC: u32 = 0x2bad_b002;

/// Bytes of the information as far as it is used: to the loader's name.
const SIZE: u64 = 68;
const MODULE: u64 = 16;
/// More bytes of memory map than this are malformed.
const MAP_LIMIT: u64 = 4096;
/// Bytes of a map entry after its size field.
const MAP_ENTRY: usize = 20;

// Flags that say which fields are there.
const COMMAND_LINE: u32 = 1 << 2;
const MODULES: u32 = 1 << 3;
const MEMORY_MAP: u32 = 1 << 6;
const LOADER_NAME: u32 = 1 << 9;

/// Reads the information at `address`.
pub(super) fn read(memory: &impl Physical, address: u64) -> Result<Found, BootError> {
    let info = memory.bytes("multiboot information", address, SIZE)?;
    let field = |offset| u64::from(info.u32_at(offset).unwrap_or(0));
    let has = |flag: u32| field(0) & u64::from(flag) != 0;
    if !has(MEMORY_MAP) {
        return Err(BootError::NoMemoryMap);
    }
    if field(44) > MAP_LIMIT {
        return Err(BootError::MalformedMemoryMap);
    }
    let map = memory.bytes("memory map", field(48), field(44))?;
    let line = if has(COMMAND_LINE) { command_line(memory, field(16))? } else { "" };
    let names_image = has(LOADER_NAME) && is_qemu(memory, field(64))?;
    Ok(Found {
        memory: MemoryMap::Multiboot(map),
        command_line: if names_image { without_first_word(line) } else { line },
        initrd: if has(MODULES) && field(20) != 0 { Some(module(memory, field(24))?) } else { None },
        rsdp: None,
    })
}

/// Whether the loader's name, at `address`, is QEMU's, which puts the image's file name before the command line.
fn is_qemu(memory: &impl Physical, address: u64) -> Result<bool, BootError> {
    Ok(memory.bytes("loader's name", address, 5)? == b"qemu\0")
}

fn without_first_word(line: &'static str) -> &'static str {
    line.split_once(' ').map_or("", |(_, rest)| rest)
}

/// Where the first module of the list at `list` lies.
fn module(memory: &impl Physical, list: u64) -> Result<Range<u64>, BootError> {
    let module = memory.bytes("module list", list, MODULE)?;
    let (start, end) = (module.u32_at(0).unwrap_or(0), module.u32_at(4).unwrap_or(0));
    Ok(u64::from(start)..u64::from(end))
}

/// Takes the first region off the map. One with fewer bytes than an entry has ends it.
pub(super) fn next_region(map: &mut &'static [u8]) -> Option<Region> {
    let size = map.u32_at(0)? as usize;
    let (entry, rest) = map[4..].split_at_checked(size)?;
    if size < MAP_ENTRY {
        return None;
    }
    *map = rest;
    Some(region(entry.u64_at(0)?, entry.u64_at(8)?, entry.u32_at(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_their_size() {
        const MAP: [u8; 52] = {
            let mut map = [0; 52];
            map[0] = 24; // four bytes more than needed
            map[4 + 2] = 0x10;
            map[4 + 8 + 2] = 0x30;
            map[4 + 16] = 1;
            map[28] = 20;
            map[28 + 4 + 3] = 0x80;
            map
        };
        let found: std::vec::Vec<_> = MemoryMap::Multiboot(&MAP).regions().collect();
        assert_eq!(
            found,
            [
                Region { range: 0x10_0000..0x40_0000, usable: true },
                Region { range: 0x8000_0000..0x8000_0000, usable: false },
            ]
        );
    }

    #[test]
    fn malformed_entries_end_the_map() {
        for size in [0u8, 19, 49, 255] {
            let map: &'static mut [u8] = std::boxed::Box::leak(std::boxed::Box::new([0; 52]));
            map[0] = size;
            assert_eq!(MemoryMap::Multiboot(map).regions().count(), 0, "size {size}");
        }
    }

    #[test]
    fn the_file_name_is_not_an_argument() {
        assert_eq!(without_first_word("/tmp/image ip=dhcp -- a"), "ip=dhcp -- a");
        assert_eq!(without_first_word("/tmp/image"), "");
    }
}
