//! Messages of several pieces, with what goes along: sendmsg(2), recvmsg(2), and many of these at once.

use alloc::vec::Vec;
use core::mem::offset_of;

use iface_clock::Clock;
use linux_raw_sys::general::{__kernel_timespec as Timespec, iovec};
use linux_raw_sys::net::{MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_TRUNC, MSG_WAITALL, msghdr};
use open_file::{Beside, Errno, Received};

use super::Open;
use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::time::timespec;
use crate::transfer::zeros;
use crate::user::{LONGEST, User, plain};

/// Most pieces of a message, and most messages of a call (`UIO_MAXIOV`).
const MOST: usize = 1024;
/// Bytes that are received at a time where they are for several pieces: more than any message has.
const SCATTERED: usize = 256 * 1024;
/// A flag of recvmmsg(2), which linux-raw-sys lacks (Linux, `include/linux/socket.h`).
const MSG_WAITFORONE: u32 = 0x1_0000;

plain!(msghdr, Message);

/// A message of several (`struct mmsghdr`).
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Message {
    header: msghdr,
    length: u32,
}

impl User<Message> {
    fn header(self) -> User<msghdr> {
        User::new(self.address())
    }

    fn length(self) -> User<u32> {
        User::new(self.address().wrapping_add(offset_of!(Message, length)))
    }
}

impl<W: World> Linux<W> {
    pub fn send_message(&self, fd: Descriptor, message: User<msghdr>, flags: u32) -> Result<usize, Errno> {
        let open = self.open_socket(fd)?.with(flags);
        let message = self.load(message)?;
        let beside = self.beside_of(&open, &message)?;
        let name: User<u8> = User::new(message.msg_name as usize);
        let to = if name.is_null() {
            None
        } else {
            Some(self.peer_at(open.socket()?, name, message.msg_namelen as u32)?)
        };
        match *self.pieces_of(&message)? {
            [(address, length)] => {
                let length = length.min(LONGEST);
                let bytes = self.bytes(address, length)?;
                self.send_bytes(&open.using(address, length), bytes, flags, to.as_ref(), &beside)
            }
            ref pieces => self.send_bytes(&open, &self.gather(pieces)?, flags, to.as_ref(), &beside),
        }
    }

    fn pieces_of(&self, message: &msghdr) -> Result<Vec<(User<u8>, usize)>, Errno> {
        let count = message.msg_iovlen;
        if count > MOST {
            return Err(Errno::EMSGSIZE);
        }
        self.pieces(User::<iovec>::new(message.msg_iov as usize), count)
    }

    /// Sends messages one after the other; says how many went before an error.
    pub fn send_messages(
        &self,
        fd: Descriptor,
        messages: User<Message>,
        count: u32,
        flags: u32,
    ) -> Result<usize, Errno> {
        self.open_socket(fd)?;
        self.each_message(messages, count, |message| {
            let sent = self.send_message(fd, message.header(), flags)?;
            self.store(message.length(), sent as u32)
        })
    }

    /// Receives messages one after the other, until an error or until the time is over, which is looked at after each of them.
    pub fn receive_messages(
        &self,
        fd: Descriptor,
        messages: User<Message>,
        count: u32,
        flags: u32,
        time: User<Timespec>,
    ) -> Result<usize, Errno> {
        let deadline = self.deadline_of(time)?;
        self.open_socket(fd)?;
        let mut next = flags & !MSG_WAITFORONE;
        let mut is_over = false;
        let received = self.each_message(messages, count, |message| {
            if is_over {
                return Err(Errno::EAGAIN);
            }
            let length = self.receive_message(fd, message.header(), next)?;
            if flags & MSG_WAITFORONE != 0 {
                next |= MSG_DONTWAIT;
            }
            is_over = self.is_past(deadline);
            self.store(message.length(), length as u32)
        })?;
        if let Some(deadline) = deadline {
            self.store(time, timespec(deadline.since(self.clock.now())))?;
        }
        Ok(received)
    }

    /// Calls `each` with one message after the other until it fails; an error counts for the first alone.
    fn each_message(
        &self,
        messages: User<Message>,
        count: u32,
        mut each: impl FnMut(User<Message>) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let count = (count as usize).min(MOST);
        for done in 0..count {
            match each(messages.at(done)) {
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => return Ok(done),
                Ok(()) => {}
            }
        }
        Ok(count)
    }

    pub fn receive_message(&self, fd: Descriptor, to: User<msghdr>, flags: u32) -> Result<usize, Errno> {
        let mut open = self.open_socket(fd)?.with(flags);
        let message = self.load(to)?;
        let mut beside = Beside::default();
        let received = match *self.pieces_of(&message)? {
            [(address, length)] => {
                let length = length.min(LONGEST);
                open = open.using(address, length);
                self.receive_bytes(&open, self.bytes_mut(address, length)?, flags, Some(&mut beside))?
            }
            ref pieces => self.receive_scattered(&open, pieces, flags, &mut beside)?,
        };
        let name_length = match &received.from {
            Some(from) if !message.msg_name.is_null() => {
                let room = message.msg_namelen as u32;
                self.store_address_in(from, User::new(message.msg_name as usize), room)?
            }
            _ => 0,
        };
        let (control_length, cut) = self.store_beside(&open, &message, beside, flags)?;
        let whole = if received.whole > received.length { MSG_TRUNC } else { 0 };
        // The rest is the program's, and another thread may have changed it meanwhile.
        let field = |offset| to.address().wrapping_add(offset);
        self.store(User::new(field(offset_of!(msghdr, msg_namelen))), name_length)?;
        self.store(User::new(field(offset_of!(msghdr, msg_controllen))), control_length)?;
        let told = whole | cut | flags & MSG_CMSG_CLOEXEC;
        self.store(User::new(field(offset_of!(msghdr, msg_flags))), told)?;
        Ok(if flags & MSG_TRUNC != 0 { received.whole } else { received.length })
    }

    fn receive_scattered(
        &self,
        open: &Open,
        pieces: &[(User<u8>, usize)],
        flags: u32,
        beside: &mut Beside,
    ) -> Result<Received, Errno> {
        let most = if flags & MSG_WAITALL != 0 { LONGEST } else { SCATTERED };
        let room = pieces.iter().map(|(_, length)| *length).sum::<usize>().min(most);
        let mut buffer = zeros(room)?;
        let received = self.receive_bytes(open, &mut buffer, flags, Some(beside))?;
        self.scatter(&buffer[..received.length], pieces)?;
        Ok(received)
    }

    /// Fills the pieces of a message from their beginning.
    pub fn scatter(&self, mut bytes: &[u8], pieces: &[(User<u8>, usize)]) -> Result<(), Errno> {
        for (address, length) in pieces {
            let (piece, rest) = bytes.split_at(bytes.len().min(*length));
            self.bytes_mut(*address, piece.len())?.copy_from_slice(piece);
            bytes = rest;
        }
        Ok(())
    }
}
