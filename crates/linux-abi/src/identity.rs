//! Who the process is, and where it runs.

use iface_arch::Arch;
use iface_entropy::Entropy;
use iface_platform::{ExitStatus, Platform};
use linux_raw_sys::general::{GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM};
use linux_raw_sys::prctl::{PR_GET_NAME, PR_SET_NAME};
use linux_raw_sys::system::new_utsname;
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// The one process.
const PROCESS: usize = 1;
/// Bytes of a thread's name with its zero byte (`TASK_COMM_LEN`).
const NAME_LENGTH: usize = 16;
/// The release of Linux whose calls these are: libraries decide by it what they may call.
const RELEASE: &str = "6.1.0";

plain!(new_utsname);

impl<W: World> Linux<W> {
    pub fn process(&self) -> usize {
        PROCESS
    }

    /// The session and group of a process.
    pub fn process_of(&self, process: i32) -> Result<usize, Errno> {
        if matches!(process, 0 | 1) { Ok(PROCESS) } else { Err(Errno::ESRCH) }
    }

    /// root, three times.
    pub fn users(&self, real: User<u32>, effective: User<u32>, saved: User<u32>) -> Result<(), Errno> {
        [real, effective, saved].into_iter().try_for_each(|to| self.store(to, 0))
    }

    /// root stays root.
    pub fn set_user(&self, id: u32) -> Result<(), Errno> {
        if id == 0 { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// No further ones.
    pub fn groups(&self, most: i32, _to: User<u32>) -> Result<usize, Errno> {
        if most < 0 { Err(Errno::EINVAL) } else { Ok(0) }
    }

    /// Is as it is asked to be.
    pub fn nothing(&self) {}

    /// As in a namespace of its own, the first process has none above it.
    pub fn parent(&self) -> usize {
        0
    }

    /// root.
    pub fn user(&self) -> usize {
        0
    }

    pub fn set_mask(&self, mask: u32) -> usize {
        self.mask.replace(mask as u16 & 0o777).into()
    }

    pub fn exit_group(&self, status: i32) {
        self.platform.exit(ExitStatus(status as u8))
    }

    pub fn random(&self, buffer: User<u8>, length: usize, flags: u32) -> Result<usize, Errno> {
        if flags & !(GRND_INSECURE | GRND_NONBLOCK | GRND_RANDOM) != 0 {
            return Err(Errno::EINVAL);
        }
        let buffer = self.bytes_mut(buffer, length.min(crate::user::LONGEST))?;
        self.entropy.fill(buffer).map_err(|_| Errno::EIO)?;
        Ok(buffer.len())
    }

    pub fn names(&self, to: User<new_utsname>) -> Result<(), Errno> {
        let host = self.platform.command_line().setting("hostname").unwrap_or("unicore");
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

    pub fn process_control(&self, option: u32, argument: usize) -> Result<(), Errno> {
        match option {
            PR_SET_NAME => {
                let given = self.text(User::new(argument), NAME_LENGTH - 1);
                let mut name = [0; NAME_LENGTH];
                let bytes = match given? {
                    Some(bytes) => bytes,
                    None => self.bytes(User::new(argument), NAME_LENGTH - 1)?,
                };
                name[..bytes.len()].copy_from_slice(bytes);
                self.name.set(name);
                Ok(())
            }
            PR_GET_NAME => self.store(User::new(argument), self.name.get()),
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
