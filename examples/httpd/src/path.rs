//! From the target of a request to a path in the file system.

use alloc::vec::Vec;

/// The path that a request's target names, escapes resolved and the query cut off (RFC 9112, section 3.2); `None`
/// where it is malformed. A path that climbs with `..` needs no care here: a file system's lookup stops at its root.
pub fn decode(target: &str) -> Option<Vec<u8>> {
    let path = match target.as_bytes() {
        [b'/', ..] => target,
        // The absolute form, which proxies use.
        _ => {
            let authority = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"))?;
            authority.find('/').map_or("/", |slash| &authority[slash..])
        }
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' { digit(bytes.next()?)? << 4 | digit(bytes.next()?)? } else { byte };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn targets() {
        for (target, path) in [
            ("/", "/"),
            ("/a%20b?x=%zz#y", "/a b"),
            ("http://host/x", "/x"),
            ("https://host", "/"),
            ("/%2e%2e/x", "/../x"),
        ] {
            assert_eq!(decode(target).as_deref(), Some(path.as_bytes()), "{target}");
        }
    }

    #[test]
    fn malformed_targets() {
        for target in ["*", "relative", "/%", "/%4", "/%zz", "/%00", "ftp://host/x"] {
            assert_eq!(decode(target), None, "{target}");
        }
    }
}
