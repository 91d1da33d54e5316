//! Names: what FAT can say, how two are compared, and the slots of a directory that hold one.

use alloc::{string::String, vec::Vec};

use hadris_fat_raw::{LongEntry, ShortEntry, fold_unicode, lfn, short_name};
use iface_filesystem::FileError;

/// Most bytes of a name in a tree.
const LONGEST: usize = 255;

/// The text of a name that can be given.
pub(crate) fn check(name: &[u8]) -> Result<&str, FileError> {
    let text = core::str::from_utf8(name).map_err(|_| FileError::InvalidName)?;
    // Windows takes dots and spaces at the end away.
    let is_valid = is_shown(text) && short_name::is_valid_long_name(text) && !text.ends_with(['.', ' ']);
    if is_valid { Ok(text) } else { Err(FileError::InvalidName) }
}

/// Whether a name that a disk has can be one of a tree.
pub(crate) fn is_shown(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= LONGEST && !name.contains(['/', '\0'])
}

/// What two names have alike that FAT does not tell apart: case does not count.
pub(crate) fn key(name: &str) -> Vec<u16> {
    name.encode_utf16().map(fold_unicode).collect()
}

/// The name of an entry that has no long one. Bytes beyond ASCII are taken for Latin-1, as no disk says what they are.
pub(crate) fn short(entry: &ShortEntry) -> String {
    let mut text = [0; short_name::DISPLAY_MAX];
    let length = short_name::display(&entry.name(), entry.nt_case(), char::from, &mut text);
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// Gives `entry` a short name for `name` that is not taken, and returns the slots of the long one that come before it, none
/// where the short one says all.
///
/// # Errors
/// [`FileError::NoSpace`] where all short names for it are taken.
pub(crate) fn write(
    name: &str,
    entry: &mut ShortEntry,
    is_taken: impl Fn(&[u8; 11]) -> bool,
) -> Result<Vec<[u8; 32]>, FileError> {
    let generate = |suffix| short_name::generate(name, suffix, |_| None).filter(|short| !is_taken(short));
    if let (Some(case), Some(short)) = (short_name::case_bits(name), generate(0)) {
        entry.set_name(short);
        entry.set_nt_case(case);
        return Ok(Vec::new());
    }
    // A name of nothing that a short one can hold gets one of its own making.
    let numbered = |suffix| short_name::generate("_", suffix, |_| None).filter(|short| !is_taken(short));
    let short = (1..=u8::MAX).find_map(|suffix| generate(suffix).or_else(|| numbered(suffix)));
    entry.set_name(short.ok_or(FileError::NoSpace)?);
    entry.set_nt_case(0);
    let long = lfn::Encoded::new(name).ok_or(FileError::InvalidName)?;
    let slots = (0..long.entries()).map(|index| {
        let (sequence, units) = long.entry(index);
        LongEntry::new(sequence, entry.lfn_checksum(), &units).encode()
    });
    Ok(slots.collect())
}
