//! Received frames.

use alloc::vec::Vec;

use granted_pages::Page;

/// A received frame, in memory that the backend can't reach any more.
#[derive(Debug)]
pub struct Frame(pub(crate) Body);

/// Where its bytes are.
#[derive(Debug)]
pub(crate) enum Body {
    /// In the page that the backend wrote.
    Page { page: Page, start: u16, end: u16 },
    /// Copied together from several.
    Gathered(Vec<u8>),
}

impl AsRef<[u8]> for Frame {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Body::Page { page, start, end } => &page.as_ref()[usize::from(*start)..usize::from(*end)],
            Body::Gathered(bytes) => bytes,
        }
    }
}

impl AsMut<[u8]> for Frame {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Body::Page { page, start, end } => &mut page.as_mut()[usize::from(*start)..usize::from(*end)],
            Body::Gathered(bytes) => bytes,
        }
    }
}
