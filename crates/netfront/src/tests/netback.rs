//! A backend that does as that of Linux.

use std::vec;
use std::vec::Vec;

use iface_event_channels::Port;
use iface_grant_table::{DomainId, PAGE_SIZE, Reference};
use xen_fake::BackRing;

use super::host::{Channels, Grants, Host};
use crate::netif::{
    ReceiveRequest, ReceiveResponse, TransmitRequest, TransmitResponse, receive_flag, transmit_flag,
};

pub(super) const DOM0: DomainId = DomainId(0);

/// Its half of the rings.
pub(super) struct Netback {
    grants: Grants,
    channels: Channels,
    pub(super) from_domain: BackRing<TransmitRequest, TransmitResponse>,
    pub(super) to_domain: BackRing<ReceiveRequest, ReceiveResponse>,
    /// The channels of the two.
    pub(super) ports: [Port; 2],
}

/// A frame that the domain sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) flags: u16,
    pub(super) bytes: Vec<u8>,
    pub(super) requests: usize,
}

impl Netback {
    /// Maps what the frontend published.
    pub(super) fn new(host: Host) -> Self {
        let number = |key| host.number(key);
        let one = number("event-channel");
        let port = |key| Port(number(key).or(one).expect("a channel"));
        let ring = |key| Reference(number(key).expect("a ring"));
        Self {
            grants: host.grants,
            channels: host.channels,
            from_domain: BackRing::map(host.grants, DOM0, ring("tx-ring-ref")),
            to_domain: BackRing::map(host.grants, DOM0, ring("rx-ring-ref")),
            ports: [port("event-channel-tx"), port("event-channel-rx")],
        }
    }

    /// The next frame of the domain, which is told that it was sent.
    pub(super) fn take(&mut self) -> Option<Sent> {
        let first = self.from_domain.take()?;
        let mut sent = Sent { flags: first.flags, bytes: Vec::new(), requests: 1 };
        let mut rest = Vec::new();
        let (mut length, mut more) = (usize::from(first.size), first.flags & transmit_flag::MORE_DATA != 0);
        while more {
            let request = self.from_domain.take().expect("the rest of the frame");
            length -= usize::from(request.size);
            more = request.flags & transmit_flag::MORE_DATA != 0;
            rest.push(request);
        }
        self.read(first, length, &mut sent.bytes);
        for request in rest {
            self.read(request, request.size.into(), &mut sent.bytes);
            sent.requests += 1;
        }
        Some(sent)
    }

    fn read(&mut self, request: TransmitRequest, length: usize, bytes: &mut Vec<u8>) {
        let mut piece = vec![0; length];
        self.grants.read(DOM0, Reference(request.reference), request.offset.into(), &mut piece);
        bytes.extend(piece);
        self.from_domain.put(TransmitResponse { id: request.id, status: 0 });
    }

    /// Tells the domain of frames that were sent; true: it was signalled.
    pub(super) fn finish(&mut self) -> bool {
        let wants = self.from_domain.publish();
        if wants {
            self.channels.notify(self.ports[0]);
        }
        wants
    }

    /// Delivers a frame in pieces of `piece` bytes, the first after `extras` in places of their own; false where there are
    /// not enough pages.
    pub(super) fn deliver_in(&mut self, flags: u16, frame: &[u8], piece: usize, extras: &[[u8; 2]]) -> bool {
        let pieces = frame.chunks(piece).count();
        if (self.to_domain.waiting() as usize) < pieces + extras.len() {
            return false;
        }
        for (index, bytes) in frame.chunks(piece).enumerate() {
            let request = self.to_domain.take().expect("a page");
            let offset = (index * 16).min(PAGE_SIZE - bytes.len());
            self.grants.write(DOM0, Reference(request.reference), offset, bytes);
            let mut flags = if index == 0 { flags } else { 0 };
            if index + 1 < pieces {
                flags |= receive_flag::MORE_DATA;
            }
            if index == 0 && !extras.is_empty() {
                flags |= receive_flag::EXTRA_INFO;
            }
            let status = bytes.len() as i16;
            self.to_domain.put(ReceiveResponse { id: request.id, offset: offset as u16, flags, status });
            if index == 0 {
                self.put_extras(extras);
            }
        }
        if self.to_domain.publish() {
            self.channels.notify(self.ports[1]);
        }
        true
    }

    fn put_extras(&mut self, extras: &[[u8; 2]]) {
        for extra in extras {
            self.to_domain.take().expect("a place");
            let id = u16::from_ne_bytes(*extra);
            self.to_domain.put(ReceiveResponse { id, offset: 1460, flags: 1, status: 0 });
        }
    }

    /// Delivers a frame that fits into a page.
    pub(super) fn deliver(&mut self, flags: u16, frame: &[u8]) -> bool {
        self.deliver_in(flags, frame, PAGE_SIZE, &[])
    }
}
