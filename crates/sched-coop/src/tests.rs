//! The whole scheduler, on fakes.

extern crate std;

use alloc::{boxed::Box, format, rc::Rc, string::String, vec, vec::Vec};
use core::cell::{Cell, RefCell};

use host_threads::HostThreads;
use iface_clock::{Clock, fake::FakeClock};
use iface_scheduler::{Scheduler, SpawnError, ThreadId, WaitQueue, Wakeup};

use crate::{
    Config, Needs,
    fakes::{Script, Stacks, after},
    init,
};

const STACKS: usize = 8;

struct World<S> {
    scheduler: S,
    events: &'static Script,
    stacks: &'static Stacks,
    trace: Rc<RefCell<Vec<String>>>,
}

fn world() -> World<impl Scheduler> {
    let clock: &'static FakeClock = Box::leak(Box::default());
    let events = Script::new(clock, vec![]);
    let stacks = Stacks::new(STACKS);
    let needs = Needs { arch: HostThreads, clock, events, memory: stacks };
    let scheduler = init(&Config { stack_kib: 8 }, needs).unwrap().scheduler;
    World { scheduler, events, stacks, trace: Rc::default() }
}

impl<S: Scheduler> World<S> {
    /// Starts a thread whose body gets the scheduler and a way to note a step.
    fn spawn(&self, name: &'static str, body: impl FnOnce(S, &dyn Fn(&str)) + 'static) -> ThreadId {
        let (scheduler, trace) = (self.scheduler, Rc::clone(&self.trace));
        let note = move |step: &str| trace.borrow_mut().push(format!("{name} {step}"));
        self.scheduler.spawn(name, Box::new(move || body(scheduler, &note))).unwrap()
    }

    fn assert_trace(&self, expected: &[&str]) {
        assert_eq!(*self.trace.borrow(), expected);
    }

    fn now(&self) -> u64 {
        self.events.clock.now().as_nanos()
    }
}

#[test]
fn the_first_thread_is_number_zero() {
    assert_eq!(world().scheduler.current(), ThreadId(0));
}

#[test]
fn threads_take_turns_in_order() {
    let world = world();
    for name in ["a", "b", "c"] {
        world.spawn(name, |scheduler, note| {
            note("1");
            scheduler.yield_now();
            note("2");
        });
    }
    world.scheduler.yield_now();
    world.assert_trace(&["a 1", "b 1", "c 1"]);
    world.scheduler.yield_now();
    assert_eq!(world.trace.borrow()[3..], ["a 2", "b 2", "c 2"]);
}

#[test]
fn stacks_come_back_and_ids_do_not() {
    let world = world();
    let mut ids = vec![world.scheduler.current()];
    for _ in 0..100 {
        ids.push(world.spawn("short", |_, _| {}));
        world.scheduler.yield_now();
        assert_eq!(world.stacks.free.get(), STACKS);
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn no_stack_no_thread() {
    let world = world();
    let dropped = Rc::new(());
    for _ in 0..STACKS {
        world.spawn("one", |_, _| {});
    }
    let kept = Rc::clone(&dropped);
    let refused = world.scheduler.spawn("one too many", Box::new(move || drop(kept)));
    assert_eq!(refused, Err(SpawnError::OutOfMemory));
    assert_eq!(Rc::strong_count(&dropped), 1);
    world.scheduler.yield_now();
    assert!(world.scheduler.spawn("again", Box::new(|| {})).is_ok());
}

#[test]
fn an_unpark_before_the_park_is_not_lost() {
    let world = world();
    let main = world.scheduler.current();
    world.spawn("waker", move |scheduler, note| {
        scheduler.unpark(main);
        note("woke main");
    });
    world.scheduler.yield_now();
    assert_eq!(world.scheduler.park(None), Wakeup::Unparked);
    assert_eq!(world.scheduler.park(Some(after(50))), Wakeup::TimedOut, "two parks for one unpark");
    world.assert_trace(&["waker woke main"]);
}

#[test]
fn idle_waits_until_the_deadline_and_no_longer() {
    let world = world();
    assert_eq!(world.scheduler.park(Some(after(1000))), Wakeup::TimedOut);
    assert_eq!((world.now(), world.events.waits.get()), (1000, 1));
    world.scheduler.sleep_until(after(3000));
    assert_eq!((world.now(), world.events.waits.get()), (3000, 2));
    world.scheduler.sleep_until(after(10));
    assert_eq!((world.now(), world.events.waits.get()), (3000, 2), "waited for a deadline in the past");
}

#[test]
fn an_event_wakes_a_parked_thread() {
    let world = world();
    let (scheduler, main) = (world.scheduler, world.scheduler.current());
    world.events.expect(after(70), Box::new(move || scheduler.unpark(main)));
    assert_eq!(world.scheduler.park(Some(after(100))), Wakeup::Unparked);
    assert_eq!(world.now(), 70);
}

#[test]
fn sleep_is_not_cut_short() {
    let world = world();
    let (scheduler, main) = (world.scheduler, world.scheduler.current());
    world.events.expect(after(10), Box::new(move || scheduler.unpark(main)));
    world.scheduler.sleep_until(after(100));
    assert_eq!(world.now(), 100);
    assert_eq!(world.scheduler.park(None), Wakeup::Unparked, "the unpark during the sleep was lost");
}

#[test]
fn sleepers_wake_by_deadline() {
    let world = world();
    for (name, deadline) in [("late", 30), ("early", 10), ("same", 30)] {
        world.spawn(name, move |scheduler, note| {
            scheduler.sleep_until(after(deadline));
            note("awake");
        });
    }
    world.scheduler.sleep_until(after(40));
    world.assert_trace(&["early awake", "late awake", "same awake"]);
}

#[test]
fn busy_threads_do_not_keep_events_away() {
    let world = world();
    let stop = Rc::new(Cell::new(false));
    let (fired, main) = (Rc::clone(&stop), world.scheduler.current());
    let other = world.spawn("other", move |scheduler, _| {
        loop {
            scheduler.unpark(main);
            scheduler.park(None);
        }
    });
    world.scheduler.yield_now();
    world.events.expect(after(0), Box::new(move || fired.set(true)));
    let turns = (0..10).take_while(|_| {
        world.scheduler.unpark(other);
        world.scheduler.park(None);
        !stop.get()
    });
    assert!(turns.count() < 3, "the event waits while two threads wake each other");
}

#[test]
fn polling_is_once_a_round() {
    let world = world();
    for _ in 0..STACKS {
        world.spawn("yields", |scheduler, _| {
            let own = scheduler.current();
            for _ in 0..4 {
                scheduler.unpark(own);
                scheduler.park(None);
            }
            scheduler.park(Some(after(1)));
        });
    }
    world.events.polls.set(0);
    world.scheduler.sleep_until(after(2));
    let polls = world.events.polls.get();
    assert!(polls <= 6, "{polls} polls in about two rounds of {STACKS} threads");
}

#[test]
fn unparking_the_dead_is_nothing() {
    let world = world();
    let dead = world.spawn("short", |_, _| {});
    world.scheduler.yield_now();
    world.scheduler.unpark(dead);
    let heir = world.spawn("heir", |scheduler, note| note(&format!("{:?}", scheduler.park(Some(after(5))))));
    assert_ne!(dead, heir);
    world.scheduler.yield_now();
    world.scheduler.unpark(dead);
    world.scheduler.sleep_until(after(10));
    world.assert_trace(&["heir TimedOut"]);
}

#[test]
fn a_thread_ends_while_nobody_is_ready() {
    let world = world();
    world.spawn("last", |_, note| note("ends"));
    world.scheduler.sleep_until(after(10));
    world.assert_trace(&["last ends"]);
    assert_eq!(world.stacks.free.get(), STACKS);
}

#[test]
fn wait_queue_loses_nobody() {
    let world = world();
    let items = Rc::new(RefCell::new(Vec::new()));
    let queue = Rc::new(WaitQueue::new());
    for name in ["a", "b", "c"] {
        let (items, queue) = (Rc::clone(&items), Rc::clone(&queue));
        world.spawn(name, move |scheduler, note| {
            let item: Option<u32> = queue.wait_for(scheduler, None, || items.borrow_mut().pop());
            note(&format!("{item:?}"));
        });
    }
    world.scheduler.yield_now();
    for item in 0..3 {
        items.borrow_mut().push(item);
        queue.wake_one(world.scheduler);
        world.scheduler.yield_now();
    }
    world.assert_trace(&["a Some(0)", "b Some(1)", "c Some(2)"]);
    let nothing = queue.wait_for(world.scheduler, Some(after(9)), || None::<()>);
    assert_eq!((nothing, world.now()), (None, 9));
}

#[test]
fn a_thread_on_a_stack_of_its_callers_leaves_it_there() {
    let world = world();
    let stack = Box::leak(Box::new([core::mem::MaybeUninit::uninit(); 4096]));
    let (scheduler, trace) = (world.scheduler, Rc::clone(&world.trace));
    let body = Box::new(move || {
        trace.borrow_mut().push("runs".into());
        drop(trace);
        scheduler.exit();
    });
    world.scheduler.spawn_on("guest", stack, body).unwrap();
    assert_eq!(world.stacks.free.get(), STACKS);
    world.scheduler.yield_now();
    world.assert_trace(&["runs"]);
    assert_eq!(world.stacks.free.get(), STACKS);
}

#[test]
fn a_threads_own_value_is_in_place_while_it_runs() {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static PLACE: AtomicUsize = AtomicUsize::new(0);
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    fn apply(value: usize) {
        PLACE.store(value, Relaxed);
        CALLS.fetch_add(1, Relaxed);
    }
    let world = world();
    for (name, value) in [("a", 7), ("b", 8)] {
        world.spawn(name, move |scheduler, note| {
            scheduler.set_own(value, apply);
            for _ in 0..2 {
                scheduler.yield_now();
                note(&format!("has {}", PLACE.load(Relaxed)));
            }
        });
    }
    // One without a value of its own.
    world.spawn("c", |scheduler, _| scheduler.yield_now());
    for _ in 0..4 {
        world.scheduler.yield_now();
    }
    world.assert_trace(&["a has 7", "b has 8", "a has 7", "b has 8"]);
    assert_eq!(CALLS.load(Relaxed), 6, "two when they are set, and one for each turn after");
}
