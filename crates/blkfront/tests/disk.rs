//! The driver over a backend that does what it is asked, and one that goes and comes.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use blkfront::{Config, ConnectError, InitError};
use common::{BACK, FRONT, World, config, pattern, together};
use iface_block_device::{BlockDevice, BlockError, conformance, fake::Disk};
use iface_scheduler::Scheduler;
use iface_xenstore::{StoreError, Xenstore};
use xenbus::State;

/// A host with a disk of `kib` KiB.
fn world(kib: usize) -> &'static World {
    World::new(Disk::new(512, pattern(kib * 1024)))
}

fn refusal(world: &'static World, config: Config) -> String {
    world.start(config).err().expect("no disk").to_string()
}

#[test]
fn it_is_as_a_disk_has_to_be() {
    for (block_size, indirect, buffer_kib) in
        [(512, 0, 512), (512, 256, 512), (4096, 32, 512), (1024, 256, 4), (512, 4096, 8192)]
    {
        let world = World::new(Disk::new(block_size, pattern(2 << 20)));
        world.back("feature-max-indirect-segments", &indirect.to_string());
        let (disk, _) = world.start(Config { buffer_kib, ..config() }).unwrap();
        conformance::readable(disk);
        conformance::writable(disk, 3, 100);
        assert!(world.grants.count() <= usize::from(buffer_kib) / 4 + 1, "pages for data, and the ring");
    }
}

#[test]
fn a_read_only_disk_refuses_writes_before_it_asks() {
    let world = World::new(Disk::read_only(512, pattern(100 * 1024)));
    let (disk, _) = world.start(config()).unwrap();
    conformance::readable(disk);
    conformance::read_only(disk);
}

#[test]
fn requests_are_as_long_as_the_backend_takes_them() {
    const MIB: usize = 1 << 20;
    for (indirect, longest, requests) in
        [(None, 11 * 4096, 24), (Some(32), 32 * 4096, 9), (Some(256), 63 * 4096, 5), (Some(8), 11 * 4096, 24)]
    {
        let world = world(1024);
        if let Some(segments) = indirect {
            world.back("feature-max-indirect-segments", &format!("{segments}"));
        }
        let (disk, _) = world.start(config()).unwrap();
        let mut whole = vec![0; MIB];
        disk.read(0, &mut whole).unwrap();
        assert!(whole == pattern(MIB));
        let asked = world.asked.take();
        assert_eq!((asked.iter().max(), asked.iter().sum()), (Some(&longest), MIB), "{indirect:?}");
        assert_eq!(asked.len(), requests, "{indirect:?}");
        disk.read(5, &mut whole[..512]).unwrap();
        assert_eq!(world.asked.take(), [512]);
    }
}

#[test]
fn pages_are_granted_once() {
    let world = world(1024);
    let (disk, _) = world.start(config()).unwrap();
    assert_eq!(world.grants.count(), 2, "the ring, and a page for data");
    let mut buffer = vec![0; 40 * 1024];
    disk.read(0, &mut buffer).unwrap();
    let first = world.grants.count();
    assert_eq!(first, 11);
    for _ in 0..100 {
        disk.read(7, &mut buffer).unwrap();
        disk.write(100, &buffer).unwrap();
    }
    assert_eq!(world.grants.count(), first);
}

#[test]
fn a_flush_is_what_the_backend_offers() {
    for (features, expected) in [
        (&["feature-flush-cache"][..], Some(3)),
        (&["feature-barrier"], Some(2)),
        (&["feature-flush-cache", "feature-barrier"], Some(3)),
        (&[], None),
    ] {
        let world = world(64);
        world.back("feature-flush-cache", "0");
        features.iter().for_each(|feature| world.back(feature, "1"));
        let (disk, _) = world.start(config()).unwrap();
        disk.write(3, &[9; 512]).unwrap();
        assert_eq!(world.asked.take(), [512]);
        assert_eq!(disk.flush(), Ok(()));
        assert_eq!(world.asked.take(), if expected.is_some() { &[0][..] } else { &[] });
        world.disk.cut_power();
        assert_eq!(world.disk.contents()[3 * 512] == 9, expected.is_some());
    }
}

#[test]
fn a_backend_that_cannot_flush_is_asked_once() {
    let world = world(64);
    let (disk, _) = world.start(config()).unwrap();
    world.disk.set_fault(Some(BlockError::Unsupported));
    assert_eq!((disk.flush(), world.asked.take().len()), (Ok(()), 1));
    assert_eq!((disk.flush(), world.asked.take().len()), (Ok(()), 0));
}

#[test]
fn what_the_disk_fails_at_is_told_and_no_more() {
    let world = world(1024);
    let (disk, _) = world.start(config()).unwrap();
    world.disk.set_fault(Some(BlockError::Failed));
    let mut buffer = vec![0; 1 << 20];
    assert_eq!(disk.read(0, &mut buffer), Err(BlockError::Failed));
    assert_eq!(disk.write(0, &buffer), Err(BlockError::Failed));
    assert_eq!(disk.flush(), Err(BlockError::Failed));
    world.disk.set_fault(None);
    assert_eq!(disk.read(0, &mut buffer), Ok(()));
    assert!(buffer == pattern(1 << 20));
    assert_eq!(world.front_state(), State::Connected);
}

#[test]
fn many_threads_have_requests_under_way_at_once() {
    let world = world(1024);
    world.manners.latency.set(std::time::Duration::from_millis(5));
    let (disk, scheduler) = world.start(config()).unwrap();
    together(scheduler, 16, move |number| {
        let first = number as u64 * 128;
        for round in 0..20 {
            let bytes = vec![(number * 20 + round) as u8; 128 * 512];
            disk.write(first, &bytes).unwrap();
            let mut found = vec![0; 100 * 512];
            disk.read(first + 9, &mut found).unwrap();
            assert!(found == bytes[..found.len()], "thread {number}, round {round}");
        }
    });
    assert!(world.deepest.get() >= 16, "{} at once", world.deepest.get());
    // One by one 16 threads with 20 writes and reads of two requests each would take 3200 ms at least.
    assert!(world.ms() < 1000, "{} ms", world.ms());
}

#[test]
fn one_page_is_enough_for_many_threads() {
    let world = world(1024);
    let (disk, scheduler) = world.start(Config { buffer_kib: 4, ..config() }).unwrap();
    together(scheduler, 8, move |number| {
        let mut found = vec![0; 20 * 512];
        disk.read(number as u64 * 20, &mut found).unwrap();
        assert!(found == pattern(1 << 20)[number * 20 * 512..][..20 * 512]);
        disk.write(number as u64 * 20, &found).unwrap();
    });
    assert_eq!(world.grants.count(), 2);
}

#[test]
fn a_full_grant_table_slows_down_alone() {
    let world = world(1024);
    world.grants.set_limit(5);
    let (disk, _) = world.start(config()).unwrap();
    conformance::writable(disk, 11, 50);
    world.grants.set_limit(0);
    conformance::readable(disk);
}

#[test]
fn a_restart_of_the_backend_in_the_middle_is_not_seen() {
    let world = world(1024);
    world.back("feature-max-indirect-segments", "32");
    world.manners.latency.set(std::time::Duration::from_millis(1));
    let (disk, scheduler) = world.start(config()).unwrap();
    for at in [3, 40, 41, 90, 200] {
        // It closes with requests under way, and offers itself again some time later.
        world.after(at, |world| {
            world.manners.holds.set(true);
            world.back("state", "5");
        });
        world.after(at + 20, |world| {
            world.manners.holds.set(false);
            world.disconnect();
            world.describe();
            world.back("state", "2");
        });
    }
    together(scheduler, 6, move |number| {
        let first = number as u64 * 340;
        for round in 0..40 {
            let bytes: Vec<u8> =
                (0..340 * 512).map(|index| (index / 512 + number + round * 3) as u8).collect();
            disk.write(first, &bytes).unwrap();
            assert_eq!(disk.flush(), Ok(()));
            let mut found = vec![0; bytes.len()];
            disk.read(first, &mut found).unwrap();
            assert!(found == bytes, "thread {number}, round {round}");
        }
    });
    assert!(world.ms() > 220, "{} ms", world.ms());
    // The ring and what the last connection used: nothing is left from those before.
    assert!(world.grants.count() <= 129, "{} grants", world.grants.count());
    assert_eq!(world.channels.ports().len(), 1);
}

#[test]
fn requests_wait_for_a_backend_and_fail_when_it_takes_too_long() {
    let world = world(64);
    world.manners.holds.set(true);
    let (disk, scheduler) = world.start(Config { patience_seconds: 2, ..config() }).unwrap();
    world.after(100, |world| {
        world.manners.holds.set(false);
        world.back("online", "0");
        world.back("state", "5");
    });
    together(scheduler, 3, move |number| {
        let result = match number {
            0 => disk.read(0, &mut [0; 512]),
            1 => disk.write(0, &[0; 512]),
            _ => disk.flush(),
        };
        assert_eq!(result, Err(BlockError::Gone), "thread {number}");
    });
    assert_eq!(world.ms(), 2100);
    assert_eq!(world.grants.count(), 0, "everything was taken back");
    assert_eq!(disk.read(0, &mut [0; 512]), Err(BlockError::Gone));
    assert_eq!(world.ms(), 2100, "whoever comes later does not wait");
    world.attach();
    scheduler
        .sleep_until(iface_clock::Clock::now(&world.events.clock()) + std::time::Duration::from_millis(100));
    let mut block = [0; 512];
    assert_eq!(disk.read(1, &mut block), Ok(()));
    assert!(block == pattern(1024)[512..]);
}

#[test]
fn a_backend_whose_state_cannot_be_read_is_waited_for_as_one_that_is_away() {
    let world = world(64);
    let (disk, scheduler) = world.start(Config { patience_seconds: 2, ..config() }).unwrap();
    world.store.deny(&format!("{BACK}/state"));
    world.back("state", "4");
    scheduler.yield_now();
    assert_eq!(disk.read(0, &mut [0; 512]), Err(BlockError::Gone));
    assert_eq!(world.ms(), 2000);
}

#[test]
fn another_disk_does_not_take_the_place_of_the_one_that_went() {
    for (key, value) in [("sectors", "127"), ("sector-size", "4096"), ("info", "4"), ("sectors", "x")] {
        let world = world(64);
        let (disk, scheduler) = world.start(Config { patience_seconds: 1, ..config() }).unwrap();
        world.back("state", "5");
        world.back(key, value);
        scheduler.sleep_until(
            iface_clock::Clock::now(&world.events.clock()) + std::time::Duration::from_millis(100),
        );
        world.back("state", "2");
        assert_eq!(disk.read(0, &mut [0; 512]), Err(BlockError::Gone), "{key} = {value}");
        let told = world.store.get("error/device/vbd/51712/error").expect("a message for the host");
        assert!(told.contains("not of the size") || told.contains("where a number"), "{told}");
        world.describe();
        scheduler
            .sleep_until(iface_clock::Clock::now(&world.events.clock()) + std::time::Duration::from_secs(20));
        assert_eq!(disk.read(0, &mut [0; 512]), Ok(()), "{key} = {value}");
    }
}

#[test]
fn a_backend_that_never_lets_go_is_left() {
    let world = world(64);
    let (disk, scheduler) = world.start(Config { patience_seconds: 1, ..config() }).unwrap();
    disk.read(0, &mut [0; 4096]).unwrap();
    world.manners.follows.set(false);
    world.manners.holds.set(true);
    let held = world.grants.count();
    // A response for a request that nobody made.
    {
        let mut connection = world.connection.borrow_mut();
        let connection = connection.as_mut().unwrap();
        connection.ring.set_response_index(2);
        world.channels.notify(connection.port);
    }
    assert_eq!(disk.read(0, &mut [0; 512]), Err(BlockError::Gone));
    scheduler
        .sleep_until(iface_clock::Clock::now(&world.events.clock()) + std::time::Duration::from_secs(30));
    assert_eq!(world.front_state(), State::Closed);
    let told = world.store.get("error/device/vbd/51712/error").expect("a message for the host");
    assert!(told.contains("broke the protocol") || told.contains("did not let go"), "{told}");
    assert_eq!(world.grants.count(), held, "what the backend has mapped is not taken from it");
    world.disconnect();
    world.manners.follows.set(true);
    world.manners.holds.set(false);
    world.back("state", "6");
    scheduler
        .sleep_until(iface_clock::Clock::now(&world.events.clock()) + std::time::Duration::from_secs(30));
    assert_eq!(disk.read(0, &mut [0; 512]), Ok(()));
    assert!(world.grants.count() <= 3, "{} grants", world.grants.count());
}

#[test]
fn a_store_that_breaks_takes_the_disk_along() {
    let world = world(64);
    let (disk, scheduler) = world.start(config()).unwrap();
    world.manners.holds.set(true);
    world.after(100, |world| world.store.break_down());
    together(scheduler, 2, move |_| assert_eq!(disk.read(0, &mut [0; 512]), Err(BlockError::Gone)));
    assert_eq!(world.ms(), 100, "nobody waits for a disk that will not come back");
}

#[test]
fn backends_that_keep_what_they_had_do_not_take_all_memory() {
    let world = world(64);
    let config = Config { patience_seconds: 1, buffer_kib: 64, ..config() };
    let (disk, scheduler) = world.start(config).unwrap();
    let wait = |seconds| {
        let now = iface_clock::Clock::now(&world.events.clock());
        scheduler.sleep_until(now + std::time::Duration::from_secs(seconds));
    };
    // What backends had mapped when they went or the driver did, which they never unmap.
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keeping = Rc::clone(&kept);
    let keep = move |_: &str| {
        if world.front_state() == State::Closing {
            keeping.borrow_mut().extend(world.connection.take());
        }
    };
    Xenstore::watch(&world.store, &format!("{FRONT}/state"), Box::new(keep)).unwrap();
    for round in 0..20 {
        let _ = disk.read(0, &mut [0; 4 * 4096]);
        // Every other time it is another disk, and the connection does not come about.
        world.back("sectors", if round % 2 == 0 { "127" } else { "128" });
        kept.borrow_mut().extend(world.connection.take());
        world.back("state", "5");
        wait(1);
        if world.front_state() == State::Closed {
            world.back("state", "6");
        }
        wait(19);
    }
    // Those of one connection more than there may be.
    assert!(world.grants.count() <= 2 * 17, "{} grants", world.grants.count());
    let told = world.store.get("error/device/vbd/51712/error").expect("a message for the host");
    assert!(told.contains("pages still"), "{told}");
    kept.take();
    world.describe();
    wait(20);
    assert_eq!(disk.read(0, &mut [0; 512]), Ok(()));
    assert!(world.grants.count() <= 2, "{} grants", world.grants.count());
}

#[test]
fn the_disk_is_the_one_that_is_named() {
    let world = world(64);
    world.store.set(&format!("{FRONT}/device-type"), "cdrom");
    assert!(refusal(world, config()).contains("disk = ["), "the only one is no disk");
    for name in ["xvda", "51712"] {
        world.start(Config { device: Some(name), ..config() }).unwrap();
    }
    let error = refusal(world, Config { device: Some("xvdb"), ..config() });
    assert!(error.contains("no disk xvdb, but 51712") && error.contains(",raw,xvdb,"), "{error}");
    assert!(refusal(world, Config { device: Some("floppy"), ..config() }).contains("no name of a disk"));
    world.store.delete("device");
    assert_eq!(world.start(config()).err(), Some(InitError::NoDisk));
}

#[test]
fn what_the_backend_says_is_checked() {
    for (key, value) in [
        ("sector-size", "0"),
        ("sector-size", "513"),
        ("sector-size", "8192"),
        ("sector-size", "1536"),
        ("sector-size", "x"),
        ("physical-sector-size", "256"),
        ("physical-sector-size", "768"),
        ("sectors", "36028797018963968"),
        ("sectors", "-1"),
        ("sectors", ""),
        ("info", "4294967296"),
        ("feature-flush-cache", "yes"),
        ("feature-max-indirect-segments", "many"),
    ] {
        let world = world(64);
        world.back(key, value);
        let error = refusal(world, config());
        assert!(error.contains(&format!("{BACK}/{key} is `{value}`")), "{error}");
        assert_eq!(world.grants.count(), 0, "{key}");
        assert_eq!(world.channels.ports(), []);
    }
    for key in ["sector-size", "sectors"] {
        let world = world(64);
        world.store.delete(&format!("{BACK}/{key}"));
        assert!(refusal(world, config()).contains(key));
    }
}

#[test]
fn what_is_not_there_is_told() {
    let world = world(64);
    world.grants.set_limit(1);
    let error = world.start(config()).err();
    assert!(matches!(error, Some(InitError::Connect(ConnectError::Page(_)))), "{error:?}");
    assert_eq!((world.grants.count(), world.channels.ports()), (0, vec![]));
    world.channels.set_limit(0);
    assert!(matches!(world.start(config()).err(), Some(InitError::Connect(ConnectError::Channel(_)))));
    world.store.deny("device");
    let error = world.start(config()).err();
    let denied = StoreError::Denied;
    assert!(
        matches!(&error, Some(InitError::Connect(ConnectError::Bus(xenbus::Error::Store { error, .. }))) if *error == denied),
        "{error:?}"
    );
}
