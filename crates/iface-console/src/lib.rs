#![doc = include_str!("../README.md")]
#![no_std]

/// The image's text console.
pub trait Console: Copy + 'static {
    /// Writes all of `bytes`, as they are. Bytes that nobody can take any more are dropped.
    fn write(&self, bytes: &[u8]);

    /// Reads what is there into `buffer` and says how much it was; 0 where there is none now.
    fn read(&self, buffer: &mut [u8]) -> usize;
}

/// [`core::fmt::Write`] on a console, for `write!`.
#[derive(Clone, Copy, Debug)]
pub struct Writer<C: Console>(pub C);

impl<C: Console> core::fmt::Write for Writer<C> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
