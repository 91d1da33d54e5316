//! A lock of iface-scheduler under the scheduler of images.

use std::cell::Cell;
use std::rc::Rc;

use host_threads::{HostStacks, HostThreads};
use iface_clock::Clock;
use iface_events::fake::FakeEvents;
use iface_scheduler::{Duration, Lock, Scheduler};

#[test]
fn threads_come_one_at_a_time_in_their_order() {
    const THREADS: usize = 5;
    let events = FakeEvents::new(Box::leak(Box::default()));
    let clock = events.clock();
    let needs = sched_coop::Needs { arch: HostThreads, clock, events, memory: HostStacks };
    let Ok(provided) = sched_coop::init(&sched_coop::Config { stack_kib: 64 }, needs);
    let scheduler = provided.scheduler;
    let lock = Rc::new(Lock::new(scheduler, Vec::new()));
    let inside = Rc::new(Cell::new(0));
    let work = move |lock: &Lock<_, Vec<usize>>, number| {
        lock.with(|order| {
            inside.set(inside.get() + 1);
            // While it waits, the others run.
            scheduler.sleep_until(clock.now() + Duration::from_millis(1));
            assert_eq!(inside.get(), 1, "two are at it");
            inside.set(inside.get() - 1);
            order.push(number);
        });
    };
    for number in 0..THREADS {
        let (lock, work) = (Rc::clone(&lock), work.clone());
        scheduler.spawn("worker", Box::new(move || work(&lock, number))).expect("a thread");
    }
    while Rc::strong_count(&lock) > 1 {
        scheduler.sleep_until(clock.now() + Duration::from_millis(1));
    }
    work(&lock, THREADS);
    assert!(lock.with(|order| order.iter().copied().eq(0..=THREADS)));
}
