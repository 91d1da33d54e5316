//! Start information that is right, and any other.

use std::boxed::Box;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Memory that begins at address `BASE` and ends with its bytes.
struct Fake(&'static [u8]);

const BASE: u64 = 0x1000;

impl Fake {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Box::leak(bytes.into_boxed_slice()))
    }
}

impl Physical for Fake {
    fn bytes(&self, what: &'static str, address: u64, length: u64) -> Result<&'static [u8], BootError> {
        let start = address.checked_sub(BASE).map(|start| start as usize);
        let bytes = start.and_then(|start| self.0.get(start..start.checked_add(length as usize)?));
        bytes.ok_or(BootError::Unreachable { what, address })
    }

    fn bytes_up_to(&self, what: &'static str, address: u64, limit: u64) -> Result<&'static [u8], BootError> {
        let left = (BASE + self.0.len() as u64).saturating_sub(address);
        self.bytes(what, address, limit.min(left))
    }
}

fn put(memory: &mut [u8], at: usize, bytes: &[u8]) {
    memory[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_u32s(memory: &mut [u8], at: usize, values: &[u32]) {
    for (index, value) in values.iter().enumerate() {
        put(memory, at + 4 * index, &value.to_le_bytes());
    }
}

/// PVH: information at 0x1000, map at 0x1100, module list at 0x1200, command line at 0x1300.
fn pvh() -> Vec<u8> {
    let mut memory = std::vec![0; 0x400];
    put_u32s(&mut memory, 0, &[0x336e_c578, 1, 0, 1, 0x1200, 0, 0x1300, 0, 0xf5000, 0, 0x1100, 0, 2, 0]);
    put_u32s(&mut memory, 0x100, &[0, 0, 0x9fc00, 0, 1, 0]);
    put_u32s(&mut memory, 0x118, &[0x10_0000, 0, 0x3f0_0000, 0, 1, 0]);
    put_u32s(&mut memory, 0x200, &[0x20_0000, 0, 0x1234, 0, 0, 0, 0, 0]);
    put(&mut memory, 0x300, b"ip=dhcp -- a\0");
    memory
}

/// Multiboot: information at 0x1000, map at 0x1100, module list at 0x1200, command line at 0x1300, loader at 0x1380.
fn multiboot() -> Vec<u8> {
    let mut memory = std::vec![0; 0x400];
    let flags = 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
    put_u32s(&mut memory, 0, &[flags, 0, 0, 0, 0x1300, 1, 0x1200, 0, 0, 0, 0, 48, 0x1100, 0, 0, 0, 0x1380]);
    put_u32s(&mut memory, 0x100, &[20, 0, 0, 0x9fc00, 0, 1]);
    put_u32s(&mut memory, 0x118, &[20, 0x10_0000, 0, 0x3f0_0000, 0, 1]);
    put_u32s(&mut memory, 0x200, &[0x20_0000, 0x20_1234, 0, 0]);
    put(&mut memory, 0x300, b"image ip=dhcp -- a\0");
    put(&mut memory, 0x380, b"qemu\0");
    memory
}

fn read(eax: u32, memory: Vec<u8>) -> Result<Found, BootError> {
    Found::read(&Fake::new(memory), eax, BASE as u32)
}

fn check(found: &Found) {
    assert_eq!(found.command_line, "ip=dhcp -- a");
    assert_eq!(found.initrd, Some(0x20_0000..0x20_1234));
    let regions: Vec<_> = found.memory.regions().map(|region| (region.range, region.usable)).collect();
    assert_eq!(regions, [(0..0x9fc00, true), (0x10_0000..0x400_0000, true)]);
}

#[test]
fn pvh_is_read() {
    let found = read(0, pvh()).unwrap();
    check(&found);
    assert_eq!(found.rsdp, Some(0xf5000));
}

#[test]
fn multiboot_is_read() {
    check(&read(multiboot::LOADER_MAGIC, multiboot()).unwrap());
}

#[test]
fn each_fault_has_its_error() {
    let error = |eax, change: &dyn Fn(&mut [u8]), mut memory: Vec<u8>| {
        change(&mut memory);
        read(eax, memory).unwrap_err()
    };
    let magic = multiboot::LOADER_MAGIC;
    assert_eq!(error(7, &|_| (), multiboot()), BootError::NoProtocol { eax: 7 });
    let no_pvh = Found::read_pvh(&Fake::new(multiboot()), BASE).unwrap_err();
    assert_eq!(no_pvh, BootError::NoStartInformation);
    assert_eq!(error(0, &|memory| memory[4] = 0, pvh()), BootError::NoMemoryMap);
    assert_eq!(error(magic, &|memory| memory[0] = 0, multiboot()), BootError::NoMemoryMap);
    assert_eq!(error(0, &|memory| memory[49] = 1, pvh()), BootError::MalformedMemoryMap);
    assert_eq!(error(magic, &|memory| memory[46] = 1, multiboot()), BootError::MalformedMemoryMap);
    assert_eq!(error(0, &|memory| memory[0x300..].fill(b'a'), pvh()), BootError::MalformedCommandLine);
    assert_eq!(error(0, &|memory| memory[0x300] = 0xff, pvh()), BootError::MalformedCommandLine);
    let unreachable = BootError::Unreachable { what: "memory map", address: 0xff00_1100 };
    assert_eq!(error(0, &|memory| memory[43] = 0xff, pvh()), unreachable);
}

proptest! {
    /// Whatever a few bytes are changed to, reading ends, and its regions are ranges.
    #[test]
    fn anything_is_read_or_refused(
        of_pvh: bool,
        changes in prop::collection::vec((0usize..0x400, any::<u8>()), 0..12),
        length in 0usize..=0x400,
    ) {
        let mut memory = if of_pvh { pvh() } else { multiboot() };
        for (at, byte) in changes {
            memory[at] = byte;
        }
        memory.truncate(length);
        if let Ok(found) = read(multiboot::LOADER_MAGIC, memory) {
            let regions = found.memory.regions();
            prop_assert!(regions.clone().count() <= 128);
            for region in regions {
                prop_assert!(region.range.start <= region.range.end);
            }
        }
    }
}
