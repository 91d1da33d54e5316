#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::net::IpAddr;

pub use open_file::{Errno, OpenFile};

/// Addresses of which kind (`AF_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_UNIX`.
    Unix,
    /// `AF_INET`.
    Inet,
    /// `AF_INET6`.
    Inet6,
}

/// What a socket carries (`SOCK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Bytes in order.
    Stream,
    /// Datagrams.
    Datagram,
    /// Datagrams in order, over a connection.
    SequencedPacket,
}

/// Sockets.
pub trait Sockets: Copy + 'static {
    /// A new socket; `protocol` is Linux's number, 0 for the usual one.
    ///
    /// # Errors
    /// As socket(2) says.
    fn socket(&self, family: Family, kind: Type, protocol: u32) -> Result<Rc<dyn OpenFile>, Errno>;

    /// Two sockets of Unix that are connected with each other.
    ///
    /// # Errors
    /// As socketpair(2) says.
    fn pair(&self, kind: Type) -> Result<[Rc<dyn OpenFile>; 2], Errno>;

    /// Name servers that the network knows now, in the order in which they are asked: a lease brings some and takes them away.
    fn name_servers(&self) -> Vec<IpAddr>;
}
