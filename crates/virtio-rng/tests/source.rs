//! The source over devices that answer at once, late, in bits, wrongly, or not at all.

use std::{cell::RefCell, rc::Rc, time::Duration};

use iface_clock::Clock;
use iface_entropy::{Entropy, EntropyError};
use iface_events::{Events, Handler, Source, SubscribeError, fake::FakeEvents};
use iface_virtio_bus::{DeviceType, TakeError};
use proptest::prelude::*;
use virtio_drivers::transport::{DeviceStatus, InterruptStatus};
use virtio_fake::{DeviceQueue, FakeBus, FakeTransport, Memory, Registers};
use virtio_ring::VERSION_1;
use virtio_rng::{Config, InitError, Needs, init};

/// What a device says to a request for that many bytes: how many it wrote.
type Answer = Box<dyn FnMut(u32) -> u32>;

/// Events between which the device runs: it answers when the image waits.
struct World {
    events: &'static FakeEvents,
    registers: Rc<RefCell<Registers>>,
    queue: RefCell<DeviceQueue>,
    answer: RefCell<Option<Answer>>,
    /// The next random byte: they count up.
    next: RefCell<u8>,
    requests: RefCell<Vec<u32>>,
}

#[derive(Clone, Copy)]
struct WorldEvents(&'static World);

impl Events for WorldEvents {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        self.0.events.subscribe(source, handler)
    }

    fn poll(&self) -> bool {
        self.0.events.poll()
    }

    fn wait(&self, deadline: Option<iface_clock::Instant>) {
        self.0.run_device();
        self.0.events.wait(deadline);
    }
}

impl World {
    fn run_device(&self) {
        let mut answer = self.answer.borrow_mut();
        let Some(answer) = answer.as_mut() else { return };
        let mut queue = self.queue.borrow_mut();
        while let Some(buffer) = queue.take_available() {
            assert_eq!(queue.available_flags(), 0, "interrupts are wanted");
            self.requests.borrow_mut().push(buffer.length);
            let length = answer(buffer.length);
            let bytes =
                (0..length.min(buffer.length)).map(|_| self.next.replace_with(|next| next.wrapping_add(1)));
            queue.write(&buffer, &bytes.collect::<Vec<_>>());
            queue.put_used(buffer.id.into(), length);
            self.registers.borrow_mut().interrupt = InterruptStatus::QUEUE_INTERRUPT;
            self.events.fire(FakeBus::SOURCE);
        }
    }
}

fn world() -> (&'static World, Registers) {
    let registers = Registers::new(DeviceType::EntropySource, VERSION_1, &[], 1);
    let shared = registers.clone().shared();
    let world = World {
        events: FakeEvents::new(Box::leak(Box::default())),
        queue: RefCell::new(DeviceQueue::new(&shared, 0)),
        registers: shared,
        answer: RefCell::new(None),
        next: RefCell::new(0),
        requests: RefCell::default(),
    };
    (Box::leak(Box::new(world)), registers)
}

fn start(world: &'static World) -> Result<impl Entropy, InitError> {
    let virtio_bus = FakeBus::with(FakeTransport(world.registers.clone()));
    let needs = Needs { clock: world.events.clock(), events: WorldEvents(world), virtio_bus };
    Ok(init(&Config {}, needs)?.entropy)
}

/// A source over a device that answers so.
fn source(answer: impl FnMut(u32) -> u32 + 'static) -> (&'static World, impl Entropy) {
    let (world, _) = world();
    *world.answer.borrow_mut() = Some(Box::new(answer));
    (world, start(world).unwrap())
}

#[test]
fn bytes_come_in_requests_of_what_is_missing() {
    let _memory = Memory::default();
    let (world, source) = source(|length| length);
    let mut bytes = [0xff; 300];
    source.fill(&mut bytes).unwrap();
    assert!(bytes.iter().enumerate().all(|(index, byte)| *byte == index as u8));
    assert_eq!(*world.requests.borrow(), [256, 44]);
    source.fill(&mut bytes[..1]).unwrap();
    assert_eq!((bytes[0], world.requests.borrow().last()), (44, Some(&1)));
    source.fill(&mut []).unwrap();
    assert_eq!(world.requests.borrow().len(), 3);
    assert!(world.registers.borrow().interrupt.is_empty(), "acknowledged");
    assert!(world.registers.borrow().status.contains(DeviceStatus::DRIVER_OK));
}

#[test]
fn a_device_that_never_answers_has_failed_after_a_second() {
    let _memory = Memory::default();
    let (world, source) = source(|length| length);
    *world.answer.borrow_mut() = None;
    assert_eq!(source.fill(&mut [0; 8]), Err(EntropyError::SourceFailed));
    assert_eq!(world.events.clock().now().as_nanos(), 1_000_000_000);
    // What it gives later is used.
    *world.answer.borrow_mut() = Some(Box::new(|length| length));
    let mut bytes = [0xff; 10];
    source.fill(&mut bytes).unwrap();
    assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(*world.requests.borrow(), [8, 2]);
}

#[test]
fn a_device_that_answers_with_nothing_has_failed_after_a_second() {
    let _memory = Memory::default();
    let (world, source) = source(|_| 0);
    let clock = world.events.clock();
    *world.answer.borrow_mut() = Some(Box::new(|_| {
        clock.advance(Duration::from_millis(10));
        0
    }));
    assert_eq!(source.fill(&mut [0; 8]), Err(EntropyError::SourceFailed));
    assert_eq!(world.requests.borrow().len(), 100);
}

#[test]
fn a_device_that_says_it_gave_too_much_has_failed() {
    let _memory = Memory::default();
    for (asked, length) in [(8, 9), (8, 256), (300, 257), (300, u32::MAX)] {
        let (_, source) = source(move |_| length);
        assert_eq!(source.fill(&mut vec![0; asked]), Err(EntropyError::SourceFailed));
    }
}

#[test]
fn a_handler_may_ask_while_another_waits() {
    let _memory = Memory::default();
    let (world, source) = source(|length| length);
    let inner = Rc::new(RefCell::new(None));
    let filled = Rc::clone(&inner);
    let ask_once = move || {
        if filled.borrow().is_none() {
            let mut bytes = [0xff; 4];
            source.fill(&mut bytes).unwrap();
            *filled.borrow_mut() = Some(bytes);
        }
    };
    world.events.subscribe(FakeBus::SOURCE, Box::new(ask_once)).unwrap();
    let mut outer = [0xff; 4];
    source.fill(&mut outer).unwrap();
    let mut all: Vec<u8> = outer.into_iter().chain(inner.borrow().unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 8, "no byte is handed out twice: {outer:?} {inner:?}");
}

#[test]
fn a_machine_without_one_says_how_to_have_one() {
    let (world, registers) = world();
    *world.registers.borrow_mut() = Registers { device_type: DeviceType::Block, ..registers };
    let error = start(world).err().unwrap();
    assert_eq!(error, InitError::Take(TakeError::Absent));
    assert!(error.to_string().contains("-device virtio-rng-pci"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn short_answers_are_put_together(
        lengths in prop::collection::vec(1..300_u32, 1..8),
        wanted in 0..2000_usize,
    ) {
        let _memory = Memory::default();
        let mut lengths = lengths.into_iter().cycle();
        let (_, source) = source(move |asked| lengths.next().unwrap().min(asked));
        let mut bytes = vec![0xff; wanted];
        source.fill(&mut bytes).unwrap();
        prop_assert!(bytes.iter().enumerate().all(|(index, byte)| *byte == index as u8));
    }
}
