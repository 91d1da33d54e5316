//! Random bytes of the kernel.

use iface_entropy::{Entropy, EntropyError};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// `getrandom`, which waits at most until the kernel's generator is seeded once.
#[derive(Clone, Copy, Debug)]
pub struct LinuxEntropy;

impl Entropy for LinuxEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            match getrandom(&mut *rest, GetRandomFlags::empty()) {
                Ok(length) => rest = &mut rest[length..],
                Err(Errno::INTR) => {}
                Err(_) => return Err(EntropyError::SourceFailed),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_buffer_is_filled() {
        // A byte stays zero with probability 2^-8 a try.
        let mut seen = [false; 1000];
        for _ in 0..20 {
            let mut bytes = [0; 1000];
            LinuxEntropy.fill(&mut bytes).unwrap();
            for (seen, byte) in seen.iter_mut().zip(bytes) {
                *seen |= byte != 0;
            }
        }
        assert!(seen.into_iter().all(|seen| seen));
    }
}
