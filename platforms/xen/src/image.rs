//! Where the image lies, by the linker script.

use core::ops::Range;

mod symbols {
    unsafe extern "C" {
        pub static unicore_image_start: u8;
        pub static unicore_text_start: u8;
        pub static unicore_data_start: u8;
        pub static unicore_image_end: u8;
    }
}

/// All of it, with what is zero at the start.
pub(crate) fn whole() -> Range<u64> {
    (&raw const symbols::unicore_image_start) as u64..(&raw const symbols::unicore_image_end) as u64
}

/// Its constants.
pub(crate) fn constants() -> Range<u64> {
    whole().start..text().start
}

/// Its code, and the page of hypercalls.
pub(crate) fn text() -> Range<u64> {
    (&raw const symbols::unicore_text_start) as u64..(&raw const symbols::unicore_data_start) as u64
}
