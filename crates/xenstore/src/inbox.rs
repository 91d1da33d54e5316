//! Bytes from the ring, collected into messages.

use alloc::vec::Vec;
use core::mem;

use crate::wire::{HEADER, Header, Message, PAYLOAD_MAX};

/// A message that is longer than any may be; where the next begins cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong(pub(crate) u32);

/// The message that is arriving.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    head: [u8; HEADER],
    /// What the header says, once it is whole.
    header: Option<Header>,
    payload: Vec<u8>,
    /// Bytes of header or payload that are here.
    filled: usize,
}

impl Inbox {
    /// Where the next bytes belong; never empty.
    pub(crate) fn vacant(&mut self) -> &mut [u8] {
        match self.header {
            None => &mut self.head[self.filled..],
            Some(_) => &mut self.payload[self.filled..],
        }
    }

    /// Takes note that `count` bytes were put into [`vacant`](Inbox::vacant), and gives the message that is whole now.
    pub(crate) fn fill(&mut self, count: usize) -> Result<Option<Message>, TooLong> {
        self.filled += count;
        if self.header.is_none() && self.filled == HEADER {
            self.begin_payload(Header::from_bytes(self.head))?;
        }
        match self.header {
            Some(header) if self.filled == self.payload.len() => {
                (self.header, self.filled) = (None, 0);
                Ok(Some(Message { header, payload: mem::take(&mut self.payload) }))
            }
            _ => Ok(None),
        }
    }

    fn begin_payload(&mut self, header: Header) -> Result<(), TooLong> {
        let length = header.length as usize;
        if length > PAYLOAD_MAX {
            return Err(TooLong(header.length));
        }
        self.payload = alloc::vec![0; length];
        (self.header, self.filled) = (Some(header), 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(request: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header { kind: 2, request, transaction: 0, length: payload.len() as u32 };
        [&header.to_bytes()[..], payload].concat()
    }

    fn feed(inbox: &mut Inbox, mut bytes: &[u8], pieces: &mut dyn Iterator<Item = usize>) -> Vec<Message> {
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let vacant = inbox.vacant();
            let count = pieces.next().unwrap().clamp(1, vacant.len()).min(bytes.len());
            vacant[..count].copy_from_slice(&bytes[..count]);
            messages.extend(inbox.fill(count).unwrap());
            bytes = &bytes[count..];
        }
        messages
    }

    proptest! {
        #[test]
        fn messages_arrive_however_they_are_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
            pieces in prop::collection::vec(1..40_usize, 1..9),
        ) {
            let numbered = (0..).zip(&payloads);
            let bytes: Vec<u8> = numbered.flat_map(|(n, payload)| message(n, payload)).collect();
            let messages = feed(&mut Inbox::default(), &bytes, &mut pieces.into_iter().cycle());
            prop_assert_eq!(messages.len(), payloads.len());
            for (n, (message, payload)) in messages.iter().zip(&payloads).enumerate() {
                prop_assert_eq!(message.header.request as usize, n);
                prop_assert_eq!(&message.payload, payload);
            }
        }
    }

    #[test]
    fn a_length_is_checked_before_anything_is_allocated() {
        for (length, fits) in [(4096, true), (4097, false), (u32::MAX, false)] {
            let mut inbox = Inbox::default();
            let header = Header { kind: 2, request: 1, transaction: 0, length };
            inbox.vacant().copy_from_slice(&header.to_bytes());
            assert_eq!(inbox.fill(HEADER).is_ok(), fits);
            assert!(inbox.payload.capacity() <= PAYLOAD_MAX);
        }
    }
}
