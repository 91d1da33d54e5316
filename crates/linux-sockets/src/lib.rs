#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod facts;
mod inet;
mod options;
mod tcp;
mod udp;
mod unix;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::net::IpAddr;

use iface_net_stack::NetStack;
use iface_sockets::{Errno, Family, OpenFile, Sockets, Type};
use linux_raw_sys::net::{AF_UNIX, IPPROTO_TCP, IPPROTO_UDP};

use facts::Inodes;
use inet::Version;
use tcp::Tcp;
use udp::{Scratch, Udp};
use unix::{Names, Unix};

/// The first number that no protocol has (`IPPROTO_MAX`).
const PROTOCOL_LIMIT: u32 = 263;

/// Settings: there are none.
pub struct Config {}

/// What it needs.
pub struct Needs<N> {
    /// Carries TCP and UDP.
    pub net_stack: N,
}

/// What it provides.
pub struct Provides<S> {
    /// Sockets as Linux has them.
    pub sockets: S,
}

/// Begins with no sockets.
///
/// # Errors
/// None.
pub fn init<N: NetStack>(
    _: &'static Config,
    needs: Needs<N>,
) -> Result<Provides<LinuxSockets<N>>, Infallible> {
    let shared = Shared {
        stack: needs.net_stack,
        inodes: Rc::default(),
        scratch: Scratch::default(),
        names: Rc::default(),
    };
    Ok(Provides { sockets: LinuxSockets(Box::leak(Box::new(shared))) })
}

/// Sockets over a network stack, and of Unix within the image.
pub struct LinuxSockets<N: 'static>(&'static Shared<N>);

impl<N> Clone for LinuxSockets<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for LinuxSockets<N> {}

struct Shared<N> {
    stack: N,
    inodes: Rc<Inodes>,
    scratch: Scratch,
    names: Rc<Names>,
}

impl<N: NetStack> Sockets for LinuxSockets<N> {
    fn socket(&self, family: Family, kind: Type, protocol: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        let version = match family {
            Family::Unix => {
                is_protocol(protocol, AF_UNIX)?;
                return Ok(Rc::new(Unix::new(kind, &self.0.names, &self.0.inodes)));
            }
            Family::Inet => Version::Four,
            Family::Inet6 => Version::Six,
        };
        if protocol >= PROTOCOL_LIMIT {
            return Err(Errno::EINVAL);
        }
        let (stack, inodes) = (self.0.stack, &self.0.inodes);
        match kind {
            Type::Stream => {
                is_protocol(protocol, IPPROTO_TCP as u32)?;
                Ok(Rc::new(Tcp::new(stack, version, inodes)))
            }
            Type::Datagram => {
                is_protocol(protocol, IPPROTO_UDP as u32)?;
                Ok(Rc::new(Udp::new(stack, version, inodes, &self.0.scratch)))
            }
            Type::SequencedPacket => Err(Errno::ESOCKTNOSUPPORT),
        }
    }

    fn pair(&self, kind: Type) -> Result<[Rc<dyn OpenFile>; 2], Errno> {
        let [one, other] = Unix::pair(kind, &self.0.names, &self.0.inodes);
        Ok([Rc::new(one), Rc::new(other)])
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.0.stack.name_servers()
    }
}

/// Refuses a protocol that is neither `own` nor the usual one.
fn is_protocol(protocol: u32, own: u32) -> Result<(), Errno> {
    if protocol == 0 || protocol == own { Ok(()) } else { Err(Errno::EPROTONOSUPPORT) }
}
