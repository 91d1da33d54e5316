//! Register windows that the command line names.

use alloc::vec::Vec;

use iface_platform::CommandLine;

/// The setting's name.
const SETTING: &str = "virtio_mmio.device";

/// Registers of one virtio device, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Physical address of the first register, a multiple of four.
    pub(crate) address: u64,
    /// Bytes.
    pub(crate) size: usize,
    /// Number of the event source.
    pub(crate) interrupt: u32,
}

/// What is wrong with a setting, of which this is the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowError {
    Malformed(&'static str),
    Overlap(&'static str),
}

/// All windows, in order.
pub(crate) fn windows(command_line: CommandLine<'static>) -> Result<Vec<Window>, WindowError> {
    let mut windows = Vec::new();
    for (_, value) in command_line.settings().filter(|(name, _)| *name == SETTING) {
        let window = Window::parse(value).ok_or(WindowError::Malformed(value))?;
        if windows.iter().any(|other| window.overlaps(other)) {
            return Err(WindowError::Overlap(value));
        }
        windows.push(window);
    }
    Ok(windows)
}

impl Window {
    /// `<size>@<address>:<interrupt>[:<id>]`.
    fn parse(value: &str) -> Option<Self> {
        let (size, rest) = value.split_once('@')?;
        let (address, rest) = rest.split_once(':')?;
        let (interrupt, id) = rest.split_once(':').unwrap_or((rest, "0"));
        number(id)?;
        let (address, size) = (number(address)?, scaled(size)?);
        address.checked_add(size)?;
        (size != 0 && address % 4 == 0).then_some(())?;
        Some(Self { address, size: size.try_into().ok()?, interrupt: number(interrupt)?.try_into().ok()? })
    }

    fn overlaps(&self, other: &Self) -> bool {
        // No overflow: the ends were checked.
        self.address < other.address + other.size as u64 && other.address < self.address + self.size as u64
    }
}

/// A number with a binary prefix at its end.
fn scaled(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    number(digits)?.checked_mul(1 << shift)
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // Else a sign would pass.
    digits.starts_with(|c: char| c.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    fn parse(line: &'static str) -> Result<Vec<Window>, WindowError> {
        windows(CommandLine::new(line))
    }

    #[test]
    fn windows_as_qemu_writes_them() {
        let line = "ip=dhcp virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=0x200@4272950272:13:1 -- \
                    virtio_mmio.device=bad";
        assert_eq!(
            parse(line),
            Ok(vec![
                Window { address: 0xfeb0_0e00, size: 512, interrupt: 12 },
                Window { address: 0xfeb0_0c00, size: 512, interrupt: 13 },
            ])
        );
        assert_eq!(parse("virtio_mmio.device=4K@0x1000:5").unwrap()[0].size, 4096);
        assert_eq!(parse("virtio_mmio.device=1m@0x100000:5").unwrap()[0].size, 1 << 20);
        assert_eq!(parse("console=ttyS0"), Ok(vec![]));
    }

    #[test]
    fn malformed_windows_are_told() {
        for value in [
            "virtio_mmio.device",
            "virtio_mmio.device=",
            "virtio_mmio.device=512",
            "virtio_mmio.device=512@0x1000",
            "virtio_mmio.device=512@0x1000:",
            "virtio_mmio.device=512@0x1000:-1",
            "virtio_mmio.device=+512@0x1000:1",
            "virtio_mmio.device=0x@0x1000:1",
            "virtio_mmio.device=0@0x1000:1",
            "virtio_mmio.device=512@0x1001:1",
            "virtio_mmio.device=512@0x1000:1:x",
            "virtio_mmio.device=512@0x1000:1:1:1",
            "virtio_mmio.device=512@0x1000:0x100000000",
            "virtio_mmio.device=4G@0xfffffffffffff000:1",
            "virtio_mmio.device=0xffffffffffffffffK@0x1000:1",
            "virtio_mmio.device=K@0x1000:1",
        ] {
            let malformed = value.split_once('=').map_or("", |(_, value)| value);
            assert_eq!(parse(value), Err(WindowError::Malformed(malformed)), "{value}");
        }
    }

    #[test]
    fn overlapping_windows_are_told() {
        let line =
            "virtio_mmio.device=512@0x1000:1 virtio_mmio.device=512@0x1200:1 virtio_mmio.device=4@0x11fc:1";
        assert_eq!(parse(line), Err(WindowError::Overlap("4@0x11fc:1")));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[0-9a-gkKMGx@:+é-]{0,24}") {
            if let Some(window) = Window::parse(&text) {
                prop_assert!(window.size != 0);
                prop_assert!(window.address.checked_add(window.size as u64).is_some());
            }
        }
    }
}
