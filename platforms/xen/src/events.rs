//! Event channels, and waiting for them. All of them are masked, so that none interrupts the image: it polls.

mod table;

use iface_clock::{Clock, Instant};
use iface_event_channels::{ChannelError, EventChannels};
use iface_events::{Events, Handler, Source, SubscribeError};
use x86_64::SingleCore;
use xen_abi::{Call, DomainId, Errno, Port};
use xen_sys::{
    EVTCHNOP_alloc_unbound, EVTCHNOP_close, EVTCHNOP_send, evtchn_alloc_unbound, evtchn_close, evtchn_send,
};

use crate::{Xen, clock, hypercall, shared_info};
use table::{Channels, Table};

// SAFETY: the image runs on one processor, and no handler of exceptions uses it.
static TABLE: SingleCore<Table<Xen>> = unsafe { SingleCore::new(Table::new(Xen)) };

impl Channels for Xen {
    fn open(&self, remote: DomainId) -> Result<Port, Errno> {
        let mut channel = evtchn_alloc_unbound { dom: DomainId::SELF.0, remote_dom: remote.0, port: 0 };
        // SAFETY: Xen writes the port.
        unsafe { hypercall::operation(Call::EventChannel, EVTCHNOP_alloc_unbound, &mut channel)? };
        Ok(Port(channel.port))
    }

    fn close(&self, port: Port) {
        // It fails for a port that is none, which is as good as closed.
        // SAFETY: Xen reads the port.
        let _ = unsafe {
            hypercall::operation(Call::EventChannel, EVTCHNOP_close, &mut evtchn_close { port: port.0 })
        };
    }

    fn take_pending(&self, port: Port) -> bool {
        shared_info::take_pending(port)
    }

    fn wait(&self, ports: &[Port], deadline: Option<Instant>) {
        if deadline.is_none_or(|deadline| deadline > self.now()) {
            hypercall::poll(ports, deadline.map(clock::system_time));
        }
    }
}

impl EventChannels for Xen {
    fn source(&self) -> Result<Source, ChannelError> {
        TABLE.source()
    }

    fn open(&self, source: Source, remote: DomainId) -> Result<Port, ChannelError> {
        TABLE.open(source, remote)
    }

    fn adopt(&self, source: Source, port: Port) -> Result<(), ChannelError> {
        TABLE.adopt(source, port)
    }

    fn signal(&self, port: Port) {
        // It fails for a port that is none, and then nobody is there to be told.
        // SAFETY: Xen reads the port.
        let _ = unsafe {
            hypercall::operation(Call::EventChannel, EVTCHNOP_send, &mut evtchn_send { port: port.0 })
        };
    }

    fn close(&self, port: Port) {
        TABLE.close(port);
    }

    fn fire(&self, source: Source) {
        TABLE.fire(source);
    }
}

impl Events for Xen {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        TABLE.subscribe(source, handler)
    }

    fn poll(&self) -> bool {
        TABLE.poll()
    }

    fn wait(&self, deadline: Option<Instant>) {
        TABLE.wait(deadline);
    }
}
