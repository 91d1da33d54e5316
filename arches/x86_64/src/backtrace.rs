//! Return addresses found on a stack.
//!
//! Frame pointers would cost every function an instruction or two and a register, unwind tables a fifth of the image; so
//! the words of the stack are looked through for those that point behind a call instruction of the image. What an
//! earlier, deeper call left behind may be among them: read a backtrace as "these calls, and perhaps one more".

use core::ops::Range;

/// The word that ends a stack: whoever starts a thread of control leaves it above the first frame.
pub const END: usize = 0x646e_6573;

/// The longest and the shortest encoding of a call that is recognised, in bytes.
const CALL_LENGTHS: [usize; 4] = [5, 2, 3, 6];

/// The return addresses on the stack that lies at `stack_pointer` and upwards, innermost first.
///
/// `read` gives the word at an address, or `None` where there is no stack any more; `text` is the image's code.
pub fn scan(
    stack_pointer: usize,
    text: Range<usize>,
    read: impl Fn(usize) -> Option<usize>,
    code: impl Fn(usize) -> u8,
) -> impl Iterator<Item = usize> {
    (stack_pointer..usize::MAX)
        .step_by(size_of::<usize>())
        .map_while(read)
        .take_while(|word| *word != END)
        .filter(move |word| follows_call(*word, &text, &code))
}

/// Whether the instruction before `address` is a call (Intel SDM volume 2A, CALL): `E8` with a target in the image,
/// or `FF /2` through a register or memory.
fn follows_call(address: usize, text: &Range<usize>, code: &impl Fn(usize) -> u8) -> bool {
    CALL_LENGTHS.iter().any(|length| {
        let Some(call) = address.checked_sub(*length) else { return false };
        if call < text.start || address > text.end {
            return false;
        }
        match length {
            5 => code(call) == 0xe8 && text.contains(&target(address, code)),
            _ => code(call) == 0xff && indirect_length(code(call + 1)) == Some(*length),
        }
    })
}

/// Where the near call that ends before `address` goes to.
fn target(address: usize, code: &impl Fn(usize) -> u8) -> usize {
    let displacement = i32::from_le_bytes([4, 3, 2, 1].map(|back| code(address - back)));
    address.wrapping_add_signed(displacement as isize)
}

/// The length of `FF /2` by its ModRM byte (Intel SDM volume 2A, table 2-2); `None` where it is another instruction
/// or has a scale-index-base byte, which compilers hardly use in calls.
const fn indirect_length(modrm: u8) -> Option<usize> {
    let (mode, operation, register) = (modrm >> 6, modrm >> 3 & 7, modrm & 7);
    match (operation, mode, register) {
        (2, 3, _) => Some(2),
        (2, 0, 5) => Some(6),
        (2, _, 4) => None,
        (2, 0, _) => Some(2),
        (2, 1, _) => Some(3),
        (2, 2, _) => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{END, scan};

    /// `call 0x1000` at 0x1010, `call rax` at 0x1020, `call [rip+0]` at 0x1030, `jmp rax` at 0x1040.
    fn code(address: usize) -> u8 {
        let mut text = [0x90; 0x100];
        text[0x10..0x15].copy_from_slice(&[0xe8, 0xeb, 0xff, 0xff, 0xff]);
        text[0x20..0x22].copy_from_slice(&[0xff, 0xd0]);
        text[0x30..0x36].copy_from_slice(&[0xff, 0x15, 0, 0, 0, 0]);
        text[0x40..0x42].copy_from_slice(&[0xff, 0xe0]);
        text[address - 0x1000]
    }

    fn found(stack: &[usize]) -> Vec<usize> {
        let read = |address: usize| stack.get((address - 0x8000) / 8).copied();
        scan(0x8000, 0x1000..0x1100, read, code).collect()
    }

    #[test]
    fn words_behind_calls_are_found_and_others_are_not() {
        assert_eq!(
            found(&[0, 0x1015, 0x1016, 0x1022, usize::MAX, 0x1036, 0x1042, 0x1000, 0x1100]),
            [0x1015, 0x1022, 0x1036]
        );
    }

    #[test]
    fn the_end_mark_ends_it() {
        assert_eq!(found(&[0x1015, END, 0x1022]), [0x1015]);
    }
}
