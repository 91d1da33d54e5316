//! What the process was started with, and its end.

use core::slice;

use iface_platform::{CommandLine, ExitStatus, Platform};
use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::arguments::command_line;
use crate::start::{Boot, InitError};
use crate::system_call;

/// The process.
#[derive(Clone, Copy, Debug)]
pub struct LinuxPlatform {
    command_line: CommandLine<'static>,
    initrd: Option<&'static [u8]>,
}

impl LinuxPlatform {
    /// Reads the arguments, and maps the file that `initrd=` names.
    pub(crate) fn new(boot: &Boot) -> Result<Self, InitError> {
        let line = command_line(boot.arguments()).map_err(InitError::Argument)?;
        let command_line = CommandLine::new(line.leak());
        let initrd = command_line.setting("initrd").map(mapped).transpose().map_err(InitError::Initrd)?;
        Ok(Self { command_line, initrd })
    }
}

impl Platform for LinuxPlatform {
    fn command_line(&self) -> CommandLine<'static> {
        self.command_line
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        self.initrd
    }

    fn exit(&self, status: ExitStatus) -> ! {
        system_call::exit(status.0)
    }
}

/// The bytes of a file, for as long as the process lives. They must not change meanwhile.
fn mapped(path: &str) -> Result<&'static [u8], Errno> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let length = usize::try_from(fstat(&file)?.st_size).map_err(|_| Errno::FBIG)?;
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: the kernel chooses the place, so nothing else is there.
    let start = unsafe { mmap(core::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &file, 0)? };
    // SAFETY: the map is readable, `length` bytes long, and never unmapped. That nobody changes the file is asked of
    // who starts the image, as it is for the image itself.
    Ok(unsafe { slice::from_raw_parts(start.cast(), length) })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn a_file_is_mapped_whole() {
        let path = std::env::current_exe().unwrap();
        let expected = std::fs::read(&path).unwrap();
        assert!(mapped(path.to_str().unwrap()).unwrap() == expected);
    }

    #[test]
    fn a_file_without_bytes_or_name_is_told() {
        assert_eq!(mapped("/dev/null"), Ok(&[][..]));
        assert_eq!(mapped("/nonexistent"), Err(Errno::NOENT));
        assert_eq!(mapped("/"), Err(Errno::NODEV));
    }
}
