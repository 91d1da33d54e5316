//! What a program does with the standard library, a line for each thing: the same on Linux and in an image.

mod files;
mod network;
mod threads;

use std::collections::HashSet;
use std::env;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::process;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn main() -> io::Result<()> {
    match env::args().nth(1).as_deref() {
        Some("panic") => panic!("this was on purpose"),
        Some("panic-in-thread") => panic_in_thread(),
        Some("exit") => {
            println!("exit: 42");
            process::exit(42);
        }
        Some("error") => {
            File::open("/nowhere")?;
        }
        _ => all()?,
    }
    Ok(())
}

fn panic_in_thread() {
    let doomed = thread::Builder::new().name("doomed".into()).spawn(|| panic!("this was on purpose"));
    let outcome = doomed.expect("a thread").join();
    println!("went on after a panic: {}", outcome.is_err());
}

fn all() -> io::Result<()> {
    surroundings();
    time();
    files::run()?;
    threads::run();
    network::run()
}

fn surroundings() {
    println!("arguments: {:?}", env::args().skip(1).collect::<Vec<_>>());
    println!("environment: {:?}, {:?}", env::var("GREETING"), env::var("ABSENT"));
    println!("pointers: {} bits on {} {}", usize::BITS, env::consts::ARCH, env::consts::OS);
    // Each state has keys of its own, which come from the system once a thread.
    let hashes: HashSet<u64> = (0..8).map(|_| RandomState::new().hash_one("a key")).collect();
    println!("hashes of one key: {} of 8 differ", hashes.len());
    let numbers: Vec<u64> = (0..1 << 20).collect();
    println!("sum of a million: {}", numbers.iter().sum::<u64>());
}

fn time() {
    let year = 365 * 24 * 3600;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
    println!("after 2020: {}", since > 50 * year);
    let begun = Instant::now();
    thread::sleep(Duration::from_millis(30));
    let elapsed = begun.elapsed();
    println!("slept: {}", elapsed >= Duration::from_millis(30) && elapsed < Duration::from_secs(10));
}
