use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use iface_xenstore::{StoreError, Tree};

use crate::{Error, keys};

/// A kind of device, as its driver names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The directory of such devices below `device`: `vif`, `vbd`.
    pub name: &'static str,
    /// What to look at when the backend of one does not come, as a question: `is the bridge there?`
    pub hint: &'static str,
}

/// A device that the host gave this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// What it is.
    pub kind: Kind,
    /// Its number among those of its kind: `0` of `device/vif/0`.
    pub number: u32,
}

impl Device {
    /// Its directory in the store, relative to the domain's own.
    pub fn path(&self) -> String {
        format!("device/{}/{}", self.kind.name, self.number)
    }
}

impl Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name, self.number)
    }
}

/// The devices of `kind`, by number; what is not named by a number is none.
///
/// # Errors
/// [`Error::Store`]. That there are none is no error.
pub fn devices<T: Tree>(store: &T, kind: Kind) -> Result<Vec<Device>, Error> {
    let path = format!("device/{}", kind.name);
    let names = match store.list(&path) {
        Ok(names) => names,
        Err(StoreError::NotFound) => Vec::new(),
        Err(error) => return Err(Error::Store { path, error }),
    };
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers.into_iter().map(|number| Device { kind, number }).collect())
}

/// The number that `name` is, written as [`Device::path`] writes it.
fn number(name: &str) -> Option<u32> {
    let plain = name == "0" || !name.starts_with('0');
    let number = keys::decimal(name).filter(|_| plain)?;
    u32::try_from(number).ok()
}
