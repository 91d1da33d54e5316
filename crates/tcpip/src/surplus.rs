//! Longer send buffers, as long as memory is plentiful.

use crate::connection::Tuning;
use crate::machine::Machine;

/// The part of the image's memory that longer send buffers may take together, beyond what each connection has anyway.
const PART_OF_MEMORY: usize = 16;

/// The part of what is left of it that one connection may take. So the first ones get much, and thousands the least.
const PART_OF_THE_REST: usize = 16;

/// Memory that connections have to send from beyond the least.
#[derive(Debug)]
pub struct Surplus {
    limit: usize,
    used: usize,
}

impl Surplus {
    /// Of an image with so many bytes of memory.
    pub const fn of(memory: usize) -> Self {
        Self { limit: memory / PART_OF_MEMORY, used: 0 }
    }

    /// Bytes of send buffer that a connection without buffers is to have.
    pub fn buffer(&self, tuning: &Tuning) -> usize {
        let share = self.limit.saturating_sub(self.used) / PART_OF_THE_REST;
        share.min(tuning.longest_send_buffer).max(tuning.send_buffer)
    }

    /// A connection has got buffers.
    pub fn add(&mut self, machine: &Machine, tuning: &Tuning) {
        self.used += beyond(machine, tuning);
    }

    /// A connection's buffers were freed.
    pub fn remove(&mut self, machine: &Machine, tuning: &Tuning) {
        self.used = self.used.saturating_sub(beyond(machine, tuning));
    }
}

fn beyond(machine: &Machine, tuning: &Tuning) -> usize {
    machine.socket().send_capacity().saturating_sub(tuning.send_buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const KIB: usize = 1024;

    fn buffers(memory: usize, count: usize) -> Vec<usize> {
        let tuning = Tuning { send_buffer: 16 * KIB, longest_send_buffer: 1024 * KIB, ..Tuning::TEST };
        let mut surplus = Surplus::of(memory);
        let make = |_| {
            let length = surplus.buffer(&tuning);
            surplus.add(&Machine::new(&tuning, length).unwrap(), &tuning);
            length
        };
        (0..count).map(make).collect()
    }

    #[test]
    fn the_first_connections_get_most_and_all_together_stay_within_a_part_of_memory() {
        let lengths = buffers(400 * KIB * KIB, 1000);
        assert_eq!((lengths[0], lengths[999]), (1024 * KIB, 16 * KIB));
        assert!(lengths.is_sorted_by(|before, after| before >= after));
        let beyond: usize = lengths.iter().map(|length| length - 16 * KIB).sum();
        assert!((20 * KIB * KIB..=25 * KIB * KIB).contains(&beyond), "{beyond}");
    }

    #[test]
    fn where_memory_is_short_every_connection_gets_the_least() {
        assert!(buffers(4096 * KIB, 30).iter().all(|length| *length == 16 * KIB));
    }

    #[test]
    fn what_is_freed_can_be_had_again() {
        let tuning = Tuning { send_buffer: 16 * KIB, longest_send_buffer: 1024 * KIB, ..Tuning::TEST };
        let mut surplus = Surplus::of(64 * KIB * KIB);
        let length = surplus.buffer(&tuning);
        let machine = Machine::new(&tuning, length).unwrap();
        surplus.add(&machine, &tuning);
        assert!(surplus.buffer(&tuning) < length);
        surplus.remove(&machine, &tuning);
        assert_eq!((surplus.buffer(&tuning), length), (256 * KIB, 256 * KIB));
    }
}
