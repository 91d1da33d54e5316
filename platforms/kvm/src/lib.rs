#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the machine is driven by ports, registers and physical addresses")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acpi;
mod address_space;
mod boot;
mod clock;
mod console;
mod events;
mod exit;
mod fault;
mod init;
mod pages;
mod pci;
mod shutdown;
mod thread_pointer;

pub use bare_x86_64::BootError;
pub use boot::Boot;
pub use fault::panic;
use iface_platform::Termination;
pub use init::{Config, InitError, Needs, Provides, init};
#[doc(hidden)]
pub use x86_64::boot::GuardedStack;

/// The virtual machine; a marker, as there is one.
#[derive(Clone, Copy, Debug)]
pub struct Kvm;

/// Has the image begin with `$start(boot: Boot) -> !`, on a stack as large as `KVM`, the [`Config`] where this is used,
/// says.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        const _: () = {
            /// What the linker script knows as `unicore_boot_stack`.
            #[used]
            #[allow(unsafe_code, reason = "the section by which the linker script finds it")]
            #[unsafe(link_section = ".bss.boot_stack")]
            static BOOT_STACK: $crate::GuardedStack<{ KVM.boot_stack_size() }> = $crate::GuardedStack::new();

            #[allow(unsafe_code, reason = "the symbol that the boot code calls")]
            #[unsafe(no_mangle)]
            extern "C" fn unicore_start(eax: u32, ebx: u32) -> ! {
                // SAFETY: the boot code calls this, once, with what the loader left in these registers.
                $start(unsafe { $crate::Boot::new(eax, ebx) })
            }
        };
    };
}

/// Runs the application's `main` under the symbol `unicore_main`, so that tools find where it begins.
pub fn main<T: Termination>(application: impl FnOnce() -> T) -> T {
    let (mut application, mut result) = (Some(application), None);
    unicore_main(&mut || result = application.take().map(|main| main()));
    match result {
        Some(result) => result,
        None => unreachable!("unicore_main calls what it is given"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "Rust" fn unicore_main(application: &mut dyn FnMut()) {
    application();
}
