//! The address of a card.

use iface_xenstore::Tree;
use xenbus::Keys;

use crate::InitError;

/// The address that the host gave the card with these keys, where it gave one.
///
/// # Errors
/// [`InitError::Store`], also where it is none: six bytes in hexadecimal, with colons between them.
pub(crate) fn of<T: Tree>(keys: &Keys<T>) -> Result<Option<[u8; 6]>, InitError> {
    let Some(text) = keys.text("mac").map_err(InitError::Store)? else { return Ok(None) };
    match parse(&text) {
        Some(address) => Ok(Some(address)),
        None => Err(InitError::Store(keys.unfit("mac", text, "an address as 00:16:3e:01:02:03".into()))),
    }
}

/// An address for a card that is not there yet: locally administered (IEEE 802, section 8.4), and the domain's own on its
/// host.
pub(crate) fn made_up(store: &impl Tree) -> [u8; 6] {
    let domain = store.read("domid").ok().and_then(|text| text.parse::<u16>().ok());
    let [high, low] = domain.unwrap_or_default().to_be_bytes();
    [0x02, 0x16, 0x3e, 0, high, low]
}

fn parse(text: &str) -> Option<[u8; 6]> {
    let mut bytes = text.split(':').map(|byte| match byte.as_bytes() {
        [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            u8::from_str_radix(byte, 16).ok()
        }
        _ => None,
    });
    let mut address = [0; 6];
    for byte in &mut address {
        *byte = bytes.next()??;
    }
    bytes.next().is_none().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_address_is_six_bytes() {
        assert_eq!(parse("00:16:3e:0a:FF:01"), Some([0, 0x16, 0x3e, 10, 255, 1]));
        for text in [
            "",
            "00:16:3e:0a:ff",
            "00:16:3e:0a:ff:01:02",
            "00:16:3e:0a:ff:+1",
            "0:16:3e:0a:ff:001",
            "00-16-3e-0a-ff-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
