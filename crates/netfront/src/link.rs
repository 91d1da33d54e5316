//! A connection to a backend: two rings, and the channels that signal for them.

use iface_event_channels::{ChannelError, DomainId, EventChannels, Port, Source};
use iface_grant_table::GrantTable;

use crate::broken::{Broken, LinkError};
use crate::frame::Frame;
use crate::offload::Offload;
use crate::pool::Pool;
use crate::receive::Receive;
use crate::transmit::{self, Transmit};

/// What a connection is made of, and what every one of a card has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<G, V> {
    pub(crate) grants: G,
    pub(crate) channels: V,
    /// Fires for the channels of every connection.
    pub(crate) source: Source,
    /// How many frames may wait to be sent, if they are short.
    pub(crate) transmit_buffers: usize,
}

/// Pages of a connection with so many buffers, its two rings included.
pub(crate) fn pages_for(transmit_buffers: usize, receive_buffers: usize) -> usize {
    2 + transmit::pages_for(transmit_buffers) + receive_buffers
}

/// What a backend can.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Abilities {
    /// It signals for the two rings by channels of their own.
    pub(crate) split_channels: bool,
    /// Checksums that it fills in.
    pub(crate) offload: Offload,
}

/// Two rings and their channels.
pub(crate) struct Link {
    transmit: Transmit,
    receive: Receive,
    /// The same one twice where the backend does not want two.
    ports: [Port; 2],
}

impl Link {
    /// Rings and channels for `backend`, with the pages of `pool` to receive into.
    ///
    /// # Errors
    /// As [`LinkError`] says; then nothing is left of it.
    pub(crate) fn open<G: GrantTable, V: EventChannels>(
        parts: &Parts<G, V>,
        backend: DomainId,
        abilities: Abilities,
        pool: &mut Pool,
    ) -> Result<Self, LinkError> {
        let Parts { grants, channels, source, transmit_buffers } = *parts;
        pool.refill(grants)?;
        let transmit = Transmit::new(grants, backend, transmit_buffers, abilities.offload, pool)?;
        let mut receive = match Receive::new(grants, backend, pool) {
            Ok(receive) => receive,
            Err(error) => {
                transmit.close(grants, pool);
                return Err(error.into());
            }
        };
        let ports = match open_ports(channels, source, backend, abilities.split_channels) {
            Ok(ports) => ports,
            Err(error) => {
                transmit.close(grants, pool);
                receive.close(grants, pool);
                return Err(error.into());
            }
        };
        // Nobody is there to be signalled before `wake`.
        let _ = receive.post(grants, pool);
        Ok(Self { transmit, receive, ports })
    }

    /// Closes the channels, and takes all pages back that the backend lets go of.
    pub(crate) fn close<G: GrantTable, V: EventChannels>(self, parts: &Parts<G, V>, pool: &mut Pool) {
        close_ports(parts.channels, self.ports);
        self.transmit.close(parts.grants, pool);
        self.receive.close(parts.grants, pool);
    }

    /// Names of the rings' pages: of the one to send, and of the one to receive.
    pub(crate) fn references(&self) -> [u32; 2] {
        [self.transmit.reference().0, self.receive.reference().0]
    }

    /// The channels of the rings.
    pub(crate) fn ports(&self) -> [Port; 2] {
        self.ports
    }

    /// Frames that were received and no good, and frames that the backend did not send.
    pub(crate) fn losses(&self) -> [u64; 2] {
        [self.receive.dropped, self.transmit.refused]
    }

    /// Signals for both rings, as the backend has just been connected.
    pub(crate) fn wake(&self, channels: impl EventChannels) {
        self.ports.into_iter().for_each(|port| channels.signal(port));
    }

    /// Tells the backend of frames to be sent, and of pages to receive into.
    #[inline]
    pub(crate) fn flush<G: GrantTable, V: EventChannels>(&mut self, parts: &Parts<G, V>, pool: &mut Pool) {
        let [transmit_port, receive_port] = self.ports;
        let sends = self.transmit.publish();
        let receives = self.receive.post(parts.grants, pool);
        if sends {
            parts.channels.signal(transmit_port);
        }
        if receives && !(sends && transmit_port == receive_port) {
            parts.channels.signal(receive_port);
        }
    }

    /// Whether there is room for a frame of `length` bytes. Where there is none, the source fires when there may be.
    #[inline]
    pub(crate) fn has_room<G: GrantTable, V: EventChannels>(
        &mut self,
        length: usize,
        parts: &Parts<G, V>,
    ) -> Result<bool, Broken> {
        if self.transmit.has_room(length) {
            return Ok(true);
        }
        // The backend finishes what it knows of alone.
        if self.transmit.publish() {
            parts.channels.signal(self.ports[0]);
        }
        self.transmit.make_room(length)
    }

    /// Sends a frame for which there [is room](Self::has_room).
    #[inline]
    pub(crate) fn send<R>(
        &mut self,
        length: usize,
        scratch: &mut [u8],
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Option<R> {
        self.transmit.send(length, scratch, fill)
    }

    /// The next received frame.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        grants: impl GrantTable,
        pool: &mut Pool,
    ) -> Result<Option<Frame>, Broken> {
        self.receive.next(grants, pool)
    }

    /// Has the source fire for the next received frame; false where there is one already.
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        self.receive.arm()
    }
}

fn open_ports(
    channels: impl EventChannels,
    source: Source,
    backend: DomainId,
    are_split: bool,
) -> Result<[Port; 2], ChannelError> {
    let one = channels.open(source, backend)?;
    if !are_split {
        return Ok([one, one]);
    }
    match channels.open(source, backend) {
        Ok(other) => Ok([one, other]),
        Err(error) => {
            channels.close(one);
            Err(error)
        }
    }
}

fn close_ports(channels: impl EventChannels, [one, other]: [Port; 2]) {
    channels.close(one);
    if other != one {
        channels.close(other);
    }
}
