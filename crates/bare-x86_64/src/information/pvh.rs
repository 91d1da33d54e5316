//! The PVH start information (Xen, public/arch-x86/hvm/start_info.h).

use core::ops::Range;

use super::{BootError, Fields, Found, MemoryMap, Region, command_line, region};
use crate::physical::Physical;

/// "xEn3" with the highest bit of the E set.
const MAGIC: u32 = 0x336e_c578;
/// Bytes of the structure in version 1, the first with a memory map.
const SIZE: u64 = 56;
/// Bytes of an entry of the memory map, and of a module.
const MAP_ENTRY: usize = 24;
const MODULE: u64 = 32;
/// More entries of the memory map than this are malformed: the BIOS's own map has 128 at most.
const MAP_LIMIT: u32 = 128;

/// Whether there is PVH start information at `address`.
pub(super) fn is(memory: &impl Physical, address: u64) -> bool {
    memory.bytes("start information", address, SIZE).is_ok_and(|info| info.u32_at(0) == Some(MAGIC))
}

/// Reads the start information at `address`.
pub(super) fn read(memory: &impl Physical, address: u64) -> Result<Found, BootError> {
    let info = memory.bytes("start information", address, SIZE)?;
    let u32_at = |offset| info.u32_at(offset).unwrap_or(0);
    let u64_at = |offset| info.u64_at(offset).unwrap_or(0);
    let (version, modules, entries) = (u32_at(4), u32_at(12), u32_at(48));
    if version == 0 || entries == 0 {
        return Err(BootError::NoMemoryMap);
    }
    if entries > MAP_LIMIT {
        return Err(BootError::MalformedMemoryMap);
    }
    let map = memory.bytes("memory map", u64_at(40), u64::from(entries) * MAP_ENTRY as u64)?;
    Ok(Found {
        memory: MemoryMap::Pvh(map),
        command_line: command_line(memory, u64_at(24))?,
        initrd: if modules == 0 { None } else { Some(module(memory, u64_at(16))?) },
        rsdp: Some(u64_at(32)).filter(|address| *address != 0),
    })
}

/// Where the first module of the list at `list` lies.
fn module(memory: &impl Physical, list: u64) -> Result<Range<u64>, BootError> {
    let module = memory.bytes("module list", list, MODULE)?;
    let (start, size) = (module.u64_at(0).unwrap_or(0), module.u64_at(8).unwrap_or(0));
    let end = start.checked_add(size).ok_or(BootError::Unreachable { what: "initrd", address: start })?;
    Ok(start..end)
}

/// Takes the first region off the map.
pub(super) fn next_region(map: &mut &'static [u8]) -> Option<Region> {
    let (entry, rest) = map.split_at_checked(MAP_ENTRY)?;
    *map = rest;
    Some(region(entry.u64_at(0)?, entry.u64_at(8)?, entry.u32_at(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_in_order_and_a_cut_off_one_is_not() {
        const MAP: [u8; 60] = {
            let mut map = [0; 60];
            map[2] = 0x10; // starts at 1 MiB
            map[10] = 0x30; // 3 MiB long
            map[16] = 1;
            map[24 + 7] = 0xff; // at the end of the address space
            map[24 + 15] = 0xff; // and beyond
            map[24 + 16] = 2;
            map
        };
        let found: std::vec::Vec<_> = MemoryMap::Pvh(&MAP).regions().collect();
        assert_eq!(
            found,
            [
                Region { range: 0x10_0000..0x40_0000, usable: true },
                Region { range: 0xff << 56..u64::MAX, usable: false },
            ]
        );
    }
}
