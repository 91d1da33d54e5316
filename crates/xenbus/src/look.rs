//! What the store says of a device's backend.

use alloc::format;
use alloc::string::String;

use iface_xenstore::{StoreError, Tree};
use xen_abi::DomainId;

use crate::{Device, Error, Keys, State};

/// Domain numbers are below this (`DOMID_FIRST_RESERVED` of `public/xen.h`).
const FIRST_RESERVED: u64 = 0x7ff0;

/// The backend of a device, as the host named it.
#[derive(Clone, Debug)]
pub struct Backend<T> {
    /// The domain that it is in: the one to grant pages to, and to open event channels for.
    pub domain: DomainId,
    /// What it says of itself.
    pub keys: Keys<T>,
}

/// What was seen of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The host names none, or it has no state.
    Absent,
    /// It is in this state.
    State(State),
}

impl<T: Tree> Backend<T> {
    /// The backend that the host names in the device's own directory, if it names one.
    pub(crate) fn find(tree: T, own: &Keys<T>) -> Result<Option<Self>, Error> {
        let Some(path) = own.text("backend")? else { return Ok(None) };
        let Some(domain) = own.number("backend-id", 0..=FIRST_RESERVED - 1)? else { return Ok(None) };
        // The bounds are those of 15 bits.
        let domain = DomainId(domain as u16);
        let parent = format!("/local/domain/{}/backend/", domain.0);
        match path.strip_prefix(&parent) {
            Some(name) if !name.is_empty() => Ok(Some(Self { domain, keys: Keys::new(tree, path) })),
            _ => Err(own.unfit("backend", path, format!("a path below {parent}"))),
        }
    }

    /// Its state.
    pub(crate) fn seen(&self) -> Result<Seen, Error> {
        let state = self.keys.text("state")?;
        Ok(state.map_or(Seen::Absent, |value| Seen::State(State::parse(&value))))
    }

    /// Whether the host wants the device in use. Where it does not say, it does: it was attached.
    pub(crate) fn online(&self) -> Result<bool, Error> {
        Ok(self.keys.text("online")?.as_deref() != Some("0"))
    }

    /// What the host's scripts say went wrong with `device`, if anything.
    pub(crate) fn check_hotplug(&self, device: Device) -> Result<(), Error> {
        if self.keys.text("hotplug-status")?.as_deref() != Some("error") {
            return Ok(());
        }
        let message = self.keys.text("hotplug-error")?;
        let message =
            message.unwrap_or_else(|| format!("{} is `error`", self.keys.path_of("hotplug-status")));
        Err(Error::Reported { device, message })
    }

    /// What the backend's driver wrote down as its error: in its own domain, where this one may not be allowed to look.
    pub(crate) fn driver_error(&self, tree: &T) -> Option<String> {
        let home = format!("/local/domain/{}", self.domain.0);
        let name = self.keys.path().strip_prefix(&home)?;
        let message: Result<String, StoreError> = tree.read(&format!("{home}/error{name}/error"));
        message.ok()
    }

    /// Whether `other` is the same one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.domain == other.domain && self.keys.path() == other.keys.path()
    }
}
