//! Addresses of cards (IEEE 802, section 8.2).

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// In the first byte: an address of many cards.
const GROUP: u8 = 0b01;
/// In the first byte: an address that no maker gave.
const LOCAL: u8 = 0b10;

/// Six bytes of two hexadecimal digits between colons, of one card, not all zero.
pub fn parse(text: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut digits = text.split(':');
    for byte in &mut address {
        let digits = digits.next().filter(|digits| digits.len() == 2 && !digits.starts_with('+'))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    (digits.next().is_none() && address[0] & GROUP == 0 && address != [0; 6]).then_some(address)
}

/// An address that is locally administered, of one card.
pub fn random() -> Result<[u8; 6], Errno> {
    let mut address = [0; 6];
    // So few bytes come whole (getrandom(2)).
    getrandom(&mut address, GetRandomFlags::empty())?;
    address[0] = address[0] & !GROUP | LOCAL;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed() {
        assert_eq!(parse("02:00:0a:FF:10:99"), Some([2, 0, 10, 255, 16, 153]));
        for wrong in ["", "02:00:00:00:00", "02:00:00:00:00:01:02", "01:00:00:00:00:01", "00:00:00:00:00:00"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        for wrong in [
            "2:0:0:0:0:1",
            "02-00-00-00-00-01",
            "0g:00:00:00:00:00",
            "+2:00:00:00:00:01",
            "02:00:00:00:00:01 ",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn random_addresses_are_local_and_differ() {
        let [one, other] = [random().unwrap(), random().unwrap()];
        assert_eq!([one[0] & 3, other[0] & 3], [LOCAL, LOCAL]);
        assert_ne!(one, other);
    }
}
