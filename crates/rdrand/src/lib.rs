#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "instructions that not every processor has are executed")]

mod instruction;

use iface_entropy::{Entropy, EntropyError};

use instruction::Instruction;

/// Numbers drawn at the start, which must not all be the same.
const SAMPLES: usize = 8;

/// There is nothing to set.
#[derive(Debug)]
pub struct Config {}

/// Nothing is needed.
#[derive(Debug)]
pub struct Needs {}

/// What is provided.
#[derive(Debug)]
pub struct Provides<R> {
    /// The source of random bytes.
    pub entropy: R,
}

/// Why there is no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The processor has neither instruction.
    Unsupported,
    /// The instruction fails, or gives the same number again and again.
    Broken,
}

impl core::fmt::Display for InitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "the processor has no RDRAND",
            Self::Broken => "the processor's random number generator is broken",
        })?;
        f.write_str("; choose.entropy = \"virtio-rng\", or in QEMU -cpu max")
    }
}

impl core::error::Error for InitError {}

/// The processor's random number generator.
#[derive(Clone, Copy, Debug)]
pub struct Rdrand(Instruction);

impl Entropy for Rdrand {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        fill(|| self.0.draw(), buffer).ok_or(EntropyError::SourceFailed)
    }
}

/// Finds out what the processor has, and that it works.
///
/// # Errors
/// As [`InitError`] says.
pub fn init(_config: &'static Config, _needs: Needs) -> Result<Provides<Rdrand>, InitError> {
    let instruction = Instruction::detect().ok_or(InitError::Unsupported)?;
    if !varies(|| instruction.draw()) {
        return Err(InitError::Broken);
    }
    Ok(Provides { entropy: Rdrand(instruction) })
}

/// Fills `buffer` with the bytes of drawn numbers; `None` where one cannot be drawn.
fn fill(mut draw: impl FnMut() -> Option<u64>, buffer: &mut [u8]) -> Option<()> {
    for chunk in buffer.chunks_mut(size_of::<u64>()) {
        chunk.copy_from_slice(&draw()?.to_ne_bytes()[..chunk.len()]);
    }
    Some(())
}

/// Whether drawn numbers differ.
fn varies(mut draw: impl FnMut() -> Option<u64>) -> bool {
    let mut samples = [0; SAMPLES];
    for sample in &mut samples {
        match draw() {
            Some(number) => *sample = number,
            None => return false,
        }
    }
    samples.iter().any(|sample| *sample != samples[0])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{string::ToString, vec};

    use super::*;

    #[test]
    fn every_byte_is_filled_with_the_next_number() {
        for length in 0..40 {
            let mut numbers = 0..;
            let mut buffer = vec![0xff; length];
            fill(|| numbers.next().map(|number: u64| number * 0x0101_0101_0101_0101), &mut buffer).unwrap();
            assert!(buffer.iter().enumerate().all(|(index, byte)| usize::from(*byte) == index / 8));
            assert_eq!(numbers.next(), Some(length.div_ceil(8) as u64));
        }
    }

    #[test]
    fn a_failure_anywhere_is_a_failure() {
        let mut numbers = [Some(1), None].into_iter();
        assert_eq!(fill(|| numbers.next().unwrap(), &mut [0; 16]), None);
    }

    #[test]
    fn a_generator_that_is_stuck_is_found_out() {
        assert!(!varies(|| Some(u64::MAX)));
        assert!(!varies(|| None));
        let mut numbers = [7; 8];
        numbers[7] = 8;
        let mut numbers = numbers.into_iter();
        assert!(varies(|| numbers.next()));
    }

    #[test]
    fn errors_say_the_mend() {
        for error in [InitError::Unsupported, InitError::Broken] {
            let text = error.to_string();
            assert!(text.contains("virtio-rng") && text.contains("-cpu max"), "{text}");
        }
    }

    #[test]
    fn this_processor_gives_bytes_or_is_refused() {
        match init(&Config {}, Needs {}) {
            Ok(Provides { entropy }) => {
                let mut two = [[0; 32]; 2];
                two.iter_mut().for_each(|buffer| entropy.fill(buffer).unwrap());
                assert_ne!(two[0], two[1]);
                assert_ne!(two[0], [0; 32]);
            }
            Err(error) => assert_eq!((error, Instruction::detect()), (InitError::Unsupported, None)),
        }
    }
}
