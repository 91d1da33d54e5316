//! What Xen's domain builder left: `start_info`, and the start-of-day memory layout (`public/xen.h`).

use core::ffi::CStr;
use core::fmt::{self, Display};
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;

use x86_64::paging::{ADDRESS_END, PAGE_SIZE};
use xen_abi::Port;
use xen_sys::{SIF_INITDOMAIN, start_info};

use crate::machine::{SharedPage, Started};

/// How the magic of every PV domain begins.
const MAGIC: &[u8] = b"xen-";
/// Bytes that the builder maps behind the last thing that it leaves, at least.
const PADDING: u64 = 512 << 10;

/// Why the start information is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartInfoError {
    /// There is none.
    NoMagic,
    /// The domain is that of the host, whose console is another.
    HostDomain,
    /// Something lies where it can't be: not between the image and the builder's page tables, or not in memory.
    Misplaced {
        /// What.
        what: &'static str,
        /// Where: a virtual address.
        address: u64,
    },
    /// The command line has no end within 1024 bytes, or is not UTF-8.
    MalformedCommandLine,
}

impl Display for StartInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("Xen left no start information"),
            Self::HostDomain => f.write_str("the image was started as the host's own domain"),
            Self::Misplaced { what, address } => {
                write!(f, "Xen put the {what} at {address:#x}, where it can't be")
            }
            Self::MalformedCommandLine => {
                f.write_str("the command line is longer than 1023 bytes or not UTF-8")
            }
        }
    }
}

impl core::error::Error for StartInfoError {}

/// Where everything lies, checked; each address is virtual and pseudo-physical at once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    memory_end: u64,
    /// The frame of each page of memory, by number of the page.
    frames: Range<u64>,
    initrd: Range<u64>,
    /// The page tables that the builder made; the root comes first. What the builder left ends with them.
    tables: Range<u64>,
}

impl Layout {
    /// That of `info`, which lies at `address`, behind an image that ends at `image_end`.
    fn new(info: &start_info, address: u64, image_end: u64) -> Result<Self, StartInfoError> {
        if !bytes(&info.magic).starts_with(MAGIC) {
            return Err(StartInfoError::NoMagic);
        }
        if info.flags & SIF_INITDOMAIN != 0 {
            return Err(StartInfoError::HostDomain);
        }
        let memory_end = info.nr_pages.saturating_mul(PAGE_SIZE);
        let tables = sized(info.pt_base, info.nr_pt_frames.saturating_mul(PAGE_SIZE));
        let room = image_end..memory_end.saturating_sub(PADDING);
        check("page tables", &tables, &room, PAGE_SIZE)?;
        if memory_end > ADDRESS_END || tables.is_empty() {
            return Err(StartInfoError::Misplaced { what: "page tables", address: tables.start });
        }
        let room = image_end..tables.start;
        check("start information", &sized(address, PAGE_SIZE), &room, PAGE_SIZE)?;
        let frames = sized(info.mfn_list, info.nr_pages * size_of::<u64>() as u64);
        check("list of frames", &frames, &room, PAGE_SIZE)?;
        let initrd = sized(info.mod_start, info.mod_len);
        if !initrd.is_empty() {
            check("initrd", &initrd, &room, 1)?;
        }
        let shared_info = sized(info.shared_info, PAGE_SIZE);
        check("shared information", &shared_info, &(PAGE_SIZE..u64::MAX), PAGE_SIZE)?;
        Ok(Self { memory_end, frames, initrd, tables })
    }
}

/// The `size` bytes from `start` on.
fn sized(start: u64, size: u64) -> Range<u64> {
    start..start.saturating_add(size)
}

fn check(
    what: &'static str,
    range: &Range<u64>,
    room: &Range<u64>,
    alignment: u64,
) -> Result<(), StartInfoError> {
    let inside = room.start <= range.start && range.end <= room.end && range.start.is_multiple_of(alignment);
    if inside { Ok(()) } else { Err(StartInfoError::Misplaced { what, address: range.start }) }
}

/// What the builder left, checked.
#[derive(Debug)]
pub(super) struct StartInfo {
    /// Where memory ends; it begins at 0.
    pub memory_end: u64,
    /// The frame of each page of memory, by number of the page.
    pub frames: &'static [u64],
    /// The root of the page tables.
    pub root: u64,
    /// Where what the builder left ends: all of it lies behind the image.
    pub end: u64,
    /// The machine address of the page that Xen shares with the domain.
    pub shared_info: u64,
    pub console: Option<SharedPage>,
    pub store: Option<SharedPage>,
    pub started: Started,
}

impl StartInfo {
    /// Reads what the builder left behind an image that ends at `image_end`.
    ///
    /// # Errors
    /// As [`StartInfoError`] says.
    ///
    /// # Safety
    /// `address` is what Xen passed to the entry, all that the builder left is mapped, and from now on nobody writes to it
    /// but to the shared pages.
    pub unsafe fn read(address: u64, image_end: u64) -> Result<Self, StartInfoError> {
        check("start information", &sized(address, PAGE_SIZE), &(image_end..ADDRESS_END), PAGE_SIZE)?;
        // SAFETY: Xen passed the address, which is that of a page behind the image; its bytes are any.
        let info: &'static start_info = unsafe { &*ptr::with_exposed_provenance(address as usize) };
        // SAFETY: both variants are integers; which one it is, the flags say.
        let console = unsafe { info.console.domU };
        let layout = Layout::new(info, address, image_end)?;
        // SAFETY: both lie where the builder maps memory, and nobody writes there.
        let (frames, initrd) = unsafe { (memory::<u64>(&layout.frames), memory::<u8>(&layout.initrd)) };
        let shared = address..layout.tables.start;
        Ok(Self {
            memory_end: layout.memory_end,
            frames,
            root: layout.tables.start,
            end: layout.tables.end,
            shared_info: info.shared_info,
            console: shared_page("console", frames, &shared, console.mfn, console.evtchn)?,
            store: shared_page("store", frames, &shared, info.store_mfn, info.store_evtchn)?,
            started: Started {
                command_line: command_line(bytes(&info.cmd_line))?,
                initrd: Some(initrd).filter(|initrd| !initrd.is_empty()),
            },
        })
    }
}

/// What lies in `range`.
///
/// # Safety
/// It is mapped and aligned, and nobody writes to it.
unsafe fn memory<T: 'static>(range: &Range<u64>) -> &'static [T] {
    let length = (range.end - range.start) as usize / size_of::<T>();
    match range.is_empty() {
        true => &[],
        // SAFETY: the caller's.
        false => unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(range.start as usize), length) },
    }
}

/// The page of `frame` among those of `room`, where the domain has one.
fn shared_page(
    what: &'static str,
    frames: &[u64],
    room: &Range<u64>,
    frame: u64,
    port: u32,
) -> Result<Option<SharedPage>, StartInfoError> {
    if frame == 0 {
        return Ok(None);
    }
    let is_it = |page: &u64| frames.get((page / PAGE_SIZE) as usize) == Some(&frame);
    let page = room.clone().step_by(PAGE_SIZE as usize).find(is_it);
    let page = page.and_then(|page| NonNull::new(ptr::with_exposed_provenance_mut(page as usize)));
    let misplaced = StartInfoError::Misplaced { what, address: frame.saturating_mul(PAGE_SIZE) };
    page.map(|page| Some(SharedPage { page, port: Port(port) })).ok_or(misplaced)
}

fn command_line(field: &[u8]) -> Result<&str, StartInfoError> {
    let line = CStr::from_bytes_until_nul(field).ok().and_then(|line| line.to_str().ok());
    line.ok_or(StartInfoError::MalformedCommandLine)
}

/// Characters as the bytes they are.
fn bytes(characters: &[i8]) -> &[u8] {
    // SAFETY: a character is a byte of any value.
    unsafe { slice::from_raw_parts(characters.as_ptr().cast(), characters.len()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IMAGE_END: u64 = 0x12_0000;
    const ADDRESS: u64 = 0x14_2000;

    /// 16 MiB, with an initrd of 3 bytes.
    fn info() -> start_info {
        // SAFETY: integers are any bytes.
        let mut info: start_info = unsafe { core::mem::zeroed() };
        let magic = b"xen-3.0-x86_64".map(u8::cast_signed);
        info.magic[..magic.len()].copy_from_slice(&magic);
        info.nr_pages = 4096;
        info.shared_info = 0x7_ffff_0000;
        info.mod_start = IMAGE_END;
        info.mod_len = 3;
        info.mfn_list = 0x13_a000;
        info.pt_base = ADDRESS + 3 * PAGE_SIZE;
        info.nr_pt_frames = 5;
        info
    }

    fn misplaced(change: impl FnOnce(&mut start_info)) -> &'static str {
        let mut info = info();
        change(&mut info);
        match Layout::new(&info, ADDRESS, IMAGE_END) {
            Err(StartInfoError::Misplaced { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_lies_in_order_is_found() {
        let layout = Layout::new(&info(), ADDRESS, IMAGE_END).unwrap();
        assert_eq!(
            layout,
            Layout {
                memory_end: 0x100_0000,
                frames: 0x13_a000..0x14_2000,
                initrd: IMAGE_END..IMAGE_END + 3,
                tables: 0x14_5000..0x14_a000,
            }
        );
    }

    #[test]
    fn what_lies_elsewhere_is_told() {
        assert_eq!(misplaced(|info| info.pt_base += 8), "page tables");
        assert_eq!(misplaced(|info| info.nr_pt_frames = 0), "page tables");
        assert_eq!(misplaced(|info| info.nr_pt_frames = u64::MAX), "page tables");
        assert_eq!(misplaced(|info| info.nr_pages = 0x14a + 127), "page tables");
        assert_eq!(misplaced(|info| info.nr_pages = u64::MAX), "page tables");
        assert_eq!(misplaced(|info| info.pt_base = ADDRESS), "start information");
        assert_eq!(misplaced(|info| info.mfn_list = IMAGE_END - PAGE_SIZE), "list of frames");
        assert_eq!(misplaced(|info| info.nr_pages = 4096 * 4), "list of frames");
        assert_eq!(misplaced(|info| info.mod_start = 0x1000), "initrd");
        assert_eq!(misplaced(|info| info.mod_len = u64::MAX), "initrd");
        assert_eq!(misplaced(|info| info.shared_info += 1), "shared information");
    }

    #[test]
    fn another_kind_of_start_is_told() {
        let mut other = info();
        other.magic[0] = 0;
        assert_eq!(Layout::new(&other, ADDRESS, IMAGE_END), Err(StartInfoError::NoMagic));
        let mut host = info();
        host.flags = SIF_INITDOMAIN;
        assert_eq!(Layout::new(&host, ADDRESS, IMAGE_END), Err(StartInfoError::HostDomain));
    }

    #[test]
    fn a_shared_page_is_found_by_its_frame() {
        let frames = [70, 71, 72, 73];
        let find = |frame| shared_page("console", &frames, &(PAGE_SIZE..3 * PAGE_SIZE), frame, 9);
        let found = find(72).unwrap().unwrap();
        assert_eq!((found.page.as_ptr() as u64, found.port), (2 * PAGE_SIZE, Port(9)));
        assert_eq!(find(0), Ok(None));
        for elsewhere in [70, 73, 74, u64::MAX] {
            assert!(find(elsewhere).is_err(), "frame {elsewhere}");
        }
    }

    #[test]
    fn a_command_line_ends_with_a_zero() {
        assert_eq!(command_line(b"ip=dhcp\0rest"), Ok("ip=dhcp"));
        assert_eq!(command_line(&[b'a'; 1024]), Err(StartInfoError::MalformedCommandLine));
        assert_eq!(command_line(b"\xff\0"), Err(StartInfoError::MalformedCommandLine));
    }

    proptest! {
        #[test]
        fn whatever_is_found_lies_behind_the_image_and_in_memory(
            fields in prop::collection::vec((0usize..7, any::<u64>(), 0u32..64), 1..4),
            address in prop_oneof![Just(ADDRESS), any::<u64>()],
        ) {
            let mut info = info();
            for (field, value, shift) in fields {
                let value = value >> shift;
                match field {
                    0 => info.nr_pages = value,
                    1 => info.mfn_list = value,
                    2 => info.pt_base = value,
                    3 => info.nr_pt_frames = value,
                    4 => info.mod_start = value,
                    5 => info.mod_len = value,
                    _ => info.shared_info = value,
                }
            }
            if let Ok(layout) = Layout::new(&info, address, IMAGE_END) {
                prop_assert!(layout.memory_end <= ADDRESS_END);
                prop_assert!(layout.tables.end + PADDING <= layout.memory_end);
                prop_assert!(address + PAGE_SIZE <= layout.tables.start);
                for range in [&layout.frames, &layout.tables] {
                    prop_assert!(IMAGE_END <= range.start && range.start < range.end && range.end <= layout.tables.end);
                }
                prop_assert!(layout.initrd.is_empty() || IMAGE_END <= layout.initrd.start);
                prop_assert!(layout.initrd.is_empty() || layout.initrd.end <= layout.tables.start);
            }
        }
    }
}
