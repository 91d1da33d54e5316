//! Who the process is, and where it runs.

use alloc::vec::Vec;

use iface_arch::Arch;
use iface_entropy::Entropy;
use iface_platform::{ExitStatus, Platform};
use iface_vfs::{HOST_NAME, RELEASE};
use linux_raw_sys::general::{GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM};
use linux_raw_sys::prctl::{
    PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_GET_NAME, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NAME,
    PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_TIMERSLACK,
};
use linux_raw_sys::system::new_utsname;
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::shown::Beginning;
use crate::user::{User, plain};

/// The one process.
pub(crate) const PROCESS: usize = 1;
/// Bytes of a thread's name with its zero byte (`TASK_COMM_LEN`).
const NAME_LENGTH: usize = 16;

plain!(new_utsname);

impl<W: World> Linux<W> {
    pub fn process(&self) -> usize {
        PROCESS
    }

    /// The session and group of a process.
    pub fn process_of(&self, process: i32) -> Result<usize, Errno> {
        if matches!(process, 0 | 1) { Ok(PROCESS) } else { Err(Errno::ESRCH) }
    }

    /// Is as it is asked to be.
    pub fn nothing(&self) {}

    /// As in a namespace of its own, the first process has none above it.
    pub fn parent(&self) -> usize {
        0
    }

    /// It leads its session and its group already.
    pub fn new_session(&self) -> Result<usize, Errno> {
        Err(Errno::EPERM)
    }

    /// As [`new_session`](Linux::new_session).
    pub fn set_process_group(&self, process: i32, group: i32) -> Result<(), Errno> {
        match (process, group) {
            (_, ..0) => Err(Errno::EINVAL),
            (0 | 1, _) => Err(Errno::EPERM),
            _ => Err(Errno::ESRCH),
        }
    }

    /// There are no children to wait for.
    pub fn wait_for_child(&self) -> Result<(), Errno> {
        Err(Errno::ECHILD)
    }

    pub fn set_mask(&self, mask: u32) -> usize {
        self.mask.replace(mask as u16 & 0o777).into()
    }

    pub fn exit_group(&self, status: i32) {
        self.platform.exit(ExitStatus(status as u8))
    }

    pub fn random(&self, buffer: User<u8>, length: usize, flags: u32) -> Result<usize, Errno> {
        let both = flags & (GRND_INSECURE | GRND_RANDOM) == GRND_INSECURE | GRND_RANDOM;
        if both || flags & !(GRND_INSECURE | GRND_NONBLOCK | GRND_RANDOM) != 0 {
            return Err(Errno::EINVAL);
        }
        let buffer = self.bytes_mut(buffer, length.min(crate::user::LONGEST))?;
        self.entropy.fill(buffer).map_err(|_| Errno::EIO)?;
        Ok(buffer.len())
    }

    pub fn names(&self, to: User<new_utsname>) -> Result<(), Errno> {
        let host = self.platform.command_line().setting("hostname").unwrap_or(HOST_NAME);
        let names = new_utsname {
            sysname: field("Linux"),
            nodename: field(host),
            release: field(RELEASE),
            version: field("Unicore"),
            machine: field(W::Arch::NAME),
            domainname: field("(none)"),
        };
        self.store(to, names)
    }

    /// Has the first thread named as its program is, without directories.
    pub fn name_after(&self, beginning: &Beginning) {
        let path = beginning.arguments.first().map(Vec::as_slice).unwrap_or_default();
        let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let mut name = [0; NAME_LENGTH];
        let length = base.len().min(NAME_LENGTH - 1);
        name[..length].copy_from_slice(&base[..length]);
        self.name.set(name);
    }

    pub fn process_control(&self, option: u32, argument: usize) -> Result<usize, Errno> {
        match option {
            // What no other process could do to this one is as it is asked to be.
            PR_SET_DUMPABLE | PR_SET_PDEATHSIG | PR_SET_KEEPCAPS | PR_SET_TIMERSLACK => Ok(0),
            PR_SET_NO_NEW_PRIVS if argument == 1 => Ok(0),
            PR_GET_DUMPABLE => Ok(1),
            PR_GET_KEEPCAPS => Ok(0),
            PR_SET_NAME => {
                let given = self.text(User::new(argument), NAME_LENGTH - 1);
                let mut name = [0; NAME_LENGTH];
                let bytes = match given? {
                    Some(bytes) => bytes,
                    None => self.bytes(User::new(argument), NAME_LENGTH - 1)?,
                };
                name[..bytes.len()].copy_from_slice(bytes);
                self.name.set(name);
                Ok(0)
            }
            PR_GET_NAME => self.store(User::new(argument), self.name.get()).map(|()| 0),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Text in a field with a zero byte behind it; what is too long is cut.
fn field(text: &str) -> [core::ffi::c_char; 65] {
    let mut field = [0; 65];
    for (to, from) in field[..64].iter_mut().zip(text.bytes()) {
        *to = from as core::ffi::c_char;
    }
    field
}
