//! Rings of bytes (`io/console.h`, `io/xs_wire.h`), one way each.

use core::{marker::PhantomData, ptr::NonNull};

use crate::{
    error::{Index, RingError},
    word::{Octet, Word},
};

/// The half of a byte ring that puts bytes in.
pub struct Sender<'a> {
    ring: Ring<'a>,
    /// The producer index that was last written.
    sent: u32,
    /// The consumer index that was last read and found possible.
    taken: u32,
    dead: Option<RingError>,
}

impl Sender<'_> {
    /// The ring of the bytes `data`, whose producer index is this domain's. It goes on from what the indices say.
    ///
    /// # Panics
    /// Where `data` is not a power of two of bytes.
    ///
    /// # Safety
    /// As [`Receiver::new`].
    pub unsafe fn new(data: NonNull<[u8]>, producer: NonNull<u32>, consumer: NonNull<u32>) -> Self {
        let ring = Ring::new(data, producer, consumer);
        let sent = ring.producer().read();
        Self { sent, taken: sent.wrapping_sub(ring.size()), ring, dead: None }
    }

    /// Bytes that can be written now.
    ///
    /// # Errors
    /// [`RingError`], now and for ever, where the other side claims to have read bytes that were not written, or takes
    /// back that it read some.
    pub fn space(&mut self) -> Result<usize, RingError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        let claimed = self.ring.consumer().acquire();
        let checked = RingError::check(Index::Consumer, claimed, self.taken, self.sent);
        self.dead = checked.err();
        self.taken = checked?;
        Ok((self.ring.size() - self.sent.wrapping_sub(self.taken)) as usize)
    }

    /// Writes as many of `bytes` as there is space for, and returns how many. The other side is to be signalled.
    ///
    /// # Errors
    /// As [`space`](Self::space).
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, RingError> {
        let count = self.space()?.min(bytes.len());
        for (octet, byte) in self.ring.from(self.sent).zip(&bytes[..count]) {
            octet.write(*byte);
        }
        self.sent = self.sent.wrapping_add(count as u32);
        self.ring.producer().release(self.sent);
        Ok(count)
    }
}

/// The half of a byte ring that takes bytes out.
pub struct Receiver<'a> {
    ring: Ring<'a>,
    /// The consumer index that was last written.
    received: u32,
    /// The producer index that was last read and found possible.
    given: u32,
    dead: Option<RingError>,
}

impl Receiver<'_> {
    /// The ring of the bytes `data`, whose consumer index is this domain's. It goes on from what the indices say.
    ///
    /// # Panics
    /// Where `data` is not a power of two of bytes.
    ///
    /// # Safety
    /// Data and indices are valid for reads and writes, the indices aligned, until the ring is dropped. Meanwhile nobody in
    /// this domain accesses data and this domain's index otherwise, unless by atomic operations; the other domain may do
    /// what it wants.
    pub unsafe fn new(data: NonNull<[u8]>, producer: NonNull<u32>, consumer: NonNull<u32>) -> Self {
        let ring = Ring::new(data, producer, consumer);
        let received = ring.consumer().read();
        Self { received, given: received, ring, dead: None }
    }

    /// Bytes that can be read now.
    ///
    /// # Errors
    /// [`RingError`], now and for ever, where the other side claims to have written more than the ring holds, or takes
    /// bytes back.
    pub fn available(&mut self) -> Result<usize, RingError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        let claimed = self.ring.producer().acquire();
        let most = self.received.wrapping_add(self.ring.size());
        let checked = RingError::check(Index::Producer, claimed, self.given, most);
        self.dead = checked.err();
        self.given = checked?;
        Ok(self.given.wrapping_sub(self.received) as usize)
    }

    /// Reads as many bytes as there are and `buffer` holds, and returns how many. The other side is to be signalled.
    ///
    /// # Errors
    /// As [`available`](Self::available).
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, RingError> {
        let count = self.available()?.min(buffer.len());
        for (octet, byte) in self.ring.from(self.received).zip(&mut buffer[..count]) {
            *byte = octet.read();
        }
        self.received = self.received.wrapping_add(count as u32);
        self.ring.consumer().release(self.received);
        Ok(count)
    }
}

/// Data and indices.
struct Ring<'a> {
    data: NonNull<[Octet]>,
    producer: NonNull<Word>,
    consumer: NonNull<Word>,
    memory: PhantomData<&'a [Octet]>,
}

impl Ring<'_> {
    fn new(data: NonNull<[u8]>, producer: NonNull<u32>, consumer: NonNull<u32>) -> Self {
        assert!(data.len().is_power_of_two() && data.len() <= 1 << 31, "a ring of {} bytes", data.len());
        let data = NonNull::slice_from_raw_parts(data.cast(), data.len());
        Self { data, producer: producer.cast(), consumer: consumer.cast(), memory: PhantomData }
    }

    fn size(&self) -> u32 {
        self.data.len() as u32
    }

    /// All places of the ring, from that of byte `index` on.
    fn from(&self, index: u32) -> impl Iterator<Item = &Octet> {
        let (before, after) = self.data().split_at((index & (self.size() - 1)) as usize);
        after.iter().chain(before)
    }

    fn data(&self) -> &[Octet] {
        // SAFETY: by the promise made to the constructors, the memory is valid while `self` lives. It is of atomics, for
        // which any value is valid, and with which accesses of the other domain do not race.
        unsafe { self.data.as_ref() }
    }

    fn producer(&self) -> &Word {
        // SAFETY: as in `data`; it is aligned.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &Word {
        // SAFETY: as in `data`; it is aligned.
        unsafe { self.consumer.as_ref() }
    }
}
