//! The disk: requests of threads.

use alloc::collections::VecDeque;
use core::{cell::RefCell, ops::Range};

use iface_block_device::{BlockDevice, BlockError, check};
use iface_scheduler::{Scheduler, WaitQueue};
use virtio_drivers::{Hal, transport::Transport};
use virtio_ring::Answered;

use crate::{
    device::Device,
    facts::Facts,
    request::{Operation, SECTOR, judge},
};

/// A disk. The device is borrowed for moments only: whoever waits has not borrowed it.
pub(crate) struct Disk<S, H, T, const SIZE: usize> {
    scheduler: S,
    facts: Facts,
    device: RefCell<Device<H, T, SIZE>>,
    /// Threads that wait for a request that is free.
    room: WaitQueue,
}

/// Memory that a call is for.
enum Memory<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

impl Memory<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Read(buffer) => buffer.len(),
            Self::Write(bytes) => bytes.len(),
        }
    }

    fn operation(&self) -> Operation {
        match self {
            Self::Read(_) => Operation::Read,
            Self::Write(_) => Operation::Write,
        }
    }

    /// Writes what the device is to read of `range` to the beginning of `data`.
    fn fill(&self, range: Range<usize>, data: &mut [u8]) {
        if let Self::Write(bytes) = self {
            data[..range.len()].copy_from_slice(&bytes[range]);
        }
    }

    /// Takes what the device wrote for `range`, if it was to write.
    fn take(&mut self, range: Range<usize>, answered: &Answered) -> Result<(), BlockError> {
        match self {
            Self::Read(buffer) => {
                judge(answered, range.len())?;
                buffer[range.clone()].copy_from_slice(&answered.request.data()[..range.len()]);
                Ok(())
            }
            Self::Write(_) => judge(answered, 0),
        }
    }
}

impl<S: Scheduler, H: Hal, T: Transport, const SIZE: usize> Disk<S, H, T, SIZE> {
    pub(crate) fn new(scheduler: S, facts: Facts, device: Device<H, T, SIZE>) -> Self {
        Self { scheduler, facts, device: RefCell::new(device), room: WaitQueue::default() }
    }

    /// Takes the device's answers; called when it interrupts.
    pub(crate) fn collect(&self) {
        self.device.borrow_mut().collect(self.scheduler);
    }

    /// Moves all of `memory` from or to the disk, from block `first` on.
    fn transfer(&self, first: u64, mut memory: Memory<'_>) -> Result<(), BlockError> {
        let start = first * (self.facts.block_size as u64 / u64::from(SECTOR));
        let mut asked = 0;
        let mut under_way = VecDeque::new();
        let mut result = Ok(());
        loop {
            if result.is_ok() {
                self.ask(start, &memory, &mut asked, &mut under_way);
            }
            match under_way.pop_front() {
                Some((number, range)) => {
                    let answered = self.wait(number);
                    result = result.and(memory.take(range, &answered));
                    self.release(answered);
                }
                None if result.is_err() || asked == memory.len() => return result,
                None => self.wait_for_room(),
            }
        }
    }

    /// Asks for as much of what begins at byte `asked` of `memory` as there are requests for.
    fn ask(
        &self,
        start: u64,
        memory: &Memory<'_>,
        asked: &mut usize,
        under_way: &mut VecDeque<(u16, Range<usize>)>,
    ) {
        let mut device = self.device.borrow_mut();
        let thread = self.scheduler.current();
        while *asked < memory.len() {
            let length = (memory.len() - *asked).min(self.facts.longest as usize);
            let range = *asked..*asked + length;
            let sector = start + *asked as u64 / u64::from(SECTOR);
            let fill = |data: &mut [u8]| memory.fill(range.clone(), data);
            let Some(number) = device.ask(memory.operation(), sector, length as u32, fill, thread) else {
                break;
            };
            *asked = range.end;
            under_way.push_back((number, range));
        }
        device.kick();
    }

    /// Parks until a request of this thread's was answered.
    fn wait(&self, number: u16) -> Answered {
        loop {
            let answered = self.device.borrow_mut().answer(number);
            match answered {
                Some(answered) => return answered,
                None => self.scheduler.park(None),
            };
        }
    }

    fn release(&self, answered: Answered) {
        self.device.borrow_mut().give_back(answered.request);
        self.room.wake_all(self.scheduler);
    }

    fn wait_for_room(&self) {
        let has_room = || self.device.borrow().has_room().then_some(());
        self.room.wait_for(self.scheduler, None, has_room);
    }

    /// Has the device write its cache back.
    fn ask_to_flush(&self) -> Result<(), BlockError> {
        let number = loop {
            let mut device = self.device.borrow_mut();
            let asked = device.ask(Operation::Flush, 0, 0, |_| (), self.scheduler.current());
            device.kick();
            drop(device);
            match asked {
                Some(number) => break number,
                None => self.wait_for_room(),
            }
        };
        let answered = self.wait(number);
        let result = judge(&answered, 0);
        self.release(answered);
        result
    }
}

impl<S, H, T, const SIZE: usize> BlockDevice for &'static Disk<S, H, T, SIZE>
where
    S: Scheduler,
    H: Hal + 'static,
    T: Transport + 'static,
{
    fn block_size(&self) -> usize {
        self.facts.block_size
    }

    fn blocks(&self) -> u64 {
        self.facts.blocks
    }

    fn is_read_only(&self) -> bool {
        self.facts.is_read_only
    }

    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        check(self, first, buffer.len())?;
        self.transfer(first, Memory::Read(buffer))
    }

    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        if self.facts.is_read_only {
            return Err(BlockError::ReadOnly);
        }
        check(self, first, bytes.len())?;
        self.transfer(first, Memory::Write(bytes))
    }

    fn flush(&self) -> Result<(), BlockError> {
        if self.facts.can_flush { self.ask_to_flush() } else { Ok(()) }
    }
}
