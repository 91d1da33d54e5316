//! Control messages: descriptors and credentials that go along with bytes (unix(7), cmsg(3)).

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;

use linux_raw_sys::net::{MSG_CMSG_CLOEXEC, SO_PASSCRED, SOL_SOCKET, msghdr};
use open_file::{Address, Beside, Credentials, Errno, Right};

use super::Open;
use crate::descriptors::{Description, Descriptor, Entry};
use crate::identity::PROCESS;
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// Types of control messages, and the flag that some were cut, which linux-raw-sys lacks (Linux, `include/linux/socket.h`).
const SCM_RIGHTS: u32 = 1;
const SCM_CREDENTIALS: u32 = 2;
const MSG_CTRUNC: u32 = 8;
/// Most descriptors of a message (`SCM_MAX_FD`).
const MOST_RIGHTS: usize = 253;
/// Most bytes of control messages that are sent (`net.core.optmem_max`).
const LONGEST: usize = 128 * 1024;
/// Control messages begin at multiples of this.
const ALIGNMENT: usize = 8;

plain!(Header, Ids);

/// What is before a control message (`struct cmsghdr`).
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    /// Bytes of it, these included.
    length: usize,
    level: u32,
    kind: u32,
}

/// Process, user and group (`struct ucred`).
#[derive(Clone, Copy)]
#[repr(C)]
struct Ids {
    process: u32,
    user: u32,
    group: u32,
}

/// Where control messages are put, and how much of it is left.
struct Room {
    at: usize,
    left: usize,
    used: usize,
}

impl Room {
    /// What a message of so many bytes takes, with what comes before the next, if that fits.
    fn take(&mut self, length: usize) {
        let taken = length.next_multiple_of(ALIGNMENT).min(self.left);
        (self.at, self.left, self.used) = (self.at + taken, self.left - taken, self.used + taken);
    }
}

impl<W: World> Linux<W> {
    /// What a program has go along with a message. Sockets that are not of Unix pass nothing along.
    pub(super) fn beside_of(&self, open: &Open, message: &msghdr) -> Result<Beside, Errno> {
        let mut beside = Beside::default();
        if message.msg_controllen == 0 {
            return Ok(beside);
        }
        if message.msg_controllen > LONGEST {
            return Err(Errno::ENOBUFS);
        }
        let control = message.msg_control as usize;
        self.bytes(User::new(control), message.msg_controllen)?;
        let is_unix = matches!(open.socket()?.local(), Ok(Address::Unix(_)));
        let mut at = 0;
        while message.msg_controllen.saturating_sub(at) >= size_of::<Header>() {
            let header: Header = self.load(User::new(control + at))?;
            if header.length < size_of::<Header>() || header.length > message.msg_controllen - at {
                return Err(Errno::EINVAL);
            }
            let body = (control + at + size_of::<Header>(), header.length - size_of::<Header>());
            match header.kind {
                _ if header.level != SOL_SOCKET && is_unix => {}
                _ if header.level != SOL_SOCKET => return Err(Errno::EOPNOTSUPP),
                SCM_RIGHTS | SCM_CREDENTIALS if !is_unix => {}
                SCM_RIGHTS => self.add_rights(&mut beside.rights, body)?,
                SCM_CREDENTIALS => beside.credentials = Some(self.given_credentials(body)?),
                _ => return Err(Errno::EINVAL),
            }
            at += header.length.next_multiple_of(ALIGNMENT);
        }
        Ok(beside)
    }

    fn add_rights(&self, rights: &mut Vec<Right>, (at, length): (usize, usize)) -> Result<(), Errno> {
        let count = length / size_of::<i32>();
        if rights.len() + count > MOST_RIGHTS {
            return Err(Errno::EINVAL);
        }
        let descriptors = self.descriptors.borrow();
        for fd in self.load_all(User::<i32>::new(at), count)? {
            let entry = descriptors.get(Descriptor(fd))?;
            rights.push(Right {
                file: Rc::clone(entry.file()),
                description: Rc::clone(&entry.description) as _,
            });
        }
        Ok(())
    }

    /// Who the program says it is: as itself, or with root's rights as any user.
    fn given_credentials(&self, (at, length): (usize, usize)) -> Result<Credentials, Errno> {
        if length != size_of::<Ids>() {
            return Err(Errno::EINVAL);
        }
        let Ids { process, user, group } = self.load(User::new(at))?;
        let users = self.users.borrow();
        if users.user.effective != 0 && !(users.user.has(user) && users.group.has(group)) {
            return Err(Errno::EPERM);
        }
        if process != PROCESS as u32 {
            return Err(Errno::ESRCH);
        }
        Ok(Credentials { process, user, group })
    }

    fn own_credentials(&self) -> Credentials {
        let users = self.users.borrow();
        Credentials { process: PROCESS as u32, user: users.user.real, group: users.group.real }
    }

    /// Stores what came along with a message where the program has a place for it. Says how much of that is used, and whether
    /// something did not fit (`MSG_CTRUNC`), which is lost.
    pub(super) fn store_beside(
        &self,
        open: &Open,
        message: &msghdr,
        beside: Beside,
        flags: u32,
    ) -> Result<(usize, u32), Errno> {
        let left = message.msg_controllen;
        if left == 0 && beside.is_empty() {
            return Ok((0, 0));
        }
        let wants_credentials = open
            .socket()?
            .option(SOL_SOCKET, SO_PASSCRED)
            .is_ok_and(|value| value.first().is_some_and(|on| *on != 0));
        let is_unix = matches!(open.socket()?.local(), Ok(Address::Unix(_)));
        let mut room = Room { at: message.msg_control as usize, left, used: 0 };
        if room.at == 0 {
            room.left = 0;
        }
        let mut is_cut = false;
        if wants_credentials && is_unix {
            let credentials = beside.credentials.unwrap_or_else(|| self.own_credentials());
            is_cut |= self.put_credentials(&mut room, credentials)?;
        }
        if !beside.rights.is_empty() {
            is_cut |= self.put_rights(&mut room, beside.rights, flags & MSG_CMSG_CLOEXEC != 0)?;
        }
        Ok((room.used, if is_cut { MSG_CTRUNC } else { 0 }))
    }

    /// Says whether they were cut.
    fn put_credentials(&self, room: &mut Room, credentials: Credentials) -> Result<bool, Errno> {
        let Credentials { process, user, group } = credentials;
        let bytes: Vec<u8> = [process, user, group].into_iter().flat_map(u32::to_ne_bytes).collect();
        let whole = size_of::<Header>() + bytes.len();
        let length = whole.min(room.left);
        if length < size_of::<Header>() {
            return Ok(true);
        }
        let kept = &bytes[..length - size_of::<Header>()];
        self.bytes_mut(User::new(room.at + size_of::<Header>()), kept.len())?.copy_from_slice(kept);
        self.store(User::new(room.at), Header { length, level: SOL_SOCKET, kind: SCM_CREDENTIALS })?;
        room.take(length);
        Ok(length < whole)
    }

    /// Gives the program a descriptor of each, as long as there is room and there are numbers. Says whether some got none.
    fn put_rights(&self, room: &mut Room, rights: Vec<Right>, close_on_exec: bool) -> Result<bool, Errno> {
        let total = rights.len();
        let fit = room.left.saturating_sub(size_of::<Header>()) / size_of::<i32>();
        let mut put = 0;
        for right in rights.into_iter().take(fit) {
            // Nobody else makes what is passed.
            let Ok(description) = Rc::<dyn Any>::downcast::<Description>(right.description) else { break };
            let place: User<i32> = User::new(room.at + size_of::<Header>());
            if !self.descriptors.borrow().has_room() {
                break;
            }
            let fd = self.descriptors.borrow_mut().add(Entry { description, close_on_exec })?;
            self.store(place.at(put), fd.0).inspect_err(|_| self.forget(&[fd]))?;
            put += 1;
        }
        if put > 0 {
            let length = size_of::<Header>() + put * size_of::<i32>();
            self.store(User::new(room.at), Header { length, level: SOL_SOCKET, kind: SCM_RIGHTS })?;
            room.take(length);
        }
        Ok(put < total)
    }
}
