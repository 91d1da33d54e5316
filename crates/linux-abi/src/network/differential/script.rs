//! Calls as tests make them, and a transcript of what they answered.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use linux_raw_sys::general as numbers;
use linux_raw_sys::net::{AF_INET, AF_INET6, AF_UNIX};

use super::kernels::Kernel;

/// Every bit that a socket may be ready for.
const ALL_BITS: i16 = (numbers::POLLIN | numbers::POLLPRI | numbers::POLLOUT | numbers::POLLRDHUP) as i16;

/// An address as programs pass it.
#[derive(Clone)]
pub struct Name(pub Vec<u8>);

impl Name {
    /// 127.0.0.1.
    pub fn loopback(port: u16) -> Self {
        Self::inet([127, 0, 0, 1], port)
    }

    /// An address of IPv4.
    pub fn inet(address: [u8; 4], port: u16) -> Self {
        Self([&(AF_INET as u16).to_ne_bytes()[..], &port.to_be_bytes(), &address, &[0; 8]].concat())
    }

    /// An address of IPv6.
    pub fn inet6(address: u128, port: u16) -> Self {
        let family = (AF_INET6 as u16).to_ne_bytes();
        Self([&family[..], &port.to_be_bytes(), &[0; 4], &address.to_be_bytes(), &[0; 4]].concat())
    }

    /// A name of Unix that is no path.
    pub fn hidden(name: &str) -> Self {
        Self([&(AF_UNIX as u16).to_ne_bytes()[..], b"\0", name.as_bytes()].concat())
    }

    /// A name of Unix that is a path.
    pub fn path(path: &str) -> Self {
        Self([&(AF_UNIX as u16).to_ne_bytes()[..], path.as_bytes(), b"\0"].concat())
    }

    /// The first bytes of it.
    pub fn cut(&self, length: usize) -> Self {
        Self(Vec::from(&self.0[..length]))
    }

    /// The port of an address of the Internet.
    pub fn port(&self) -> u16 {
        u16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// The same address with another port.
    pub fn at(&self, port: u16) -> Self {
        let mut copy = self.clone();
        copy.0[2..4].copy_from_slice(&port.to_be_bytes());
        copy
    }

    pub fn arguments(&self) -> [usize; 2] {
        [self.0.as_ptr() as usize, self.0.len()]
    }
}

/// Calls made of a kernel.
pub struct Script<'a> {
    kernel: &'a dyn Kernel,
    transcript: RefCell<Vec<String>>,
}

impl<'a> Script<'a> {
    pub fn new(kernel: &'a dyn Kernel) -> Self {
        Self { kernel, transcript: RefCell::default() }
    }

    pub fn into_transcript(self) -> Vec<String> {
        self.transcript.into_inner()
    }

    /// Notes what was seen.
    pub fn note(&self, what: &str, seen: impl core::fmt::Debug) {
        self.transcript.borrow_mut().push(format!("{what}: {seen:?}"));
    }

    pub fn raw(&self, number: u32, arguments: &[usize]) -> isize {
        self.kernel.call(number, arguments)
    }

    /// Makes a call and notes its value.
    pub fn call(&self, what: &str, number: u32, arguments: &[usize]) -> isize {
        let value = self.raw(number, arguments);
        self.note(what, value);
        value
    }

    /// Makes a call whose value differs between kernels, and notes whether it succeeded.
    pub fn opened(&self, what: &str, number: u32, arguments: &[usize]) -> usize {
        let value = self.raw(number, arguments);
        self.note(what, value.min(0));
        value as usize
    }

    pub fn socket(&self, family: u32, kind: u32) -> usize {
        self.opened("socket", numbers::__NR_socket, &[family as usize, kind as usize, 0])
    }

    pub fn close(&self, fd: usize) {
        self.call("close", numbers::__NR_close, &[fd]);
    }

    pub fn close_all(&self, list: &[usize]) {
        list.iter().for_each(|fd| self.close(*fd));
    }

    pub fn bind(&self, fd: usize, name: &Name) -> isize {
        let [address, length] = name.arguments();
        self.call("bind", numbers::__NR_bind, &[fd, address, length])
    }

    pub fn connect(&self, fd: usize, name: &Name) -> isize {
        let [address, length] = name.arguments();
        // Over loopback Linux is connected at once, and never says so.
        let value = self.raw(numbers::__NR_connect, &[fd, address, length]);
        self.note("connect", value);
        value
    }

    pub fn listen(&self, fd: usize, backlog: i32) -> isize {
        self.call("listen", numbers::__NR_listen, &[fd, backlog as usize])
    }

    /// Accepts without waiting.
    pub fn accept(&self, fd: usize) -> usize {
        let flags = numbers::O_NONBLOCK as usize;
        self.opened("accept", numbers::__NR_accept4, &[fd, 0, 0, flags])
    }

    pub fn send(&self, fd: usize, bytes: &[u8], flags: u32) -> isize {
        let arguments = [fd, bytes.as_ptr() as usize, bytes.len(), flags as usize];
        self.call("send", numbers::__NR_sendto, &arguments)
    }

    pub fn send_to(&self, fd: usize, bytes: &[u8], name: &Name) -> isize {
        let [address, length] = name.arguments();
        let arguments = [fd, bytes.as_ptr() as usize, bytes.len(), 0, address, length];
        self.call("sendto", numbers::__NR_sendto, &arguments)
    }

    /// Receives, and notes the bytes, too.
    pub fn receive(&self, fd: usize, length: usize, flags: u32) -> isize {
        let mut buffer = vec![0_u8; length];
        let arguments = [fd, buffer.as_mut_ptr() as usize, length, flags as usize];
        let value = self.call("receive", numbers::__NR_recvfrom, &arguments);
        if value > 0 {
            self.note("received", &buffer[..(value as usize).min(length)]);
        }
        value
    }

    pub fn shut_down(&self, fd: usize, half: u32) -> isize {
        self.call("shutdown", numbers::__NR_shutdown, &[fd, half as usize])
    }

    /// The socket's own address, which is not noted.
    pub fn own_name(&self, fd: usize) -> Name {
        let mut buffer = [0_u8; 128];
        let mut length = 128_u32;
        let arguments = [fd, buffer.as_mut_ptr() as usize, &raw mut length as usize];
        self.call("getsockname", numbers::__NR_getsockname, &arguments);
        Name(Vec::from(&buffer[..length as usize]))
    }

    /// The peer's address, of which the length and the address but not the port is noted.
    pub fn peer_name(&self, fd: usize) {
        let mut buffer = [0_u8; 128];
        let mut length = 128_u32;
        let arguments = [fd, buffer.as_mut_ptr() as usize, &raw mut length as usize];
        if self.call("getpeername", numbers::__NR_getpeername, &arguments) == 0 {
            self.note("peer", (length, &buffer[4..8]));
        }
    }

    pub fn option(&self, fd: usize, level: u32, name: u32) -> i32 {
        let (mut value, mut length) = (-1_i32, 4_u32);
        let arguments =
            [fd, level as usize, name as usize, &raw mut value as usize, &raw mut length as usize];
        let returned = self.raw(numbers::__NR_getsockopt, &arguments);
        self.note(&format!("getsockopt {level} {name}"), (returned, value, length));
        value
    }

    /// An option whose value takes some bytes.
    pub fn long_option(&self, fd: usize, level: u32, name: u32, room: u32) {
        let (mut value, mut length) = ([0xaa_u8; 64], room);
        let arguments =
            [fd, level as usize, name as usize, value.as_mut_ptr() as usize, &raw mut length as usize];
        let returned = self.raw(numbers::__NR_getsockopt, &arguments);
        self.note(&format!("getsockopt {level} {name} of {room}"), (returned, length, &value[..16]));
    }

    pub fn set_option(&self, fd: usize, level: u32, name: u32, value: &[u8]) -> isize {
        let arguments = [fd, level as usize, name as usize, value.as_ptr() as usize, value.len()];
        self.call(&format!("setsockopt {level} {name}"), numbers::__NR_setsockopt, &arguments)
    }

    /// Notes what a socket is ready for once nothing is under way.
    pub fn bits(&self, fd: usize) {
        self.settle();
        let mut file = numbers::pollfd { fd: fd as i32, events: ALL_BITS, revents: 0 };
        let count = self.raw(numbers::__NR_poll, &[&raw mut file as usize, 1, 0]);
        self.note("poll", (count, format!("{:#06x}", file.revents)));
    }

    /// Lets what is under way arrive.
    pub fn settle(&self) {
        let time = [0_i64, 300_000];
        self.raw(numbers::__NR_nanosleep, &[time.as_ptr() as usize, 0]);
    }
}
