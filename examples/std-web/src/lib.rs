#![doc = include_str!("../README.md")]

mod connection;
mod request;
mod response;
mod site;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

pub use response::{Response, Status};
pub use site::Site;

/// Rest after an accept that failed for want of memory or descriptors, which others give back meanwhile.
const REST: Duration = Duration::from_millis(50);

/// Answers connections by that many threads, until the listener is shut down.
pub fn serve(listener: &TcpListener, site: &Site, workers: usize) {
    // Connections that are answered or wait for it.
    let open = AtomicUsize::new(0);
    let (accepted, queue) = mpsc::channel::<TcpStream>();
    let queue = Mutex::new(queue);

    thread::scope(|scope| {
        for number in 1..=workers {
            let worker = || {
                while let Some(stream) = next(&queue) {
                    let others_wait = || open.load(Ordering::Relaxed) > workers;
                    // Who is gone needs no answer.
                    let _ = connection::answer(&stream, site, &others_wait);
                    open.fetch_sub(1, Ordering::Relaxed);
                }
            };
            thread::Builder::new()
                .name(format!("worker {number}"))
                .spawn_scoped(scope, worker)
                .expect("there is memory for a thread");
        }
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    open.fetch_add(1, Ordering::Relaxed);
                    if accepted.send(stream).is_err() {
                        return;
                    }
                }
                // The listener was shut down.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
                Err(error) => {
                    eprintln!("std-web: accept: {error}");
                    thread::sleep(REST);
                }
            }
        }
        drop(accepted);
    });
}

/// The next connection; none when there will be no more.
fn next(queue: &Mutex<mpsc::Receiver<TcpStream>>) -> Option<TcpStream> {
    queue.lock().ok()?.recv().ok()
}
