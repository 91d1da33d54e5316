//! A line on its way to the console.

use core::fmt;

use iface_console::Console;

/// Bytes that go to the console at once.
const PIECE: usize = 160;

/// Gathers what is written, since each write to a console may be a system call or an exit to the hypervisor.
pub(crate) struct Line<C: Console> {
    console: C,
    bytes: [u8; PIECE],
    length: usize,
}

impl<C: Console> Line<C> {
    pub(crate) fn new(console: C) -> Self {
        Self { console, bytes: [0; PIECE], length: 0 }
    }

    /// Writes a message; its control characters do not reach the console.
    pub(crate) fn message(&mut self, message: fmt::Arguments<'_>) -> fmt::Result {
        fmt::write(&mut Harmless(self), message)
    }

    /// Sends what is left, and a newline.
    pub(crate) fn end(mut self) {
        self.push(b"\n");
        self.flush();
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.length == PIECE {
                self.flush();
            }
            self.bytes[self.length] = *byte;
            self.length += 1;
        }
    }

    fn flush(&mut self) {
        self.console.write(&self.bytes[..self.length]);
        self.length = 0;
    }
}

impl<C: Console> fmt::Write for Line<C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

struct Harmless<'a, C: Console>(&'a mut Line<C>);

impl<C: Console> fmt::Write for Harmless<'_, C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'\n' => self.0.push(b"\n    "),
                0..0x20 | 0x7f => self.0.push(b"."),
                byte => self.0.push(&[byte]),
            }
        }
        Ok(())
    }
}
