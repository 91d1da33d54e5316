//! Connections that ended here first, remembered so that late segments do no harm (RFC 9293, section 3.3.2:
//! TIME-WAIT). A record is two hundred times smaller than a connection with its buffers.

use alloc::collections::VecDeque;

use hashbrown::HashTable;
use iface_clock::{Duration, Instant};

use crate::flow::{Flow, FlowHash, Segment, flag};

/// How long a connection is remembered: as on other systems, two times a segment life of 30 s rather than of the
/// two minutes of RFC 9293, section 3.4.2.
const HOLD: Duration = Duration::from_secs(60);

/// Connections remembered at once; the oldest is forgotten for the next.
pub const CAPACITY: usize = 1024;

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub flow: Flow,
    /// The next sequence number of this host.
    pub sequence: u32,
    /// The next sequence number expected of the peer.
    pub acknowledgement: u32,
    until: Instant,
}

/// What to do with a segment of a remembered connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It begins a new connection; the old one was forgotten.
    Open,
    /// Acknowledge what was received before.
    Acknowledge(Record),
    /// Nothing.
    Ignore,
}

/// The remembered connections.
pub struct TimeWait {
    records: HashTable<Record>,
    /// In the order of their end.
    order: VecDeque<(Flow, Instant)>,
    hash: FlowHash,
}

impl TimeWait {
    /// None.
    pub const fn new(hash: FlowHash) -> Self {
        Self { records: HashTable::new(), order: VecDeque::new(), hash }
    }

    /// Remembers a connection that ended with these numbers.
    pub fn remember(&mut self, flow: Flow, (sequence, acknowledgement): (u32, u32), now: Instant) {
        self.forget_old(now);
        self.forget(&flow);
        let (hash, until) = (self.hash, now + HOLD);
        let record = Record { flow, sequence, acknowledgement, until };
        self.records.insert_unique(hash.of(&flow), record, |other| hash.of(&other.flow));
        self.order.push_back((flow, until));
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether `flow` is remembered.
    pub fn has(&self, flow: &Flow, now: Instant) -> bool {
        self.find(flow).is_some_and(|record| now < record.until)
    }

    /// RFC 9293, section 3.10.7.4 for TIME-WAIT. A new connection may follow when its numbers lie behind the old one's
    /// (section 3.6.1: MAY-2). Where they do not, the acknowledgement has the peer answer with a reset of just the
    /// expected number; such a one ends the old connection, so that the peer's next try succeeds. Other resets are
    /// ignored (RFC 1337).
    pub fn answer(&mut self, segment: &Segment, now: Instant) -> Option<Answer> {
        let record = *self.find(&segment.flow).filter(|record| now < record.until)?;
        let ahead = segment.sequence.wrapping_sub(record.acknowledgement) as i32;
        let resets = segment.flags & flag::RST != 0;
        Some(if segment.opens() && ahead >= 0 {
            self.forget(&segment.flow);
            Answer::Open
        } else if resets || segment.only_acknowledges() {
            if resets && ahead == 0 {
                self.forget(&segment.flow);
            }
            Answer::Ignore
        } else {
            Answer::Acknowledge(record)
        })
    }

    fn find(&self, flow: &Flow) -> Option<&Record> {
        self.records.find(self.hash.of(flow), |record| record.flow == *flow)
    }

    fn forget(&mut self, flow: &Flow) {
        if let Ok(found) = self.records.find_entry(self.hash.of(flow), |record| record.flow == *flow) {
            found.remove();
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(&(flow, until)) = self.order.front() {
            if now < until && self.order.len() < CAPACITY {
                break;
            }
            self.order.pop_front();
            // A newer record of the same flow stays.
            if self.find(&flow).is_some_and(|record| record.until == until) {
                self.forget(&flow);
            }
        }
    }
}
