//! A program in a process group of its own, which ends with its owner however that ends.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The group that was started last, 0 for none: for the handler of an interrupt.
static RUNNING: AtomicI32 = AtomicI32::new(0);

/// Kills the group that was started last where it runs still; for who ends this process early.
pub fn kill_running() {
    kill(RUNNING.load(Ordering::SeqCst));
}

fn kill(group: i32) {
    if let Some(group) = Pid::from_raw(group) {
        // The group may be gone already, which is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// A running program and its children; dropping it kills them.
#[derive(Debug)]
pub struct Group {
    child: Child,
    /// Its process group, which has the number of the child.
    number: i32,
}

impl Group {
    /// Starts a program.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let number = child.id().cast_signed();
        RUNNING.store(number, Ordering::SeqCst);
        Ok(Self { child, number })
    }

    /// The number of its process, and of the group.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// What it writes, where the command asked for pipes; once.
    pub fn streams(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// What it reads, where the command asked for a pipe.
    pub fn input(&mut self) -> Option<&mut ChildStdin> {
        self.child.stdin.as_mut()
    }

    /// Asks the program alone, not its children, to end: SIGTERM.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn terminate(&self) -> io::Result<()> {
        match Pid::from_raw(self.number) {
            Some(child) => Ok(kill_process(child, Signal::TERM)?),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Its exit status as a shell tells it, 128 + n for signal n, once it has ended.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn ended(&mut self) -> io::Result<Option<i32>> {
        Ok(self.child.try_wait()?.map(code))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        kill(self.number);
        // Another group may have been started meanwhile, which is then the one to remember.
        let _ = RUNNING.compare_exchange(self.number, 0, Ordering::SeqCst, Ordering::SeqCst);
        // A killed process ends; an error here could only say that it was waited for before.
        let _ = self.child.wait();
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
