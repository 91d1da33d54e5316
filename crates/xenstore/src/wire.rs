//! Messages (`struct xsd_sockmsg` of `public/io/xs_wire.h`), and what their payloads mean.

use alloc::string::String;
use alloc::vec::Vec;

use iface_xenstore::StoreError;

/// Bytes of a header.
pub(crate) const HEADER: usize = 16;

/// Bytes that a payload has at most (`XENSTORE_PAYLOAD_MAX`).
pub(crate) const PAYLOAD_MAX: usize = 4096;

/// Types of messages (`enum xsd_sockmsg_type`), those that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Type {
    Directory = 1,
    Read = 2,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Write = 11,
    Remove = 13,
    WatchEvent = 15,
    Error = 16,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u32,
    pub(crate) request: u32,
    pub(crate) transaction: u32,
    /// Bytes of the payload.
    pub(crate) length: u32,
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let words = [self.kind, self.request, self.transaction, self.length];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; HEADER]) -> Self {
        let word = |n: usize| u32::from_ne_bytes([bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]]);
        Self { kind: word(0), request: word(4), transaction: word(8), length: word(12) }
    }
}

/// A message of the store, whole.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

impl Message {
    /// The payload of an answer to a request of type `asked`.
    pub(crate) fn into_answer(self, asked: Type) -> Result<Vec<u8>, StoreError> {
        match self.header.kind {
            kind if kind == asked as u32 => Ok(self.payload),
            kind if kind == Type::Error as u32 => Err(error(&self.payload)),
            _ => Err(StoreError::Malformed),
        }
    }

    /// Path and token of a watch's event. The path is in the payload's own memory.
    pub(crate) fn into_event(self) -> Option<(String, u32)> {
        let mut payload = String::from_utf8(self.payload).ok()?;
        let (path, token) = payload.strip_suffix('\0')?.split_once('\0')?;
        let (length, token) = (path.len(), decimal(token)?);
        payload.truncate(length);
        Some((payload, token))
    }
}

/// The error that a name stands for (`xsd_errors`).
fn error(payload: &[u8]) -> StoreError {
    match payload.strip_suffix(b"\0").unwrap_or(payload) {
        b"ENOENT" => StoreError::NotFound,
        b"EACCES" | b"EPERM" => StoreError::Denied,
        name if is_name(name) => StoreError::Refused(String::from_utf8_lossy(name).into()),
        _ => StoreError::Malformed,
    }
}

fn is_name(name: &[u8]) -> bool {
    let letters = name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    letters && name.starts_with(b"E") && name.len() <= 32
}

/// A value.
pub(crate) fn text(payload: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(payload).map_err(|_| StoreError::Malformed)
}

/// Names of a directory, each with a zero behind it.
pub(crate) fn names(payload: Vec<u8>) -> Result<Vec<String>, StoreError> {
    let payload = text(payload)?;
    if payload.is_empty() {
        return Ok(Vec::new());
    }
    let names = payload.strip_suffix('\0').ok_or(StoreError::Malformed)?.split('\0');
    let name = |name: &str| match name {
        "" => Err(StoreError::Malformed),
        name if name.contains('/') => Err(StoreError::Malformed),
        name => Ok(name.into()),
    };
    names.map(name).collect()
}

/// The number of a transaction that began.
pub(crate) fn transaction(payload: Vec<u8>) -> Result<u32, StoreError> {
    let payload = text(payload)?;
    let number = payload.strip_suffix('\0').and_then(decimal);
    number.filter(|number| *number != 0).ok_or(StoreError::Malformed)
}

fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u32, payload: &[u8]) -> Message {
        let header = Header { kind, request: 1, transaction: 0, length: payload.len() as u32 };
        Message { header, payload: payload.into() }
    }

    #[test]
    fn a_header_is_four_words() {
        let header = Header { kind: 2, request: 0x0102_0304, transaction: 7, length: 4096 };
        let bytes = header.to_bytes();
        assert_eq!(bytes[4..8], 0x0102_0304_u32.to_ne_bytes());
        assert_eq!(Header::from_bytes(bytes), header);
    }

    #[test]
    fn errors_have_names() {
        let answer = |payload: &[u8]| message(16, payload).into_answer(Type::Read);
        assert_eq!(answer(b"ENOENT\0"), Err(StoreError::NotFound));
        assert_eq!(answer(b"EACCES\0"), Err(StoreError::Denied));
        assert_eq!(answer(b"EAGAIN\0"), Err(StoreError::Refused("EAGAIN".into())));
        assert_eq!(answer(b"E2BIG"), Err(StoreError::Refused("E2BIG".into())));
        for wrong in [&b""[..], b"\0", b"no", b"E\x1b[2J", &[b'E'; 33]] {
            assert_eq!(answer(wrong), Err(StoreError::Malformed), "{wrong:?}");
        }
        assert_eq!(message(1, b"x").into_answer(Type::Read), Err(StoreError::Malformed));
    }

    #[test]
    fn names_end_with_zeros() {
        assert_eq!(names(b"".to_vec()), Ok(Vec::new()));
        assert_eq!(names(b"vif\0vbd\0".to_vec()), Ok(["vif".into(), "vbd".into()].into()));
        for wrong in [&b"vif"[..], b"\0", b"a\0\0", b"a/b\0", b"\xff\0"] {
            assert_eq!(names(wrong.to_vec()), Err(StoreError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn transactions_and_events_have_numbers() {
        assert_eq!(transaction(b"4294967295\0".to_vec()), Ok(u32::MAX));
        for wrong in [&b"0\0"[..], b"1", b"+1\0", b"4294967296\0", b"\0"] {
            assert_eq!(transaction(wrong.to_vec()), Err(StoreError::Malformed), "{wrong:?}");
        }
        assert_eq!(message(15, b"a/b\x0012\0").into_event(), Some(("a/b".into(), 12)));
        for wrong in [&b"a/b\x0012"[..], b"12\0", b"a\x00x\0", b"\xff\x0012\0", b"a\x001\x002\0"] {
            assert_eq!(message(15, wrong).into_event(), None, "{wrong:?}");
        }
    }
}
