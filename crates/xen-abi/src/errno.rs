use core::fmt::{self, Display};

/// Why a hypercall failed (`errno.h`), a positive number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub u32);

impl Errno {
    /// What a hypercall returned: its value where that is no negative number.
    pub const fn check(returned: isize) -> Result<usize, Self> {
        if returned < 0 { Err(Self(returned.unsigned_abs() as u32)) } else { Ok(returned.unsigned_abs()) }
    }

    /// Its name, for those that a domain meets.
    const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "EPERM",
            2 => "ENOENT",
            3 => "ESRCH",
            7 => "E2BIG",
            12 => "ENOMEM",
            13 => "EACCES",
            14 => "EFAULT",
            16 => "EBUSY",
            17 => "EEXIST",
            22 => "EINVAL",
            28 => "ENOSPC",
            38 => "ENOSYS",
            95 => "EOPNOTSUPP",
            _ => return None,
        })
    }
}

impl Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::Errno;

    #[test]
    fn a_negative_return_is_an_error() {
        assert_eq!(Errno::check(7), Ok(7));
        assert_eq!(Errno::check(-22).unwrap_err().to_string(), "EINVAL");
        assert_eq!(Errno::check(-77).unwrap_err().to_string(), "error 77");
    }
}
