//! Where the image lies.

use core::ops::Range;

/// Symbols of the platform's linker script.
pub mod symbols {
    unsafe extern "C" {
        /// The first byte of the image, where its constants begin.
        pub static unicore_image_start: u8;
        /// The page on which its code begins.
        pub static unicore_text_start: u8;
        /// The page on which what it writes begins.
        pub static unicore_data_start: u8;
        /// The guard page below the stack that it starts on.
        pub static unicore_boot_stack: u8;
        /// The page after its last one.
        pub static unicore_image_end: u8;
    }
}

/// The image, from its first byte to the end of its last page.
pub fn image() -> Range<u64> {
    (&raw const symbols::unicore_image_start) as u64..(&raw const symbols::unicore_image_end) as u64
}

/// Where the image's code begins; its constants lie below.
pub fn text_start() -> u64 {
    (&raw const symbols::unicore_text_start) as u64
}

/// Where begins what the image writes; its code ends here.
pub fn data_start() -> u64 {
    (&raw const symbols::unicore_data_start) as u64
}

/// The guard page below the stack that the image starts on.
pub fn boot_stack_guard() -> u64 {
    (&raw const symbols::unicore_boot_stack) as u64
}
