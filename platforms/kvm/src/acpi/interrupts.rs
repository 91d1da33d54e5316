//! Where the I/O APICs are, and what leads there: the multiple APIC description table (section 5.2.12).

use bare_x86_64::Fields;
use iface_events::Source;

use super::table;

/// The first of its structures.
const STRUCTURES: usize = 44;
/// The type of an I/O APIC's structure, and its length in bytes (section 5.2.12.3).
const IO_APIC: u8 = 1;
const IO_APIC_LENGTH: usize = 12;
/// The type of a structure that has a line of the old controllers lead to another, and its length (section 5.2.12.5).
const OVERRIDE: u8 = 2;
const OVERRIDE_LENGTH: usize = 10;

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

/// The line to which one of the old controllers leads.
pub(crate) fn line_of(old: Source) -> Source {
    overridden(table(b"APIC").unwrap_or(&[]), old)
}

fn in_table(table: &[u8]) -> impl Iterator<Item = IoApicPlace> {
    structures(table, IO_APIC, IO_APIC_LENGTH).filter_map(|structure| {
        let (address, first) = (structure.u32_at(4)?, structure.u32_at(8)?);
        Some(IoApicPlace { address: u64::from(address), first: Source(first) })
    })
}

fn overridden(table: &[u8], old: Source) -> Source {
    let mut overrides = structures(table, OVERRIDE, OVERRIDE_LENGTH);
    let new = overrides.find(|structure| u32::from(structure[3]) == old.0);
    new.and_then(|structure| structure.u32_at(4)).map_or(old, Source)
}

/// The table's structures of a type, as far as they have the length.
fn structures(table: &[u8], kind: u8, least: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = table.get(STRUCTURES..).unwrap_or(&[]);
    let structures = core::iter::from_fn(move || {
        let length = usize::from(*rest.get(1)?);
        let (structure, after) = rest.split_at_checked(length).filter(|_| length >= 2)?;
        rest = after;
        Some(structure)
    });
    structures.filter(move |structure| structure[0] == kind && structure.len() >= least)
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

    #[test]
    fn a_line_leads_where_the_table_says() {
        let table = table_with(&[2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 2, 10, 0, 9, 21, 0, 0, 0, 13, 0, 2, 10, 0]);
        let lines = [0, 9, 10].map(|old| overridden(&table, Source(old)).0);
        assert_eq!(lines, [2, 21, 10]);
    }

    proptest! {
        #[test]
        fn anything_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(places(&bytes).len() <= bytes.len() / IO_APIC_LENGTH);
        }
    }
}
