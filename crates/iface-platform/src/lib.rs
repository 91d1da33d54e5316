#![doc = include_str!("../README.md")]
#![no_std]

mod command_line;

pub use command_line::CommandLine;

/// How the image ended: 0 is success, as for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub u8);

impl ExitStatus {
    /// All went well.
    pub const SUCCESS: Self = Self(0);
    /// The application says that it failed.
    pub const FAILURE: Self = Self(1);
    /// The image panicked; the number is that of a process ended by SIGABRT as a shell sees it.
    pub const PANIC: Self = Self(134);
}

/// What an application's `main` may return.
pub trait Termination {
    /// The status that stands for it.
    fn status(self) -> ExitStatus;
}

impl Termination for ExitStatus {
    fn status(self) -> ExitStatus {
        self
    }
}

impl Termination for () {
    fn status(self) -> ExitStatus {
        ExitStatus::SUCCESS
    }
}

/// What started the image, and how it ends.
pub trait Platform: Copy + 'static {
    /// The command line the image was started with.
    fn command_line(&self) -> CommandLine<'static>;

    /// The initial image (initrd, boot module) that came with it.
    fn initrd(&self) -> Option<&'static [u8]>;

    /// Ends the image. Whoever started it sees `status` where the platform can carry it.
    fn exit(&self, status: ExitStatus) -> !;
}
