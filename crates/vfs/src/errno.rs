//! Errors of file systems as those of Linux.

use iface_filesystem::FileError;
use iface_vfs::Errno;

/// Linux's number for why a file system could not do something.
pub(crate) fn errno(error: FileError) -> Errno {
    match error {
        FileError::NotFound => Errno::ENOENT,
        FileError::Exists => Errno::EEXIST,
        FileError::NotADirectory => Errno::ENOTDIR,
        FileError::IsADirectory => Errno::EISDIR,
        FileError::NotEmpty => Errno::ENOTEMPTY,
        FileError::ReadOnly => Errno::EROFS,
        FileError::NoSpace => Errno::ENOSPC,
        FileError::InvalidName => Errno::EINVAL,
        FileError::TooManyLinks => Errno::ELOOP,
        FileError::Unsupported => Errno::EPERM,
        // Linux has EUCLEAN for some file systems, which programs do not expect.
        FileError::Corrupt | FileError::DiskFailed => Errno::EIO,
    }
}
