//! The end of an image that went wrong: the report, then `SHUTDOWN_crash`.

use core::panic::PanicInfo;

use x86_64::exception::Exception;

/// Reports a panic on the console, and ends the image.
pub fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Reports an exception on the console, and ends the image.
pub(crate) fn exception(_: &Exception) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
