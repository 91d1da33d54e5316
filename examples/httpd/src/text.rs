//! Numbers as text, straight into a buffer: a head is written for each request, and `core::fmt` would cost most of it.

use alloc::vec::Vec;

/// Appends `number` in decimal.
pub fn decimal(out: &mut Vec<u8>, number: u64) {
    digits(out, number, 10);
}

/// Appends `number` in lower-case hexadecimal.
pub fn hexadecimal(out: &mut Vec<u8>, number: u64) {
    digits(out, number, 16);
}

/// The last two decimal digits of `number`.
pub fn two_digits(number: u64) -> [u8; 2] {
    [digit(number / 10 % 10), digit(number % 10)]
}

fn digits(out: &mut Vec<u8>, mut number: u64, base: u64) {
    // 2^64 has 20 decimal digits.
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = digit(number % base);
        number /= base;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[start..]);
}

fn digit(value: u64) -> u8 {
    b"0123456789abcdef"[value as usize]
}

#[cfg(test)]
mod tests {
    use std::{format, vec::Vec};

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_library_does(number in any::<u64>()) {
            let mut out = Vec::new();
            super::decimal(&mut out, number);
            out.push(b' ');
            super::hexadecimal(&mut out, number);
            out.push(b' ');
            out.extend(super::two_digits(number));
            prop_assert_eq!(out, format!("{number} {number:x} {:02}", number % 100).into_bytes());
        }
    }
}
