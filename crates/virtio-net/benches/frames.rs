//! What a frame costs the driver. Under `valgrind --tool=callgrind --toggle-collect=frames::receive` (or `frames::send`)
//! the count is that function's alone; without it, the time of driver and fake device together is printed.

use std::{hint::black_box, time::Instant};

use iface_allocator::Usage;
use iface_allocator::fake::FakeAllocator;
use iface_net_device::NetDevice;
use virtio_drivers::transport::DeviceType;
use virtio_fake::{DeviceQueue, FakeBus, FakeTransport, Memory, Registers};
use virtio_net::{Config, Needs, init};

static CONFIG: Config<128> = Config { receive_buffer_size: 1536 };
static ALLOCATOR: FakeAllocator = FakeAllocator(Usage { total: 64 << 20, used: 0 });
/// `VIRTIO_F_VERSION_1`, `EVENT_IDX`, `VIRTIO_NET_F_MAC`, `CSUM`, `GUEST_CSUM`.
const FEATURES: u64 = 1 << 32 | 1 << 29 | 1 << 5 | 1 << 1 | 1 << 0;
const ROUNDS: u32 = 1000;
/// Frames in a batch.
const BATCH: u32 = 30;
/// Bytes of a frame: Ethernet, IPv4 and TCP headers, and a segment.
const LENGTH: usize = 54 + 800;

/// Receives a batch and gives it back, as the owner of a card does after an interrupt.
#[inline(never)]
fn receive(card: &mut impl NetDevice) -> u32 {
    let mut frames = 0;
    card.acknowledge();
    card.disarm();
    while let Some(frame) = card.receive() {
        black_box(frame.as_ref());
        card.recycle(frame);
        frames += 1;
    }
    card.arm();
    frames
}

/// Sends a batch of TCP segments.
#[inline(never)]
fn send(card: &mut impl NetDevice) {
    for _ in 0..BATCH {
        let write_header = |bytes: &mut [u8]| {
            bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
            bytes[16..18].copy_from_slice(&(LENGTH as u16 - 14).to_be_bytes());
            bytes[20..24].copy_from_slice(&[0, 0, 64, 6]);
        };
        card.transmit(LENGTH, write_header).expect("room for a batch");
    }
    card.flush();
}

fn main() {
    let _memory = Memory::default();
    let registers = Registers::new(DeviceType::Network, FEATURES, &[2; 12], 2).shared();
    let needs = Needs { allocator: &ALLOCATOR, virtio_bus: FakeBus::with(FakeTransport(registers.clone())) };
    let mut card = init(&CONFIG, needs).expect("a card").net_device;
    let (mut incoming, mut outgoing) = (DeviceQueue::new(&registers, 0), DeviceQueue::new(&registers, 1));
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for _ in 0..BATCH {
            let buffer = incoming.take_available().expect("a receive buffer");
            // `DATA_VALID`: the device answers for the checksum.
            incoming.write(&buffer, &[2]);
            incoming.put_used(buffer.id.into(), 12 + LENGTH as u32);
        }
        assert_eq!(receive(&mut card), BATCH);
        send(&mut card);
        while let Some(buffer) = outgoing.take_available() {
            outgoing.put_used(buffer.id.into(), 0);
        }
    }
    println!("{} frames each way in {:?}", ROUNDS * BATCH, began.elapsed());
}
