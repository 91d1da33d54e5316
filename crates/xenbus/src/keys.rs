use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

use iface_xenstore::{StoreError, Tree};

use crate::Error;

/// A directory of the store, and what its values mean.
#[derive(Clone, Debug)]
pub struct Keys<T> {
    tree: T,
    path: String,
}

impl<T: Tree> Keys<T> {
    /// The directory at `path`.
    pub fn new(tree: T, path: String) -> Self {
        Self { tree, path }
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of `key`, where there is one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let path = self.path_of(key);
        match self.tree.read(&path) {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(Error::Store { path, error }),
        }
    }

    /// The number at `key`, where there is a value.
    ///
    /// # Errors
    /// [`Error::Value`] where it is no decimal number or not in `bounds`, or [`Error::Store`].
    pub fn number(&self, key: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(value) = self.text(key)? else { return Ok(None) };
        match decimal(&value).filter(|number| bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let wanted = format!("a number from {} to {}", bounds.start(), bounds.end());
                Err(self.unfit(key, value, wanted))
            }
        }
    }

    /// Whether `key` is there and says `1`.
    ///
    /// # Errors
    /// [`Error::Value`] where it is neither `0` nor `1`, or [`Error::Store`].
    pub fn flag(&self, key: &str) -> Result<bool, Error> {
        match self.text(key)? {
            None => Ok(false),
            Some(value) => match value.as_str() {
                "0" => Ok(false),
                "1" => Ok(true),
                _ => Err(self.unfit(key, value, "0 or 1".into())),
            },
        }
    }

    /// The error that says that `key` has a value where `wanted` belongs.
    pub fn unfit(&self, key: &str, value: String, wanted: String) -> Error {
        Error::Value { path: self.path_of(key), value, wanted }
    }

    /// Where `key` is.
    pub fn path_of(&self, key: &str) -> String {
        format!("{}/{key}", self.path)
    }
}

/// The number that a text of decimal digits and nothing else stands for.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
