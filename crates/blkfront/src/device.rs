//! Which of the domain's disks it is (`docs/man/xen-vbd-interface.7.pandoc`).

use alloc::vec::Vec;
use core::fmt::{self, Display};

use iface_xenstore::Xenstore;
use xenbus::{Device, Keys, Kind};

use crate::InitError;

const DISK: Kind = Kind { name: "vbd", hint: "is the disk's file there?" };

/// The device that `wanted` names; the first that is no CD-ROM drive where it names none.
pub(crate) fn choose<X: Xenstore>(store: X, wanted: Option<&'static str>) -> Result<Device, InitError> {
    let devices = xenbus::devices(&store, DISK)?;
    let Some(name) = wanted else {
        for device in &devices {
            let kind = Keys::new(store, device.path()).text("device-type")?;
            if kind.as_deref() != Some("cdrom") {
                return Ok(*device);
            }
        }
        return Err(InitError::NoDisk);
    };
    let numbers = numbers(name).ok_or(InitError::Name(name))?;
    let found = devices.iter().find(|device| numbers.contains(&Some(device.number)));
    found.copied().ok_or_else(|| InitError::NoSuchDisk {
        name,
        there: Numbers(devices.iter().map(|device| device.number).collect()),
    })
}

/// Numbers of devices, for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Vec<u32>);

impl Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0.as_slice() else { return f.write_str("no disk") };
        write!(f, "{first}")?;
        rest.iter().try_for_each(|number| write!(f, ", {number}"))
    }
}

/// The numbers that a device may have whose name is `name`: one by its kind, and for `xvd` that of the form without bounds.
fn numbers(name: &str) -> Option<[Option<u32>; 2]> {
    if let Ok(number) = name.parse() {
        return Some([Some(number), None]);
    }
    let (kind, place) = name.split_at_checked(if name.starts_with("xvd") { 3 } else { 2 })?;
    let letters = place.trim_end_matches(|each: char| each.is_ascii_digit());
    let (disk, partition) = (number_of(letters)?, place.strip_prefix(letters)?);
    let partition = if partition.is_empty() { 0 } else { partition.parse().ok()? };
    let short = |major: u32, disks: u32, bits: u32| {
        (disk < disks && partition < 1 << bits).then(|| major << 8 | disk << bits | partition)
    };
    match kind {
        "xvd" => {
            let extended = (disk < 1 << 20 && partition < 256).then_some(1 << 28 | disk << 8 | partition);
            Some([short(202, 16, 4), extended])
        }
        "sd" => Some([short(8, 16, 4), None]),
        "hd" if disk < 2 => Some([short(3, 2, 6), None]),
        "hd" if disk < 4 => Some([(partition < 64).then(|| 22 << 8 | (disk - 2) << 6 | partition), None]),
        _ => None,
    }
}

/// The number of a disk by its letters: `a` is 0, `z` 25, `aa` 26.
fn number_of(letters: &str) -> Option<u32> {
    let digits = letters.bytes().map(|letter| letter.is_ascii_lowercase().then(|| u32::from(letter - b'a')));
    let mut number = 0_u32;
    for digit in digits {
        number = number.checked_mul(26)?.checked_add(digit? + 1)?;
    }
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers() {
        for (name, expected) in [
            ("xvda", [Some(51712), Some(268_435_456)]),
            ("xvdb", [Some(51728), Some(268_435_712)]),
            ("xvdb3", [Some(51731), Some(268_435_715)]),
            ("xvdp15", [Some(51967), Some(268_439_311)]),
            ("xvdq", [None, Some(268_439_552)]),
            ("xvdaa16", [None, Some(268_442_128)]),
            ("sda", [Some(2048), None]),
            ("sdb1", [Some(2065), None]),
            ("hda", [Some(768), None]),
            ("hdd1", [Some(5697), None]),
            ("51728", [Some(51728), None]),
        ] {
            assert_eq!(numbers(name), Some(expected), "{name}");
        }
        for name in [
            "",
            "x",
            "xvd",
            "sd",
            "sd1",
            "fd0",
            "hde",
            "xvda1x",
            "xvdA",
            "-1",
            "xvdé",
            "99999999999",
            "xvda9999999999",
        ] {
            assert_eq!(numbers(name), None, "{name:?}");
        }
        assert_eq!(numbers("sdq"), Some([None, None]));
    }
}
