//! One order of what happens, while instructions are counted.
//!
//! What a guest executes for a request depends on how many packets are there when it looks, and that on which of the emulator, the
//! machine's network and the client was given a processor first. So all of them get the same processor, and the guest's own
//! thread only has it while none of the others has anything to do (sched(7), `SCHED_FIFO`): each packet that it sends is
//! delivered, and answered, before its next instruction. What else the machine does comes behind all of them: the less time
//! passes, the less the guest does by the clock.

use std::process;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity};

use crate::command::Program;
use crate::error::Error;

/// Priorities of the emulator's threads, the guest's among them, of the one for devices, and of clients.
const GUEST: u8 = 9;
const DEVICES: u8 = 10;
const CLIENTS: u8 = 11;

/// For one change.
const CHANGE: Duration = Duration::from_secs(10);

/// While it is there, the emulator, this process and the clients that it starts come before all else.
pub struct Order {
    /// The number of the emulator's process.
    emulator: String,
    /// The processors that this process had before.
    before: String,
}

impl Order {
    /// With the client in turn with the emulator of that process number, which was started on [`processor`]: there each packet is
    /// answered at once.
    pub fn in_turn(emulator: i32) -> Result<Self, Error> {
        Self::begin(emulator, &processor()?.to_string())
    }

    /// With the client beside the emulator, on the other processors where there are some: requests come while others are served,
    /// as on a machine that does nothing else.
    pub fn beside(emulator: i32) -> Result<Self, Error> {
        let mut others = allowed()?;
        others.unset(processor()?);
        let any = processors(&others).next().is_some();
        Self::begin(emulator, &if any { list(&others) } else { processor()?.to_string() })
    }

    fn begin(emulator: i32, clients: &str) -> Result<Self, Error> {
        let order = Self { emulator: emulator.to_string(), before: list(&allowed()?) };
        schedule(&["--fifo", "--all-tasks"], GUEST, &order.emulator)?;
        // The number of the process is that of its first thread, which serves the devices.
        schedule(&["--fifo"], DEVICES, &order.emulator)?;
        let this = process::id().to_string();
        stay_on(clients, &this)?;
        schedule(&["--fifo"], CLIENTS, &this)?;
        Ok(order)
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        let this = process::id().to_string();
        let ended = schedule(&["--other", "--all-tasks"], 0, &self.emulator)
            .and_then(|()| schedule(&["--other"], 0, &this))
            .and_then(|()| stay_on(&self.before, &this));
        if let Err(error) = ended {
            eprintln!("bench: {error}");
        }
    }
}

/// Whether processes may be given such priorities here.
pub fn is_allowed() -> bool {
    Program::new("chrt", CHANGE).args(["--fifo", &CLIENTS.to_string(), "true"]).output().is_ok()
}

/// The processor that all that is counted shares: the last, as interrupts of the machine mostly go to the first.
pub fn processor() -> Result<usize, Error> {
    Ok(processors(&allowed()?).last().unwrap_or(0))
}

fn allowed() -> Result<CpuSet, Error> {
    sched_getaffinity(None).map_err(|error| Error::system("asking for processors")(error.into()))
}

fn processors(set: &CpuSet) -> impl Iterator<Item = usize> {
    (0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor))
}

/// As taskset(1) takes them.
fn list(set: &CpuSet) -> String {
    processors(set).map(|processor| processor.to_string()).collect::<Vec<_>>().join(",")
}

fn schedule(policy: &[&str], priority: u8, process: &str) -> Result<(), Error> {
    let chrt = Program::new("chrt", CHANGE).args(policy);
    chrt.args(["--pid", &priority.to_string(), process]).output().map(drop)
}

fn stay_on(processors: &str, process: &str) -> Result<(), Error> {
    Program::new("taskset", CHANGE).args(["--cpu-list", "--pid", processors, process]).output().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_listed() {
        let mut set = CpuSet::new();
        set.set(0);
        set.set(3);
        assert_eq!(list(&set), "0,3");
    }

    #[test]
    fn there_is_a_processor() {
        assert!(allowed().unwrap().is_set(processor().unwrap()));
    }
}
