//! The bus on machines whose configuration space and registers are memory of the test.
#![expect(unsafe_code, reason = "an implementor of Dma answers for memory")]

use std::{
    alloc::{Layout, alloc_zeroed},
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ptr::{NonNull, with_exposed_provenance_mut},
};

use iface_dma::{Dma, PAGE_SIZE, Region};
use iface_pci::{Address, Pci, Source};
use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_virtio_bus::{DeviceType, TakeError, VirtioBus};
use proptest::prelude::*;
use virtio::{AnyTransport, Bus, Config, InitError, Needs, init};
use virtio_drivers::transport::{DeviceStatus, Transport};

/// Bytes of the BAR, and where its structures are.
const BAR_BYTES: usize = 0x4000;
const COMMON: u32 = 0;
const INTERRUPT_STATUS: u32 = 0x1000;
const DEVICE: u32 = 0x2000;
const NOTIFY: u32 = 0x3000;
const STRUCTURE_BYTES: u32 = 0x1000;
/// Offsets in the common structure.
const NUM_QUEUES: usize = 18;
const DEVICE_STATUS: usize = 20;
const QUEUE_NOTIFY_OFF: usize = 30;

/// Where device memory is, and how much of it: what may be mapped.
#[derive(Clone, Copy)]
struct Registers {
    pointer: NonNull<u8>,
    bytes: usize,
}

thread_local! {
    static MAPPABLE: RefCell<Vec<Registers>> = const { RefCell::new(Vec::new()) };
}

impl Registers {
    /// Zeroed, aligned to their own size, and there for the test's whole life.
    fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes, bytes).unwrap();
        // SAFETY: the size is not zero.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap();
        pointer.as_ptr().expose_provenance();
        let registers = Self { pointer, bytes };
        MAPPABLE.with_borrow_mut(|mappable| mappable.push(registers));
        registers
    }

    fn address(self) -> u64 {
        self.pointer.as_ptr().addr() as u64
    }

    fn read(self, offset: usize) -> u8 {
        assert!(offset < self.bytes);
        // SAFETY: the offset is in bounds, and this thread alone uses the memory.
        unsafe { self.pointer.add(offset).read_volatile() }
    }

    fn write(self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.bytes);
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: as in `read`.
            unsafe { self.pointer.add(offset + index).write_volatile(*byte) }
        }
    }
}

#[derive(Clone, Copy)]
struct FakeDma;

// SAFETY: the pages are fresh from the heap and never freed; a device's address is the pointer.
unsafe impl Dma for FakeDma {
    fn allocate(pages: usize) -> Option<Region> {
        let layout = Layout::from_size_align(pages * PAGE_SIZE, PAGE_SIZE).ok()?;
        // SAFETY: no caller asks for no pages.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Region { pointer, address: pointer.as_ptr().expose_provenance() as u64, pages })
    }

    unsafe fn free(_region: Region) {}

    fn address_of(pointer: NonNull<u8>, _length: usize) -> u64 {
        pointer.as_ptr().expose_provenance() as u64
    }

    unsafe fn registers(address: u64, length: usize) -> NonNull<u8> {
        let is_within = |registers: &Registers| {
            address >= registers.address()
                && address + length as u64 <= registers.address() + registers.bytes as u64
        };
        let is_mappable = MAPPABLE.with_borrow(|mappable| mappable.iter().any(is_within));
        assert!(is_mappable, "{length} bytes at {address:#x} are no device's");
        NonNull::new(with_exposed_provenance_mut(address as usize)).unwrap()
    }
}

/// A function: configuration space, which bits of each BAR are wired, and where its interrupt leads.
#[derive(Clone)]
struct Function {
    configuration: [u8; 256],
    bar_masks: [u32; 6],
    interrupt: Option<Source>,
}

impl Function {
    fn new(vendor: u16, device: u16) -> Self {
        let mut function = Self { configuration: [0; 256], bar_masks: [0; 6], interrupt: Some(Source(11)) };
        function.set16(0, vendor);
        function.set16(2, device);
        function
    }

    /// A bridge to bus `secondary`.
    fn bridge(secondary: u8) -> Self {
        let mut bridge = Self::new(0x1b36, 0x000c);
        bridge.configuration[0x0e] = 1;
        bridge.configuration[0x19] = secondary;
        bridge
    }

    /// A virtio device with all structures in 64-bit BAR 4, which lies at `registers`.
    fn virtio(device: u16, registers: Registers) -> Self {
        let mut function = Self::new(0x1af4, device);
        function.set16(6, 1 << 4);
        function.configuration[0x34] = 0x40;
        function.capability(0x40, 0x50, [1, 4], COMMON, STRUCTURE_BYTES);
        function.capability(0x50, 0x60, [3, 4], INTERRUPT_STATUS, STRUCTURE_BYTES);
        function.capability(0x60, 0x70, [4, 4], DEVICE, STRUCTURE_BYTES);
        function.capability(0x70, 0, [2, 4], NOTIFY, STRUCTURE_BYTES);
        function.configuration[0x72] = 20;
        function.set32(0x80, 4);
        function.set32(0x20, registers.address() as u32 | 0b1100);
        function.set32(0x24, (registers.address() >> 32) as u32);
        (function.bar_masks[4], function.bar_masks[5]) = (!(BAR_BYTES as u32 - 1), u32::MAX);
        function
    }

    /// Writes the capability of a structure: `[type, BAR]`, and where it is in there.
    fn capability(&mut self, at: usize, next: u8, [structure, bar]: [u8; 2], offset: u32, length: u32) {
        self.configuration[at..at + 5].copy_from_slice(&[0x09, next, 16, structure, bar]);
        self.set32(at + 8, offset);
        self.set32(at + 12, length);
    }

    fn set16(&mut self, at: usize, value: u16) {
        self.configuration[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn set32(&mut self, at: usize, value: u32) {
        self.configuration[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn get32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.configuration[at..at + 4].try_into().unwrap())
    }
}

/// The functions of a machine, and how often configuration space was read.
#[derive(Default)]
struct Machine {
    functions: RefCell<BTreeMap<Address, Function>>,
    reads: Cell<usize>,
}

#[derive(Clone, Copy)]
struct FakePci(&'static Machine);

impl Pci for FakePci {
    fn present(&self) -> bool {
        !self.0.functions.borrow().is_empty()
    }

    fn read(&self, address: Address, offset: u8) -> u32 {
        assert!(address.device < 32 && address.function < 8 && offset.is_multiple_of(4));
        self.0.reads.set(self.0.reads.get() + 1);
        let functions = self.0.functions.borrow();
        functions.get(&address).map_or(u32::MAX, |function| function.get32(offset.into()))
    }

    fn write(&self, address: Address, offset: u8, value: u32) {
        let mut functions = self.0.functions.borrow_mut();
        let function = functions.get_mut(&address).expect("a function that is there");
        let at = usize::from(offset);
        match offset {
            0x04 => function.set16(at, value as u16),
            0x10..0x28 => {
                let mask = function.bar_masks[(at - 0x10) / 4];
                let kept = function.get32(at) & !mask;
                function.set32(at, value & mask | kept);
            }
            _ => panic!("the bus writes {value:#x} to {offset:#x}"),
        }
    }

    fn interrupt(&self, address: Address) -> Option<Source> {
        self.0.functions.borrow()[&address].interrupt
    }
}

#[derive(Clone, Copy)]
struct FakePlatform(&'static str);

impl Platform for FakePlatform {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new(self.0)
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, status: ExitStatus) -> ! {
        panic!("the bus ends the image with {status:?}")
    }
}

fn at(bus: u8, device: u8, function: u8) -> Address {
    Address { bus, device, function }
}

fn machine(functions: impl IntoIterator<Item = (Address, Function)>) -> &'static Machine {
    let functions = RefCell::new(functions.into_iter().collect());
    Box::leak(Box::new(Machine { functions, reads: Cell::new(0) }))
}

fn bus(machine: &'static Machine, command_line: &'static str) -> Result<Bus<FakeDma, FakePci>, InitError> {
    let needs = Needs { dma: FakeDma, pci: FakePci(machine), platform: FakePlatform(command_line) };
    Ok(init(&Config {}, needs)?.virtio_bus)
}

/// Registers of a device with three queues.
fn bar() -> Registers {
    let bar = Registers::new(BAR_BYTES);
    bar.write(NUM_QUEUES, &[3, 0]);
    bar.write(QUEUE_NOTIFY_OFF, &[2, 0]);
    bar
}

/// What became of the taking of a network card that is the only function.
fn take(function: Function) -> Result<AnyTransport, TakeError> {
    let machine = machine([(at(0, 2, 0), function)]);
    Ok(bus(machine, "").unwrap().take(DeviceType::Network)?.transport)
}

#[test]
fn a_device_on_pci_is_taken_once() {
    let bar = bar();
    let machine = machine([(at(0, 3, 0), Function::virtio(0x1000, bar))]);
    let bus = bus(machine, "").unwrap();
    assert_eq!(bus.take(DeviceType::EntropySource).err(), Some(TakeError::Absent));
    let mut device = bus.take(DeviceType::Network).unwrap();
    assert_eq!(bus.take(DeviceType::Network).err(), Some(TakeError::Absent));
    assert_eq!(device.source, Source(11));
    assert_eq!(device.transport.device_type(), DeviceType::Network);
    let command = machine.functions.borrow()[&at(0, 3, 0)].get32(4);
    assert_eq!(command & 0b110, 0b110, "memory space and bus master");

    bar.write(DEVICE as usize, &[1, 2, 3, 4]);
    assert_eq!(device.transport.read_config_space(2), Ok([3_u8, 4]));
    assert_eq!(device.transport.read_config_space::<u32>(0), Ok(0x0403_0201));
    assert!(device.transport.read_config_space::<u32>(2).is_err());
    assert!(device.transport.read_config_space::<u32>(STRUCTURE_BYTES as usize).is_err());
    assert!(device.transport.read_config_space::<u8>(usize::MAX).is_err());
    bar.write(INTERRUPT_STATUS as usize, &[3]);
    assert_eq!(device.transport.ack_interrupt().bits(), 3);

    device.transport.notify(1);
    assert_eq!(bar.read(NOTIFY as usize + 2 * 4), 1);
    device.transport.notify(2);
    assert_eq!(bar.read(NOTIFY as usize + 2 * 4), 2);
    device.transport.notify(3);
    device.transport.notify(u16::MAX);
    assert_eq!(bar.read(NOTIFY as usize + 2 * 4), 2, "the device has no such queues");

    device.transport.set_status(DeviceStatus::ACKNOWLEDGE);
    assert_eq!(bar.read(DEVICE_STATUS), 1);
    drop(device);
    assert_eq!(bar.read(DEVICE_STATUS), 0);
}

#[test]
fn two_of_a_kind_are_taken_one_after_the_other() {
    let [one, two] = [bar(), bar()];
    let mut without_interrupt = Function::virtio(0x1041, bar());
    without_interrupt.interrupt = None;
    let machine = machine([
        (at(0, 1, 0), Function::virtio(0x1041, one)),
        (at(0, 2, 0), without_interrupt),
        (at(0, 3, 0), Function::virtio(0x1041, two)),
    ]);
    let bus = bus(machine, "").unwrap();
    one.write(DEVICE as usize, &[1]);
    two.write(DEVICE as usize, &[2]);
    let first_byte = || Ok(bus.take(DeviceType::Network)?.transport.read_config_space(0).unwrap());
    assert_eq!(first_byte(), Ok(1_u8));
    assert_eq!(first_byte(), Err(TakeError::NoInterrupt));
    assert_eq!(first_byte(), Ok(2));
    assert_eq!(first_byte(), Err(TakeError::Absent));
}

#[test]
fn bridges_and_further_functions_are_searched() {
    let mut first = Function::new(0x8086, 0x29c0);
    first.configuration[0x0e] = 0x80;
    let machine = machine([
        (at(0, 0, 0), first),
        (at(0, 0, 5), Function::bridge(4)),
        (at(4, 31, 0), Function::virtio(0x1041, bar())),
    ]);
    assert!(bus(machine, "").unwrap().take(DeviceType::Network).is_ok());
}

#[test]
fn bridges_that_lead_back_end_the_search() {
    let machine = machine([
        (at(0, 1, 0), Function::bridge(0)),
        (at(0, 2, 0), Function::bridge(3)),
        (at(3, 0, 0), Function::bridge(3)),
        (at(3, 1, 0), Function::bridge(2)),
        (at(3, 2, 0), Function::bridge(255)),
        (at(255, 0, 0), Function::bridge(255)),
    ]);
    assert_eq!(bus(machine, "").unwrap().take(DeviceType::Network).err(), Some(TakeError::Absent));
    assert!(machine.reads.get() < 200, "{}", machine.reads.get());
}

#[test]
fn the_search_ends_with_what_is_found() {
    let machine = machine([(at(0, 2, 0), Function::virtio(0x1041, bar()))]);
    assert!(bus(machine, "").unwrap().take(DeviceType::Network).is_ok());
    assert!(machine.reads.get() < 50, "{}", machine.reads.get());
}

#[test]
fn what_does_not_fit_is_malformed() {
    let malformed = |what: &str, change: &dyn Fn(&mut Function)| {
        let mut function = Function::virtio(0x1041, bar());
        change(&mut function);
        assert_eq!(take(function).err(), Some(TakeError::Malformed), "{what}");
    };
    assert!(take(Function::virtio(0x1041, bar())).is_ok());
    malformed("no capability list", &|f| f.set16(6, 0));
    malformed("list before the header's end", &|f| f.configuration[0x34] = 0x3c);
    malformed("list that loops", &|f| f.configuration[0x61] = 0x40);
    malformed("capability of another vendor", &|f| f.configuration[0x40] = 0x05);
    malformed("capability too short", &|f| f.configuration[0x42] = 15);
    malformed("notify capability too short", &|f| f.configuration[0x72] = 16);
    malformed("odd multiplier", &|f| f.set32(0x80, 3));
    malformed("reserved BAR", &|f| f.configuration[0x44] = 6);
    malformed("BAR that is not there", &|f| f.configuration[0x44] = 0);
    malformed("BAR that firmware did not place", &|f| {
        f.set32(0x20, 0b1100);
        f.set32(0x24, 0);
    });
    malformed("I/O BAR", &|f| {
        f.configuration[0x44] = 0;
        f.set32(0x10, 0xc001);
        f.bar_masks[0] = 0xffe0;
    });
    malformed("structure that leaves its BAR", &|f| f.set32(0x48, BAR_BYTES as u32 - 8));
    malformed("structure whose end overflows", &|f| f.set32(0x48, 0xffff_f000));
    malformed("structure too short", &|f| f.set32(0x4c, 55));
    malformed("structure misaligned", &|f| f.set32(0x48, 2));
    malformed("notification outside", &|f| f.set32(0x80, 0x800));
    malformed("capability that leaves configuration space", &|f| {
        f.configuration[0x61] = 0xfc;
        f.configuration[0xfc..].copy_from_slice(&[0x09, 0, 16, 2]);
    });
}

#[test]
fn the_first_structure_that_can_be_used_counts() {
    let mut function = Function::virtio(0x1041, bar());
    function.configuration[0x34] = 0x90;
    function.capability(0x90, 0x40, [2, 0], 0, 4);
    function.configuration[0x92] = 20;
    function.set32(0x10, 0xc001);
    function.bar_masks[0] = 0xffe0;
    assert!(take(function).is_ok());
}

/// A window with the registers of a device of this kind, as text of the command line.
fn window(device_type: u32, interrupt: u32) -> (Registers, String) {
    let registers = Registers::new(512);
    for (offset, value) in [(0, 0x7472_6976), (4, 2), (8, device_type)] {
        registers.write(offset, &u32::to_le_bytes(value));
    }
    let setting = format!("virtio_mmio.device=512@{:#x}:{interrupt} ", registers.address());
    (registers, setting)
}

#[test]
fn register_windows_come_first() {
    let [(_, empty), (registers, card), (_, entropy)] = [window(0, 5), window(1, 6), window(4, 7)];
    let command_line = Box::leak([empty, card, entropy].concat().into_boxed_str());
    let machine = machine([(at(0, 2, 0), Function::virtio(0x1041, bar()))]);
    let bus = bus(machine, command_line).unwrap();
    let mut device = bus.take(DeviceType::Network).unwrap();
    assert_eq!(device.source, Source(6));
    device.transport.notify(1);
    assert_eq!(registers.read(0x50), 1);
    assert_eq!(bus.take(DeviceType::EntropySource).unwrap().source, Source(7));
    assert_eq!(bus.take(DeviceType::Network).unwrap().source, Source(11), "the one on PCI");
    assert_eq!(bus.take(DeviceType::Network).err(), Some(TakeError::Absent));
}

#[test]
fn windows_that_cannot_be_are_told() {
    let told = |line| bus(machine([]), line).err().unwrap().to_string();
    assert_eq!(
        told("virtio_mmio.device=512@x:1"),
        "virtio_mmio.device=512@x:1: expected <size>@<address>:<interrupt>"
    );
    assert_eq!(
        told("virtio_mmio.device=512@0:1 virtio_mmio.device=4@0x1fc:1"),
        "virtio_mmio.device=4@0x1fc:1 overlaps an earlier one"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn no_function_is_too_strange(
        changes in prop::collection::vec((0x34..0x100_usize, any::<u8>()), 0..12),
        queues: u16,
        notify_offset: u16,
    ) {
        thread_local! {
            static BAR: Registers = Registers::new(BAR_BYTES);
        }
        let bar = BAR.with(|bar| *bar);
        bar.write(NUM_QUEUES, &queues.to_le_bytes());
        bar.write(QUEUE_NOTIFY_OFF, &notify_offset.to_le_bytes());
        let mut function = Function::virtio(0x1041, bar);
        for (at, byte) in changes {
            function.configuration[at] = byte;
        }
        // `FakeDma` sees to it that nothing outside of the BAR is touched.
        if let Ok(mut transport) = take(function) {
            (0..12).for_each(|queue| transport.notify(queue));
            transport.read_device_features();
            let _beyond = transport.read_config_space::<u32>(STRUCTURE_BYTES as usize - 4);
        }
    }
}
