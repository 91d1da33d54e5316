//! Has connections that nobody uses fall asleep, and wakes them when somebody does.
//!
//! A connection whose peer was heard of is in the queue of the drowsy once, and is looked at a second later. So being used
//! costs a connection one look a second, and sleeping costs nothing until its peer's silence has to be asked about.

use iface_clock::Duration;
use iface_net_device::NetDevice;
use iface_net_stack::{Readiness, Socket};

use crate::drowsy::QUIET;
use crate::engine::{Engine, micros};
use crate::machine::Machine;

/// Drowsy connections looked at before the application has a turn.
const LOOKS_PER_ROUND: usize = 64;

/// Drowsy connections looked at for memory's sake when a connection gets none.
const LOOKS_FOR_MEMORY: usize = 16;

/// When a connection is tried to be woken again for which memory was short.
const RETRY: Duration = Duration::from_millis(200);

impl<D: NetDevice> Engine<D> {
    /// Has a connection looked at when it may have been quiet for long enough.
    pub fn watch_drowsy(&mut self, number: u32) {
        let (name, sleeps) = (self.table.name(number), self.sleeps);
        let Some(connection) = self.table.connection(number).filter(|connection| !connection.drowsy) else {
            return;
        };
        if sleeps && !connection.is_orphan() {
            connection.drowsy = true;
            self.drowsy.add(name, self.now);
        }
    }

    /// Looks at connections that may have been quiet for long enough.
    pub fn lull(&mut self) {
        for _ in 0..LOOKS_PER_ROUND {
            let Some(socket) = self.drowsy.pop(self.now) else { return };
            let Some(machine) = self.look(socket, QUIET) else { continue };
            self.keep_machine(machine);
        }
    }

    /// The state machine of a connection that falls asleep for it, however short it was quiet.
    pub fn machine_of_drowsy(&mut self) -> Option<Machine> {
        (0..LOOKS_FOR_MEMORY.min(self.drowsy.len())).find_map(|_| {
            let socket = self.drowsy.pop_early()?;
            self.look(socket, Duration::ZERO)
        })
    }

    /// Puts a drowsy connection to sleep that was quiet for so long, and returns its state machine. One that was not stays
    /// drowsy; one that waits for something else than time is drowsy again after that.
    fn look(&mut self, socket: Socket, quiet: Duration) -> Option<Machine> {
        let number = self.table.resolve(socket).ok()?;
        let is_at_work = self.table.slot(number).dirty || self.table.slot(number).unresolved;
        let now = self.now;
        let connection = self.table.connection(number)?;
        connection.drowsy = false;
        if is_at_work || now < connection.heard + quiet || self.sends_soon(number) {
            self.watch_drowsy(number);
            return None;
        }
        let connection = self.table.connection(number)?;
        if !connection.is_quiet() || !self.loopback.has_ip_addr(connection.flow.local().0) {
            return None;
        }
        let machine = connection.fall_asleep(&mut self.loopback, now);
        self.set_probe(number);
        machine
    }

    /// Whether the protocols want to send something within the time that acknowledgements wait.
    pub fn sends_soon(&mut self, number: u32) -> bool {
        let (now, delay) = (micros(self.now), self.limits.tuning.acknowledgement_delay);
        let Some(connection) = self.table.connection(number) else { return false };
        let interface = connection.way.of(&mut self.interface, &mut self.loopback);
        let at = connection.machine_mut().and_then(|machine| interface.poll_at(now, machine.sockets()));
        at.is_some_and(|at| at <= now + delay)
    }

    /// Has a connection that sleeps ask for its peer when that was silent for long.
    fn set_probe(&mut self, number: u32) {
        let (Some(silence), Some(connection)) = (self.silence(), self.table.connection(number)) else {
            return;
        };
        self.timers.set(number, connection.heard + silence);
    }

    /// How long a peer is silent before it is asked for.
    fn silence(&self) -> Option<Duration> {
        self.limits.tuning.keep_alive.map(|interval| Duration::from_micros(interval.total_micros()))
    }

    /// The time has come of a connection that sleeps: to ask for its peer, to try again what memory was short for, or that of
    /// something done long ago.
    pub fn stir(&mut self, number: u32) {
        let (now, silence) = (self.now, self.silence());
        let Some(connection) = self.table.connection(number) else { return };
        let is_silent = silence.is_some_and(|silence| connection.heard + silence <= now);
        if !is_silent && !connection.starved {
            return self.set_probe(number);
        }
        if self.wake_in_time(number) {
            self.mark_dirty(number);
            self.notify(number, Readiness::WRITABLE);
        }
    }

    /// Wakes a connection if it sleeps. Returns false where memory is too short.
    pub fn wake(&mut self, number: u32) -> bool {
        if !self.table.connection(number).is_some_and(|connection| connection.is_asleep()) {
            return true;
        }
        let (machine, tuning) = (self.machine(), self.limits.tuning);
        match (self.table.connection(number), machine) {
            (Some(connection), Some(machine)) => {
                connection.wake(machine, &tuning);
                true
            }
            _ => false,
        }
    }

    /// The same; where memory is too short, the connection has no room to send, and it is tried again.
    pub fn wake_in_time(&mut self, number: u32) -> bool {
        let is_awake = self.wake(number);
        if !is_awake && let Some(connection) = self.table.connection(number) {
            connection.starved = true;
            self.timers.set(number, self.now + RETRY);
        }
        is_awake
    }

    /// Wakes a connection if it sleeps, so that it can end: that is possible with little memory.
    pub fn wake_to_end(&mut self, number: u32) {
        let tuning = self.limits.tuning;
        if !self.wake(number)
            && let Some(connection) = self.table.connection(number)
            && let Some(machine) = Machine::bare()
        {
            connection.wake(machine, &tuning);
        }
    }
}
