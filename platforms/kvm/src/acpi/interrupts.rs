//! Where the I/O APICs are: the multiple APIC description table (section 5.2.12).

use bare_x86_64::Fields;
use iface_events::Source;

use super::table;

/// The first of its structures.
const STRUCTURES: usize = 44;
/// The type of an I/O APIC's structure, and its length in bytes (section 5.2.12.3).
const IO_APIC: u8 = 1;
const IO_APIC_LENGTH: usize = 12;

/// An I/O APIC by the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IoApicPlace {
    /// Physical address of its registers.
    pub address: u64,
    /// Number of its first line, the global system interrupt base.
    pub first: Source,
}

/// The machine's I/O APICs; none where there is no table.
pub(crate) fn io_apics() -> impl Iterator<Item = IoApicPlace> {
    in_table(table(b"APIC").unwrap_or(&[]))
}

fn in_table(table: &[u8]) -> impl Iterator<Item = IoApicPlace> {
    let mut rest = table.get(STRUCTURES..).unwrap_or(&[]);
    let structures = core::iter::from_fn(move || {
        let length = usize::from(*rest.get(1)?);
        let (structure, after) = rest.split_at_checked(length).filter(|_| length >= 2)?;
        rest = after;
        Some(structure)
    });
    structures.filter(|structure| structure[0] == IO_APIC && structure.len() >= IO_APIC_LENGTH).filter_map(
        |structure| {
            let (address, first) = (structure.u32_at(4)?, structure.u32_at(8)?);
            Some(IoApicPlace { address: u64::from(address), first: Source(first) })
        },
    )
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// A processor, two I/O APICs, and what follows.
    fn table_with(rest: &[u8]) -> Vec<u8> {
        let mut table = std::vec![0; STRUCTURES];
        table.extend([0, 8, 0, 0, 1, 0, 0, 0]);
        table.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        table.extend([1, 12, 1, 0, 0, 0, 0xc1, 0xfe, 24, 0, 0, 0]);
        table.extend(rest);
        table
    }

    fn places(table: &[u8]) -> Vec<IoApicPlace> {
        in_table(table).collect()
    }

    #[test]
    fn each_io_apic_is_found() {
        let first = IoApicPlace { address: 0xfec0_0000, first: Source(0) };
        let second = IoApicPlace { address: 0xfec1_0000, first: Source(24) };
        assert_eq!(places(&table_with(&[])), [first, second]);
    }

    #[test]
    fn malformed_structures_end_the_table_or_are_passed_over() {
        for rest in [&[1, 0][..], &[1, 1], &[1], &[1, 12, 0, 0], &[1, 8, 0, 0, 0, 0, 0xc0, 0xfe]] {
            assert_eq!(places(&table_with(rest)).len(), 2, "{rest:?}");
        }
        assert_eq!(places(&[0; STRUCTURES - 1]), []);
    }

    proptest! {
        #[test]
        fn anything_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(places(&bytes).len() <= bytes.len() / IO_APIC_LENGTH);
        }
    }
}
