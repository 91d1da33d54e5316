//! An ELF file without what no loader reads.
//!
//! Sections (symbols, debug information, their table) lie behind the segments; what is left of the file is what the
//! program headers of System V ABI, chapter 5, speak of. Boot loaders and kernels look at nothing else.

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64};
use object::endian::{U16, U32, U64};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::Error;

/// The file up to the last byte that a segment has in it, without a section table.
///
/// # Errors
/// When `linked` is no ELF file or has no segments.
pub fn strip(linked: &[u8]) -> Result<Vec<u8>, Error> {
    match object::FileKind::parse(linked)? {
        object::FileKind::Elf32 => strip_as::<FileHeader32<Endianness>>(linked, |header, endian| {
            header.e_shoff = U32::new(endian, 0);
            header.e_shnum = U16::new(endian, 0);
            header.e_shstrndx = U16::new(endian, 0);
        }),
        _ => strip_as::<FileHeader64<Endianness>>(linked, |header, endian| {
            header.e_shoff = U64::new(endian, 0);
            header.e_shnum = U16::new(endian, 0);
            header.e_shstrndx = U16::new(endian, 0);
        }),
    }
}

fn strip_as<Header: FileHeader<Endian = Endianness>>(
    linked: &[u8],
    forget_sections: impl FnOnce(&mut Header, Endianness),
) -> Result<Vec<u8>, Error> {
    let header = Header::parse(linked)?;
    let endian = header.endian()?;
    let ends = header.program_headers(endian, linked)?.iter().map(|segment| {
        let (offset, size) = segment.file_range(endian);
        offset.saturating_add(size)
    });
    let end = ends.max().filter(|end| *end > 0).ok_or(Error::NothingToLoad)?;
    let end = usize::try_from(end).ok().filter(|end| *end <= linked.len()).ok_or(Error::NothingToLoad)?;
    let mut kept = linked[..end].to_vec();
    let (header, _) = object::pod::from_bytes_mut::<Header>(&mut kept).map_err(|()| Error::NothingToLoad)?;
    forget_sections(header, endian);
    Ok(kept)
}
