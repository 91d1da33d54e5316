//! Memory of the process: `brk`, `mmap` and what belongs to it.

use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::ops::Range;

use iface_address_space::{AddressError, AddressSpace, PAGE_SIZE, Protection};
use iface_allocator::{Allocator, Usage};
use linux_raw_sys::general::{
    MADV_DONTFORK, MADV_DONTNEED, MADV_FREE, MADV_NORMAL, MADV_POPULATE_WRITE, MAP_ANONYMOUS, MAP_FIXED,
    MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, MREMAP_DONTUNMAP,
    MREMAP_FIXED, MREMAP_MAYMOVE, MS_ASYNC, MS_INVALIDATE, MS_SYNC, O_ACCMODE, O_RDWR, O_WRONLY, PROT_EXEC,
    PROT_READ, PROT_SEM, PROT_WRITE,
};
use open_file::{Errno, Kind, OpenFile};

use crate::areas::Areas;
use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::user::User;

/// The part of the window that `brk` has at most: a sixteenth, from its beginning on.
const BREAK_SHARE: usize = 16;

/// Where things are in the window of addresses.
#[derive(Debug)]
pub(crate) struct Layout {
    /// What `mmap` has given, by what may be done with it.
    areas: Areas<Protection>,
    /// What `brk` has given, and how far it may go.
    broken: Range<usize>,
    break_limit: usize,
    /// For `mmap`.
    window: Range<usize>,
}

impl Layout {
    pub fn new(window: Range<usize>) -> Self {
        let share = (window.len() / BREAK_SHARE) & !(PAGE_SIZE - 1);
        let break_limit = window.start + share;
        Self {
            areas: Areas::new(),
            broken: window.start..window.start,
            break_limit,
            window: break_limit..window.end,
        }
    }

    /// What is mapped, lowest first.
    pub fn mapped(&self) -> Vec<(Range<usize>, Protection)> {
        let broken = self.broken.start..page_up(self.broken.end);
        let broken = Some((broken, Protection::ReadWrite)).filter(|(range, _)| !range.is_empty());
        broken.into_iter().chain(self.areas.within(self.window.clone())).collect()
    }
}

impl<W: World> Linux<W> {
    /// Moves the end of the data to `end`, and says where it is then; where it can't be moved, where it was.
    pub fn set_break(&self, end: usize) -> usize {
        let mut layout = self.layout.borrow_mut();
        let Range { start, end: now } = layout.broken;
        if !(start..=layout.break_limit).contains(&end) {
            return now;
        }
        let (mapped, wanted) = (page_up(now), page_up(end));
        // SAFETY: what is mapped was free, and what is taken away the program gives up.
        let moved = unsafe {
            if wanted > mapped {
                self.address_space.map(mapped..wanted, Protection::ReadWrite)
            } else {
                self.address_space.unmap(wanted..mapped)
            }
        };
        match moved {
            Ok(()) => layout.broken.end = end,
            Err(error) => drop(self.refused(error, wanted.saturating_sub(mapped))),
        }
        layout.broken.end
    }

    pub fn map_memory(
        &self,
        hint: usize,
        length: usize,
        protection: u32,
        flags: u32,
        fd: Descriptor,
        offset: i64,
    ) -> Result<usize, Errno> {
        let protection = protection_of(protection)?;
        let length = whole_pages(length)?;
        let file = if flags & MAP_ANONYMOUS != 0 { None } else { Some((fd, checked_offset(offset)?)) };
        if !matches!(flags & MAP_TYPE, MAP_PRIVATE | MAP_SHARED | MAP_SHARED_VALIDATE) {
            return Err(Errno::EINVAL);
        }
        let contents =
            file.map(|(fd, offset)| self.mappable(fd, protection, flags).map(|file| (file, offset)));
        let contents = contents.transpose()?;
        let range = self.place(hint, length, flags)?;
        let first = if contents.is_some() { Protection::ReadWrite } else { protection };
        self.map_at(range.clone(), first)?;
        if let Some((file, offset)) = contents {
            let filled = self
                .fill(range.clone(), &*file, offset)
                .and_then(|()| self.set_protection(range.clone(), protection));
            filled.inspect_err(|_| self.unmap_at(range.clone()))?;
        }
        Ok(range.start)
    }

    /// The file behind a mapping. What is written to a mapping never reaches a file, so a shared one may not be written.
    fn mappable(
        &self,
        fd: Descriptor,
        protection: Protection,
        flags: u32,
    ) -> Result<alloc::rc::Rc<dyn OpenFile>, Errno> {
        let (file, opened) = self.file_and_flags(fd)?;
        if opened & O_ACCMODE == O_WRONLY {
            return Err(Errno::EACCES);
        }
        let is_written = flags & MAP_TYPE != MAP_PRIVATE && protection == Protection::ReadWrite;
        if is_written && opened & O_ACCMODE != O_RDWR {
            return Err(Errno::EACCES);
        }
        let has_pages = matches!(file.status()?.kind, Kind::Regular | Kind::Block | Kind::Character);
        if has_pages && !is_written { Ok(file) } else { Err(Errno::ENODEV) }
    }

    /// Where a mapping goes: where it must, where the program would like it, or at the top.
    fn place(&self, hint: usize, length: usize, flags: u32) -> Result<Range<usize>, Errno> {
        let layout = self.layout.borrow();
        let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
        if fixed && !hint.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        let wished = page_up(hint)..page_up(hint).saturating_add(length);
        let inside = wished.start >= layout.window.start && wished.end <= layout.window.end;
        let free = inside && layout.areas.within(wished.clone()).is_empty();
        match flags {
            _ if fixed && !inside => Err(Errno::ENOMEM),
            _ if flags & MAP_FIXED_NOREPLACE != 0 && !free => Err(Errno::EEXIST),
            _ if fixed || free => Ok(wished),
            _ => {
                let start = layout.areas.find(layout.window.clone(), length).ok_or(Errno::ENOMEM)?;
                Ok(start..start + length)
            }
        }
    }

    /// Zeroed pages in place of what was there.
    fn map_at(&self, range: Range<usize>, protection: Protection) -> Result<(), Errno> {
        // SAFETY: what was there the program gives up.
        let mapped = unsafe { self.address_space.map(range.clone(), protection) };
        let (mut layout, length) = (self.layout.borrow_mut(), range.len());
        match mapped {
            Ok(()) => layout.areas.set(range, protection),
            Err(_) => layout.areas.clear(range),
        }
        mapped.map_err(|error| self.refused(error, length))
    }

    /// Has the bytes of a file in pages; behind its end are zeros.
    fn fill(&self, range: Range<usize>, file: &dyn OpenFile, offset: u64) -> Result<(), Errno> {
        let bytes = self.bytes_mut(User::new(range.start), range.len())?;
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(offset + filled as u64, &mut bytes[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(())
    }

    pub fn unmap_memory(&self, address: usize, length: usize) -> Result<(), Errno> {
        // Elsewhere is nothing that a program may take away.
        let range = self.pages(address, length).map_err(|_| Errno::EINVAL)?;
        self.unmap_at(range);
        Ok(())
    }

    /// Takes away what `mmap` gave in a range.
    fn unmap_at(&self, range: Range<usize>) {
        let pieces = self.layout.borrow().areas.within(range.clone());
        for (piece, _) in pieces {
            // SAFETY: the program gives the pages up. They are pages of the window, as the area says.
            let _ = unsafe { self.address_space.unmap(piece) };
        }
        self.layout.borrow_mut().areas.clear(range);
    }

    pub fn protect_memory(&self, address: usize, length: usize, protection: u32) -> Result<(), Errno> {
        if protection & !(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM) != 0
            || !address.is_multiple_of(PAGE_SIZE)
        {
            return Err(Errno::EINVAL);
        }
        let protection = protection_of(protection)?;
        if length == 0 {
            return Ok(());
        }
        let range = self.pages(address, length)?;
        if !self.layout.borrow().areas.covers(range.clone()) {
            return Err(Errno::ENOMEM);
        }
        self.set_protection(range, protection)
    }

    fn set_protection(&self, range: Range<usize>, protection: Protection) -> Result<(), Errno> {
        // SAFETY: Rust has no references into memory of the program while another call is made.
        unsafe { self.address_space.protect(range.clone(), protection) }
            .map_err(|error| self.refused(error, range.len()))?;
        self.layout.borrow_mut().areas.set(range, protection);
        Ok(())
    }

    /// Pages that the program does not need are zeros when it reads them again; all other advice is as good as taken.
    pub fn advise(&self, address: usize, length: usize, advice: u32) -> Result<(), Errno> {
        let is_known =
            matches!(advice, MADV_NORMAL..=MADV_DONTNEED | MADV_FREE | MADV_DONTFORK..=MADV_POPULATE_WRITE);
        if !is_known || !address.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if length == 0 {
            return Ok(());
        }
        let range = self.pages(address, length)?;
        if matches!(advice, MADV_DONTNEED | MADV_FREE) {
            let pieces = self.layout.borrow().areas.within(range.clone());
            for (piece, protection) in pieces {
                self.map_at(piece, protection)?;
            }
        }
        self.is_mapped(range)
    }

    /// `ENOMEM` where a range has a hole.
    fn is_mapped(&self, range: Range<usize>) -> Result<(), Errno> {
        if self.layout.borrow().areas.covers(range) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Every page that there is lies in memory.
    pub fn pages_in_memory(&self, address: usize, length: usize, to: User<u8>) -> Result<(), Errno> {
        if !address.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if length == 0 {
            return Ok(());
        }
        let range = self.pages(address, length)?;
        self.is_mapped(range.clone())?;
        self.bytes_mut(to, range.len() / PAGE_SIZE)?.fill(1);
        Ok(())
    }

    pub fn remap_memory(
        &self,
        address: usize,
        length: usize,
        wanted: usize,
        flags: u32,
        place: usize,
    ) -> Result<usize, Errno> {
        const ELSEWHERE: u32 = MREMAP_FIXED | MREMAP_DONTUNMAP;
        let (may_move, elsewhere) = (flags & MREMAP_MAYMOVE != 0, flags & ELSEWHERE != 0);
        let is_known = flags & !(MREMAP_MAYMOVE | ELSEWHERE) == 0 && (may_move || !elsewhere);
        if !is_known
            || !address.is_multiple_of(PAGE_SIZE)
            || (flags & MREMAP_DONTUNMAP != 0 && length != wanted)
        {
            return Err(Errno::EINVAL);
        }
        let wanted = whole_pages(wanted)?;
        let old = self.pages(address, length).map_err(|_| Errno::EFAULT)?;
        let protection = self.protection_of_all(&old)?;
        if elsewhere {
            return self.remap_to(place, old, wanted, protection, flags);
        }
        if wanted <= old.len() {
            self.unmap_at(old.start + wanted..old.end);
            return Ok(old.start);
        }
        let added = old.end..old.start.checked_add(wanted).ok_or(Errno::ENOMEM)?;
        if self.is_free(&added) {
            self.map_at(added, protection)?;
            return Ok(old.start);
        }
        if !may_move {
            return Err(Errno::ENOMEM);
        }
        let new = self.place(0, wanted, 0)?;
        self.move_pages(&old, new, protection)
    }

    /// Moves pages to a place that the program chooses (`MREMAP_FIXED`), or leaves zeros where they were (`MREMAP_DONTUNMAP`).
    fn remap_to(
        &self,
        place: usize,
        old: Range<usize>,
        wanted: usize,
        protection: Protection,
        flags: u32,
    ) -> Result<usize, Errno> {
        let end = place.checked_add(wanted).ok_or(Errno::EINVAL)?;
        if !place.is_multiple_of(PAGE_SIZE) || (place < old.end && old.start < end) {
            return Err(Errno::EINVAL);
        }
        let fixed = if flags & MREMAP_FIXED != 0 { MAP_FIXED } else { 0 };
        let new = self.place(place, wanted, fixed)?;
        let moved = old.start..old.end.min(old.start.saturating_add(wanted));
        self.unmap_at(moved.end..old.end);
        let start = self.move_pages(&moved, new, protection)?;
        if flags & MREMAP_DONTUNMAP != 0 {
            self.map_at(moved, protection)?;
        }
        Ok(start)
    }

    /// What may be done with every page of a range, where that is the same for all.
    fn protection_of_all(&self, range: &Range<usize>) -> Result<Protection, Errno> {
        let layout = self.layout.borrow();
        match &layout.areas.within(range.clone())[..] {
            [(piece, protection)] if piece == range => Ok(*protection),
            _ => Err(Errno::EFAULT),
        }
    }

    fn is_free(&self, range: &Range<usize>) -> bool {
        let layout = self.layout.borrow();
        range.end <= layout.window.end && layout.areas.within(range.clone()).is_empty()
    }

    /// Pages at `new` instead of at `old`, with what those held in front and zeros behind.
    fn move_pages(
        &self,
        old: &Range<usize>,
        new: Range<usize>,
        protection: Protection,
    ) -> Result<usize, Errno> {
        self.map_at(new.clone(), Protection::ReadWrite)?;
        if protection != Protection::None {
            let from = self.bytes(User::new(old.start), old.len())?;
            self.bytes_mut(User::new(new.start), old.len())?.copy_from_slice(from);
        }
        self.set_protection(new.clone(), protection)?;
        self.unmap_at(old.clone());
        Ok(new.start)
    }

    /// Memory that a mapping is of is where it is; there is no file to write it to.
    pub fn synchronize_memory(&self, address: usize, length: usize, flags: u32) -> Result<(), Errno> {
        const BOTH: u32 = MS_ASYNC | MS_SYNC;
        let is_known = flags & !(BOTH | MS_INVALIDATE) == 0 && flags & BOTH != BOTH;
        if !is_known || !address.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if length == 0 { Ok(()) } else { self.is_mapped(self.pages(address, length)?) }
    }

    /// Nothing is ever paged out.
    pub fn lock_memory(&self) {}

    /// Pages of memory, and how many are free.
    pub fn memory_pages(&self) -> (u64, u64) {
        let Usage { total, used } = self.allocator.usage();
        let pages = |bytes: usize| (bytes / PAGE_SIZE) as u64;
        (pages(total), pages(total.saturating_sub(used)))
    }

    /// The error of a call that asked for pages of so many bytes. That memory is out is told once.
    fn refused(&self, error: AddressError, bytes: usize) -> Errno {
        if error == AddressError::BadRange {
            return Errno::EINVAL;
        }
        if !self.told_of_shortage.replace(true) {
            log::warn!("{}", Shortage { asked: bytes, usage: self.allocator.usage() });
        }
        Errno::ENOMEM
    }

    /// The whole pages that a program means.
    fn pages(&self, address: usize, length: usize) -> Result<Range<usize>, Errno> {
        if !address.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        let length = whole_pages(length)?;
        let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
        let window = &self.layout.borrow().window;
        // Elsewhere is nothing that a program may change.
        if address < window.start || end > window.end { Err(Errno::ENOMEM) } else { Ok(address..end) }
    }
}

/// Both writable and executable is refused: nothing ever is.
fn protection_of(bits: u32) -> Result<Protection, Errno> {
    match bits & (PROT_READ | PROT_WRITE | PROT_EXEC) {
        0 => Ok(Protection::None),
        PROT_READ => Ok(Protection::Read),
        bits if bits & PROT_EXEC == 0 => Ok(Protection::ReadWrite),
        bits if bits & PROT_WRITE == 0 => Ok(Protection::ReadExecute),
        _ => Err(Errno::EACCES),
    }
}

fn whole_pages(length: usize) -> Result<usize, Errno> {
    match length.checked_next_multiple_of(PAGE_SIZE) {
        Some(0) => Err(Errno::EINVAL),
        Some(length) => Ok(length),
        None => Err(Errno::ENOMEM),
    }
}

fn checked_offset(offset: i64) -> Result<u64, Errno> {
    let offset = u64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    if offset.is_multiple_of(PAGE_SIZE as u64) { Ok(offset) } else { Err(Errno::EINVAL) }
}

fn page_up(address: usize) -> usize {
    address.checked_next_multiple_of(PAGE_SIZE).unwrap_or(usize::MAX & !(PAGE_SIZE - 1))
}

/// That a program did not get memory, in bytes.
struct Shortage {
    asked: usize,
    usage: Usage,
}

impl Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { total, used } = self.usage;
        let [asked, used, total] = [self.asked, used, total].map(|bytes| bytes.div_ceil(1024));
        write!(
            f,
            "out of memory: the program asked for {asked} KiB; {used} of {total} KiB are in use, and what is left is for the rest of \
             the image. `memoryMiB` of the image or `--memory` of `run` gives it more"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_shortage_is_one_line_with_numbers_and_a_way_out() {
        let usage = Usage { total: 60 << 20, used: (58 << 20) + 1 };
        let line = Shortage { asked: 4096, usage }.to_string();
        assert!(
            line.starts_with("out of memory: the program asked for 4 KiB; 59393 of 61440 KiB are in use"),
            "{line}"
        );
        assert!(line.contains("`memoryMiB`") && !line.contains('\n'), "{line}");
    }
}
