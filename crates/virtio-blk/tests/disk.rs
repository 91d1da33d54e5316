//! The driver over an honest device, in any order and at any speed.

mod common;

use std::{cell::Cell, rc::Rc, time::Duration};

use common::{BLOCK_SIZE, FLUSH, READ_ONLY, SIZE_MAX, World, pattern};
use iface_block_device::{BlockDevice, BlockError, conformance, fake::Disk};
use iface_scheduler::Scheduler;
use iface_virtio_bus::TakeError;
use virtio_blk::InitError;
use virtio_drivers::transport::DeviceStatus;
use virtio_fake::Memory;
use virtio_ring::{EVENT_IDX, VERSION_1};

#[test]
fn it_is_as_a_disk_has_to_be() {
    for features in [FLUSH | BLOCK_SIZE | EVENT_IDX, BLOCK_SIZE, BLOCK_SIZE | EVENT_IDX, FLUSH | BLOCK_SIZE] {
        for block_size in [512, 4096] {
            let _memory = Memory::default();
            let world = World::new(Disk::new(block_size, pattern(1 << 20)), features);
            let (disk, _) = world.start().unwrap();
            conformance::readable(disk);
            conformance::writable(disk, 3, 300);
        }
    }
}

#[test]
fn it_is_so_over_a_legacy_device() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, pattern(1 << 20)));
    world.registers.borrow_mut().legacy = true;
    world.registers.borrow_mut().device_features &= !VERSION_1;
    let (disk, _) = world.start().unwrap();
    conformance::readable(disk);
    conformance::writable(disk, 3, 300);
}

#[test]
fn a_disk_that_cannot_be_written_is_not() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::read_only(512, pattern(1 << 18)));
    let (disk, _) = world.start().unwrap();
    conformance::readable(disk);
    conformance::read_only(disk);
    assert!(world.asked.borrow().iter().all(|(operation, _)| *operation != 1));
}

#[test]
fn a_long_call_has_all_requests_under_way_and_tells_the_device_once() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, pattern(1 << 18)));
    world.latency.set(Duration::from_millis(1));
    let (disk, _) = world.start().unwrap();
    let mut buffer = vec![0; 1 << 16];
    disk.read(8, &mut buffer).unwrap();
    assert!(buffer == world.disk.contents()[4096..][..1 << 16]);
    assert_eq!(*world.asked.borrow(), [(0, 1 << 14); 4]);
    assert_eq!((world.deepest.get(), world.queue.borrow().notifications()), (4, 1));
    world.asked.borrow_mut().clear();
    disk.write(0, &buffer[..4096]).unwrap();
    assert_eq!(*world.asked.borrow(), [(1, 4096)], "a page is one request");
    world.asked.borrow_mut().clear();
    disk.flush().unwrap();
    assert_eq!(*world.asked.borrow(), [(4, 0)]);
}

#[test]
fn threads_share_the_requests() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, pattern(1 << 20)));
    world.latency.set(Duration::from_millis(1));
    let (disk, scheduler) = world.start().unwrap();
    let left = Rc::new(Cell::new(9_u8));
    let waiter = scheduler.current();
    for number in 0..left.get() {
        let left = Rc::clone(&left);
        let body = Box::new(move || {
            let first = u64::from(number) * 200;
            for round in 0..20 {
                let bytes = vec![number ^ round; 90_000 / 512 * 512];
                disk.write(first, &bytes).unwrap();
                let mut found = vec![0; bytes.len()];
                disk.read(first, &mut found).unwrap();
                assert!(found == bytes, "thread {number}, round {round}");
                disk.flush().unwrap();
            }
            left.set(left.get() - 1);
            scheduler.unpark(waiter);
        });
        scheduler.spawn("test", body).unwrap();
    }
    while left.get() != 0 {
        scheduler.park(None);
    }
    assert_eq!(world.deepest.get(), 4);
}

#[test]
fn what_was_flushed_outlasts_the_power() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, vec![0; 4096]));
    let (disk, _) = world.start().unwrap();
    disk.write(0, &[1; 512]).unwrap();
    disk.flush().unwrap();
    disk.write(1, &[2; 512]).unwrap();
    world.disk.cut_power();
    assert_eq!(world.disk.contents()[511..513], [1, 0]);
}

#[test]
fn a_disk_without_a_cache_is_not_asked_to_flush() {
    let _memory = Memory::default();
    let world = World::new(Disk::new(512, vec![0; 4096]), 0);
    let (disk, _) = world.start().unwrap();
    disk.flush().unwrap();
    assert!(world.asked.borrow().is_empty());
}

#[test]
fn what_fails_fails_and_later_works_again() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, pattern(1 << 18)));
    let (disk, _) = world.start().unwrap();
    let mut buffer = vec![0; 1 << 18];
    for fault in [BlockError::Failed, BlockError::Unsupported] {
        world.disk.set_fault(Some(fault));
        assert_eq!(disk.read(0, &mut buffer), Err(BlockError::Failed));
        assert_eq!(disk.write(0, &buffer), Err(BlockError::Failed));
        assert_eq!(disk.flush(), Err(BlockError::Failed));
        world.disk.set_fault(None);
        assert_eq!(disk.read(0, &mut buffer), Ok(()));
        assert!(buffer == world.disk.contents());
    }
}

#[test]
fn requests_are_as_short_as_the_device_wants() {
    let _memory = Memory::default();
    let world = World::new(Disk::new(512, pattern(1 << 14)), SIZE_MAX);
    world.registers.borrow_mut().config[8..12].copy_from_slice(&3000_u32.to_le_bytes());
    let (disk, _) = world.start().unwrap();
    let mut buffer = vec![0; 4096];
    disk.read(0, &mut buffer).unwrap();
    assert!(buffer == world.disk.contents()[..4096]);
    assert_eq!(*world.asked.borrow(), [(0, 2560), (0, 1536)]);
}

#[test]
fn blocks_behind_the_last_whole_one_are_left_out() {
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(4096, pattern(1 << 14)));
    world.registers.borrow_mut().config[0] += 7;
    assert_eq!(world.start().unwrap().0.blocks(), 4);
}

#[test]
fn devices_that_cannot_be_used_are_told() {
    let _memory = Memory::default();
    let error = |change: &dyn Fn(&World)| {
        let world = World::new(Disk::new(512, pattern(1 << 14)), SIZE_MAX | BLOCK_SIZE);
        world.registers.borrow_mut().config[8..12].fill(0xff);
        change(world);
        world.start().err().map(|error| (error, error.to_string()))
    };
    let set = |world: &World, at: usize, value: u32| {
        world.registers.borrow_mut().config[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    assert_eq!(error(&|_| ()), None);
    for size in [0, 1, 256, 513, 8192, u32::MAX] {
        assert_eq!(error(&|world| set(world, 20, size)).unwrap().0, InitError::BlockSize(size));
    }
    assert_eq!(error(&|world| set(world, 8, 511)).unwrap().0, InitError::SegmentSize(511));
    let short = error(&|world| world.registers.borrow_mut().config.truncate(23));
    assert_eq!(short.unwrap().0, InitError::Configuration);
    let (taken, message) =
        error(&|world| world.registers.borrow_mut().device_type = iface_virtio_bus::DeviceType::Network)
            .unwrap();
    assert_eq!(taken, InitError::Take(TakeError::Absent));
    assert!(message.contains("--disk FILE"), "{message}");
    let (_, message) = error(&|world| world.registers.borrow_mut().queues[0].max_size = 8).unwrap();
    assert!(message.contains("libs.virtio-blk.queueSize"), "{message}");
}

#[test]
fn all_that_was_agreed_is_what_the_driver_knows() {
    let _memory = Memory::default();
    let world = World::new(Disk::new(512, pattern(1 << 14)), u64::MAX);
    world.registers.borrow_mut().config[8..12].fill(0xff);
    world.start().unwrap();
    let registers = world.registers.borrow();
    assert_eq!(registers.driver_features, VERSION_1 | EVENT_IDX | FLUSH | BLOCK_SIZE | READ_ONLY | SIZE_MAX);
    assert!(registers.status.contains(DeviceStatus::DRIVER_OK));
}
