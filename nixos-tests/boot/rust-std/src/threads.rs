//! Threads, and what they wait for.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

thread_local! {
    static OWN: Cell<u32> = const { Cell::new(1) };
    static DROPPED: Noisy = const { Noisy };
}

static DROPS: AtomicUsize = AtomicUsize::new(0);
static LAZY: LazyLock<String> = LazyLock::new(|| "made once".to_owned());

/// Counts that it is dropped.
struct Noisy;

impl Drop for Noisy {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn run() {
    counting();
    sleeping();
    channels();
    condition();
    timeouts();
    locals();
    parking();
}

fn counting() {
    let counter = Mutex::new(0);
    let table = RwLock::new(Vec::new());
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for number in 0..4 {
            let (counter, table, barrier) = (&counter, &table, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for _ in 0..1000 {
                    *counter.lock().unwrap() += 1;
                    thread::yield_now();
                }
                table.write().unwrap().push(number);
            });
        }
    });
    println!("counted: {}, by {}", counter.into_inner().unwrap(), table.read().unwrap().len());
}

fn sleeping() {
    let (sender, receiver) = mpsc::channel();
    let begun = Instant::now();
    for milliseconds in [90, 30, 60] {
        let sender = sender.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(milliseconds));
            sender.send(milliseconds).unwrap();
        });
    }
    drop(sender);
    println!("woken in order: {:?}", receiver.iter().collect::<Vec<_>>());
    println!("beside each other: {}", begun.elapsed() >= Duration::from_millis(90));
}

fn channels() {
    let (sender, receiver) = mpsc::sync_channel(1);
    let producer = thread::spawn(move || (0..100).for_each(|number| sender.send(number).unwrap()));
    println!("through a channel: {}", receiver.iter().sum::<i32>());
    producer.join().unwrap();
    println!("at its end: {:?}", receiver.try_recv());
}

fn condition() {
    let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let waiter = thread::spawn(move || {
        let (items, changed) = &*theirs;
        let items = changed.wait_while(items.lock().unwrap(), |items| items.len() < 3).unwrap();
        items.len()
    });
    for item in 0..3 {
        shared.0.lock().unwrap().push(item);
        shared.1.notify_all();
        thread::sleep(Duration::from_millis(1));
    }
    println!("a condition: {}", waiter.join().unwrap());
}

fn timeouts() {
    let (_sender, receiver) = mpsc::channel::<()>();
    println!(
        "no message: {}",
        receiver.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout)
    );
    let (lock, changed) = (Mutex::new(()), Condvar::new());
    let (_guard, outcome) = changed.wait_timeout(lock.lock().unwrap(), Duration::from_millis(20)).unwrap();
    println!("no change: {}", outcome.timed_out());
}

fn locals() {
    OWN.set(5);
    let theirs = thread::Builder::new()
        .name("a name".into())
        .stack_size(256 * 1024)
        .spawn(|| {
            DROPPED.with(|_| ());
            OWN.set(OWN.get() + 1);
            (OWN.get(), thread::current().name().map(str::to_owned))
        })
        .unwrap()
        .join()
        .unwrap();
    println!("locals: {} here, {} and {:?} there", OWN.get(), theirs.0, theirs.1);
    println!("dropped at the end: {}", DROPS.load(Ordering::SeqCst));
    println!("lazy: {}", *LAZY);
}

fn parking() {
    let parked = thread::spawn(|| {
        thread::park();
        "unparked"
    });
    thread::sleep(Duration::from_millis(5));
    parked.thread().unpark();
    println!("parked: {}", parked.join().unwrap());
}
