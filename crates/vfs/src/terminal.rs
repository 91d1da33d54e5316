//! The console as a terminal (ioctl_tty(2), termios(3)).

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::cell::{Cell, RefCell};

use iface_clock::{Clock, Duration};
use iface_console::Console;
use iface_scheduler::Scheduler;
use iface_vfs::Errno;
use linux_raw_sys::general::{
    B38400, CREAD, CS8, ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, HUPCL, ICANON, ICRNL, IEXTEN, ISIG, IXON, ONLCR,
    OPOST,
};
use linux_raw_sys::ioctl::{
    FIONREAD, TCGETS, TCSETS, TCSETSF, TCSETSW, TIOCGPGRP, TIOCGWINSZ, TIOCSPGRP, TIOCSWINSZ,
};
use open_file::{Readiness, Watchers};

use crate::device::Driver;
use crate::file::answer;

/// Bytes of `struct termios` as the kernel has it: four words of flags, the discipline, 19 characters.
const SETTINGS: usize = 36;
/// The flags that a console has on Linux when it is opened (`tty_std_termios`): of input, output, control, and local.
const FLAGS: [u32; 4] = [
    ICRNL | IXON,
    OPOST | ONLCR,
    B38400 | CS8 | CREAD | HUPCL,
    ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
];
/// The characters (`INIT_C_CC`), behind the discipline 0.
const CHARACTERS: [u8; 20] = [0, 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];
/// Bytes that are asked of the console at a time.
const AT_ONCE: usize = 64;
/// The process group of the one process.
const GROUP: i32 = 1;
/// How often the console is looked at while somebody waits: consoles do not say when something is typed.
const PERIOD: Duration = Duration::from_millis(10);

/// The console. Settings are kept and told; of them the one that makes line ends of returns is heeded.
pub(crate) struct Terminal<O, C, S> {
    console: O,
    clock: C,
    scheduler: S,
    settings: Cell<[u8; SETTINGS]>,
    /// Rows, columns, and pixels of both, as `struct winsize`; zeros say that it is not known.
    size: Cell<[u8; 8]>,
    /// What was typed and not read yet.
    typed: RefCell<VecDeque<u8>>,
    watchers: Watchers,
    /// Whether a thread looks at the console.
    is_looked_at: Cell<bool>,
}

impl<O: Console, C: Clock, S: Scheduler> Terminal<O, C, S> {
    /// The terminal, which is there for as long as the image runs.
    pub fn new(console: O, clock: C, scheduler: S) -> &'static Self {
        let mut settings = [0; SETTINGS];
        for (to, flags) in settings.chunks_exact_mut(4).zip(FLAGS) {
            to.copy_from_slice(&flags.to_ne_bytes());
        }
        settings[SETTINGS - CHARACTERS.len()..].copy_from_slice(&CHARACTERS);
        Box::leak(Box::new(Self {
            console,
            clock,
            scheduler,
            settings: Cell::new(settings),
            size: Cell::default(),
            typed: RefCell::default(),
            watchers: Watchers::new(),
            is_looked_at: Cell::default(),
        }))
    }

    /// Takes what is typed from the console. Returns whether that was anything.
    fn take(&self) -> bool {
        let mut typed = self.typed.borrow_mut();
        let before = typed.len();
        let mut bytes = [0; AT_ONCE];
        // Where nobody reads it stays in the console.
        while typed.len() < AT_ONCE {
            let count = self.console.read(&mut bytes);
            if count == 0 {
                break;
            }
            typed.extend(bytes[..count].iter().map(|byte| self.mapped(*byte)));
        }
        typed.len() > before
    }

    /// How many bytes wait to be read.
    fn waiting(&self) -> usize {
        self.take();
        self.typed.borrow().len()
    }

    /// Has a thread tell the watchers when something is typed, for as long as there are any.
    fn look(&'static self) {
        if self.is_looked_at.replace(true) {
            return;
        }
        let body = move || {
            while !self.watchers.is_empty() {
                if self.take() {
                    self.watchers.notify(Readiness::IN);
                }
                self.scheduler.sleep_until(self.clock.now() + PERIOD);
            }
            self.is_looked_at.set(false);
        };
        // Without memory for a thread nobody is told: who waits for the terminal the next time tries again.
        if self.scheduler.spawn("terminal", Box::new(body)).is_err() {
            self.is_looked_at.set(false);
        }
    }

    fn mapped(&self, byte: u8) -> u8 {
        let [a, b, c, d, ..] = self.settings.get();
        let makes_line_ends = u32::from_ne_bytes([a, b, c, d]) & ICRNL != 0;
        if byte == b'\r' && makes_line_ends { b'\n' } else { byte }
    }
}

impl<O: Console, C: Clock, S: Scheduler> Driver for &'static Terminal<O, C, S> {
    fn numbers(&self) -> (u32, u32) {
        (5, 1)
    }

    fn permissions(&self) -> u16 {
        0o620
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if self.waiting() == 0 && !buffer.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let mut typed = self.typed.borrow_mut();
        let count = typed.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(typed.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.console.write(bytes);
        Ok(bytes.len())
    }

    fn has_positions(&self) -> bool {
        false
    }

    fn readiness(&self) -> Readiness {
        if self.waiting() > 0 { Readiness::IN | Readiness::OUT } else { Readiness::OUT }
    }

    fn watchers(&self) -> Option<&Watchers> {
        self.look();
        Some(&self.watchers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        match request {
            TCGETS => answer(argument, &self.settings.get()),
            TCSETS | TCSETSW | TCSETSF => {
                let settings = argument.first_chunk().ok_or(Errno::EFAULT)?;
                self.settings.set(*settings);
                if request == TCSETSF {
                    self.take();
                    self.typed.borrow_mut().clear();
                }
                Ok(0)
            }
            TIOCGWINSZ => answer(argument, &self.size.get()),
            TIOCSWINSZ => {
                self.size.set(*argument.first_chunk().ok_or(Errno::EFAULT)?);
                Ok(0)
            }
            TIOCGPGRP => answer(argument, &GROUP.to_ne_bytes()),
            TIOCSPGRP => Ok(0),
            FIONREAD => answer(argument, &(self.waiting() as i32).to_ne_bytes()),
            _ => Err(Errno::ENOTTY),
        }
    }
}
