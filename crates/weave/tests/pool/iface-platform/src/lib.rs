//! How an image ends.
#![no_std]

/// How it ended.
pub struct ExitStatus(pub u8);

/// What `main` may return.
pub trait Termination {
    /// The status that stands for it.
    fn status(self) -> ExitStatus;
}

impl Termination for () {
    fn status(self) -> ExitStatus {
        ExitStatus(0)
    }
}

/// Who started the image.
pub trait Platform: Copy + 'static {
    /// Ends it.
    fn exit(&self, status: ExitStatus) -> !;
}
