#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the domain is driven by hypercalls, shared pages and page tables")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod address_space;
mod boot;
mod clock;
mod console;
mod events;
mod exit;
mod fault;
mod hypercall;
mod hypervisor;
mod init;
mod machine;
mod pages;
mod pv;
mod pvh;
mod shared_info;
mod thread_pointer;

pub use boot::Boot;
pub use fault::panic;
use iface_platform::Termination;
pub use init::{Config, InitError, Needs, Provides, init};
pub use pv::StartInfoError;
#[doc(hidden)]
pub use x86_64::boot::GuardedStack;

/// The domain; a marker, as there is one.
#[derive(Clone, Copy, Debug)]
pub struct Xen;

/// Has the image begin with `$start(boot: Boot) -> !`, on a stack as large as `XEN`, the [`Config`] where this is used,
/// says.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        const _: () = {
            /// What the linker script knows as `unicore_boot_stack`.
            #[used]
            #[allow(unsafe_code, reason = "the section by which the linker script finds it")]
            #[unsafe(link_section = ".bss.boot_stack")]
            static BOOT_STACK: $crate::GuardedStack<{ XEN.boot_stack_size() }> = $crate::GuardedStack::new();

            #[allow(unsafe_code, reason = "the symbol that the boot code calls")]
            #[unsafe(no_mangle)]
            extern "C" fn unicore_pvh_start(_: u32, start_info: u32) -> ! {
                // SAFETY: the PVH entry calls this, once, with the address that Xen left.
                $start(unsafe { $crate::Boot::pvh(start_info) })
            }

            #[allow(unsafe_code, reason = "the symbol that the boot code calls")]
            #[unsafe(no_mangle)]
            extern "C" fn unicore_pv_start(start_info: u64) -> ! {
                // SAFETY: the PV entry calls this, once, with the address that Xen left.
                $start(unsafe { $crate::Boot::pv(start_info) })
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
