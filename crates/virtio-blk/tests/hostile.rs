//! The driver against a device that does what it likes. `VIRTIO_BLK_CASES` and `VIRTIO_BLK_SEED` say how much of it and which.

mod common;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use common::{OKAY, Request, World, pattern};
use iface_block_device::{BlockDevice, BlockError, fake::Disk};
use virtio_fake::Memory;

/// Marsaglia's xorshift64.
struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.set(state);
        state
    }

    fn below(&self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A device without honour, and what it knows of its deeds.
struct Device {
    random: Random,
    /// Requests that it took and did not answer.
    owed: RefCell<Vec<Request>>,
    cases: Cell<u64>,
    /// Whether what was read or written since the last question may be wrong.
    lied: Cell<bool>,
    /// How often it gave an answer that can only be a failure.
    refused: Cell<u64>,
}

impl Device {
    fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            random: Random::new(seed),
            owed: RefCell::default(),
            cases: Cell::new(0),
            lied: Cell::new(false),
            refused: Cell::new(0),
        })
    }

    /// Takes what the driver asks, and does something.
    fn look(&self, world: &'static World) {
        world.take();
        self.owed.borrow_mut().extend(world.taken.take());
        // An index that is wrong overwrites answers that the driver did not take: it waits for these as for a device that
        // does not answer. So it comes first, and at most two elements each of the others fit the ring.
        if self.random.below(16) == 0 {
            self.cases.set(self.cases.get() + 1);
            self.jump(world);
        }
        for _ in 0..self.random.below(7) {
            if !self.owed.borrow().is_empty() {
                self.cases.set(self.cases.get() + 1);
                self.act(world);
            }
        }
        // The driver may want no interrupt, and gets one all the same.
        world.interrupt();
    }

    fn act(&self, world: &'static World) {
        match self.random.below(24) {
            0 => self.answer_what_was_not_asked(world),
            1 | 2 => self.litter(world),
            3 => self.write_into_what_it_was_given(world),
            4 => world.queue.borrow_mut().set_used_flags(self.random.next() as u16),
            5 => world.queue.borrow_mut().set_available_event(self.random.next() as u16),
            6 => self.answer_twice(world),
            7..11 => self.answer_wrongly(world),
            _ => world.perform(&self.pick()),
        }
    }

    /// One of the requests that are owed, in no order.
    fn pick(&self) -> Request {
        let mut owed = self.owed.borrow_mut();
        let at = self.random.below(owed.len() as u64) as usize;
        owed.swap_remove(at)
    }

    /// Any status or none, any length, of what was never done.
    fn answer_wrongly(&self, world: &'static World) {
        let request = self.pick();
        let status =
            [None, Some(OKAY), Some(1), Some(self.random.next() as u8)][self.random.below(4) as usize];
        let whole = request.length() as u32 + 1;
        let length =
            [0, 1, whole - 1, whole, u32::MAX, self.random.next() as u32][self.random.below(6) as usize];
        self.lied.set(true);
        // Where it writes none, that may be there which it wrote before.
        let told = status.unwrap_or_else(|| world.queue.borrow().read(&request.status)[0]);
        if told != OKAY || request.operation == 0 && length < whole {
            self.refused.set(self.refused.get() + 1);
        }
        world.put(&request, status, length);
    }

    /// A head that the driver did not give: beyond the ring, within a chain, or of a request that is free.
    fn answer_what_was_not_asked(&self, world: &'static World) {
        let owed = self.owed.borrow();
        let wrong = |head: &u32| owed.iter().all(|request| u32::from(request.head) != *head);
        let head =
            [self.random.below(17) as u32, self.random.next() as u32, 1 << 16][self.random.below(3) as usize];
        if wrong(&head) {
            world.queue.borrow_mut().put_used(head, self.random.next() as u32);
        }
    }

    fn answer_twice(&self, world: &'static World) {
        let request = self.pick();
        world.perform(&request);
        world.queue.borrow_mut().put_used(request.head.into(), self.random.next() as u32);
    }

    /// An index that cannot be. The device then goes on from there: the driver takes the last elements for answers.
    fn jump(&self, world: &'static World) {
        let mut queue = world.queue.borrow_mut();
        let places = queue.used_index();
        // What lies there answers nothing: whatever the driver makes of the jump, it learns nothing from it.
        (0..16).for_each(|place| queue.set_used_element(places.wrapping_add(place), 1 << 20, 0));
        // A little way back, and what is answered next would be where the driver was already.
        queue.set_used_index(places.wrapping_add(self.random.below(65_000) as u16));
    }

    /// Junk where no answer is yet.
    fn litter(&self, world: &'static World) {
        let mut queue = world.queue.borrow_mut();
        let place = queue.used_index().wrapping_add(self.random.below(4) as u16);
        queue.set_used_element(place, self.random.next() as u32, self.random.next() as u32);
    }

    /// Data and a status that change before they are answered for.
    fn write_into_what_it_was_given(&self, world: &'static World) {
        let owed = self.owed.borrow();
        let queue = world.queue.borrow();
        for request in owed.iter() {
            queue.write(&request.status, &[self.random.next() as u8]);
            if let Some(data) = request.data.filter(|data| data.writable) {
                queue.write(&data, &self.random.next().to_le_bytes());
            }
        }
    }
}

/// Asks something of the disk, and judges the answer. Says whether `expected` is what is on the disk now.
fn ask<D: BlockDevice>(disk: D, device: &Device, expected: &mut [u8], buffer: &mut [u8]) -> bool {
    let random = &device.random;
    let blocks = (expected.len() / 512) as u64;
    let most = if random.below(8) == 0 { 200 } else { 12 };
    let first = random.below(blocks);
    let count = 1 + random.below(most.min(blocks - first)) as usize;
    let range = first as usize * 512..(first as usize + count) * 512;
    let bytes = &mut buffer[..count * 512];
    device.lied.set(false);
    let refused = device.refused.get();
    let result = match random.below(5) {
        0 => disk.flush(),
        1 | 2 => {
            bytes.fill(random.next() as u8);
            let result = disk.write(first, bytes);
            expected[range].copy_from_slice(bytes);
            result
        }
        _ => {
            let result = disk.read(first, bytes);
            let is_right = *bytes == expected[range];
            assert!(result.is_err() || device.lied.get() || is_right, "an honest answer was changed");
            result
        }
    };
    let was_refused = device.refused.get() != refused;
    assert_eq!(result, if was_refused { Err(BlockError::Failed) } else { Ok(()) });
    !device.lied.get()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

#[test]
fn a_device_that_does_what_it_likes_is_a_disk_that_fails() {
    let (cases, seed) = (setting("VIRTIO_BLK_CASES", 1_000_000), setting("VIRTIO_BLK_SEED", 1));
    eprintln!("{cases} cases, VIRTIO_BLK_SEED={seed}");
    let _memory = Memory::default();
    let world = World::ordinary(Disk::new(512, pattern(1 << 17)));
    let device = Device::new(seed);
    let (disk, _) = world.start().unwrap();
    let acting = Rc::clone(&device);
    world.hostile.replace(Some(Rc::new(move |world| acting.look(world))));
    let mut buffer = vec![0; 1 << 17];
    while device.cases.get() < cases {
        // What a lie has left on the disk is taken from there.
        let mut expected = world.disk.contents();
        while ask(disk, &device, &mut expected, &mut buffer) && device.cases.get() < cases {}
    }
    // All ends well where the device does.
    world.hostile.take();
    assert_eq!(disk.read(0, &mut buffer), Ok(()));
    assert!(buffer == world.disk.contents());
    assert_eq!(world.deepest.get(), 4, "requests are lost");
    assert!(device.refused.get() > cases / 100, "the driver was lied to {} times", device.refused.get());
}
