//! The interface as a card.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use iface_net_device::{Checksums, NetDevice, Source, TransmitError};
use rustix::event::epoll::{self, CreateFlags};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::{Errno, dup2, read, write};

/// Length of an Ethernet header, in bytes.
const HEADER: usize = 14;

/// A TAP interface.
#[derive(Debug)]
pub struct Tap {
    fd: OwnedFd,
    mac: [u8; 6],
    mtu: usize,
    /// Memory for frames to be received.
    free: Vec<Box<[u8]>>,
    /// Where the frame to be sent is written.
    sending: Box<[u8]>,
}

/// A received frame.
#[derive(Debug)]
pub struct Frame {
    memory: Box<[u8]>,
    length: usize,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.length]
    }
}

impl AsMut<[u8]> for Frame {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.length]
    }
}

impl Tap {
    pub(crate) fn new(fd: OwnedFd, mac: [u8; 6], mtu: usize, frames: usize) -> Self {
        let memory = || vec![0; HEADER + mtu].into_boxed_slice();
        Self { fd, mac, mtu, free: (0..frames).map(|_| memory()).collect(), sending: memory() }
    }

    /// The interface was deleted. Its descriptor would fire for ever, so another file takes its place: an epoll instance
    /// that watches nothing never fires, and takes no frame.
    fn retire(&mut self) {
        log::error!("the TAP interface was deleted: the network is gone for good");
        let retired = epoll::create(CreateFlags::CLOEXEC).and_then(|quiet| dup2(&quiet, &mut self.fd));
        if let Err(errno) = retired {
            log::error!("the TAP interface's descriptor can't be replaced ({errno})");
        }
    }
}

impl NetDevice for Tap {
    type Frame = Frame;

    fn mac_address(&self) -> [u8; 6] {
        self.mac
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn checksums(&self) -> Checksums {
        Checksums::default()
    }

    fn source(&self) -> Source {
        Source(self.fd.as_raw_fd() as u32)
    }

    /// Reading the frames quiets it.
    fn acknowledge(&mut self) {}

    fn receive(&mut self) -> Option<Frame> {
        let mut memory = self.free.pop()?;
        match read(&self.fd, &mut *memory) {
            Ok(length @ 1..) => Some(Frame { memory, length }),
            result => {
                self.free.push(memory);
                // Otherwise none is there, or the interface is down.
                if result == Err(Errno::BADFD) {
                    self.retire();
                }
                None
            }
        }
    }

    fn recycle(&mut self, frame: Frame) {
        self.free.push(frame.memory);
    }

    /// The kernel takes or loses every frame at once.
    fn can_transmit(&mut self) -> bool {
        true
    }

    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError> {
        let frame = self.sending.get_mut(..length).ok_or(TransmitError::TooLong)?;
        let result = fill(frame);
        // A frame that the kernel does not take is lost, as on a wire.
        let _ = write(&self.fd, frame);
        Ok(result)
    }

    fn flush(&mut self) {}

    /// The descriptor fires as long as frames wait, so none is missed.
    fn arm(&mut self) -> bool {
        true
    }

    fn disarm(&mut self) {}
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::net::{AddressFamily, SocketFlags, SocketType, recv, send, socketpair};
    use rustix::net::{RecvFlags, SendFlags};

    use super::*;

    /// A card whose wire is a pair of sockets that keep the bounds of frames, and the other end.
    fn card(frames: usize) -> (Tap, OwnedFd) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        (Tap::new(ours, [2, 0, 0, 0, 0, 1], 1500, frames), theirs)
    }

    #[test]
    fn frames_are_received_into_memory_that_is_used_again() {
        let (mut card, wire) = card(2);
        assert!(card.receive().is_none());
        for round in 0..10_u8 {
            send(&wire, &[round; 60], SendFlags::empty()).unwrap();
            send(&wire, &[round + 1; 1514], SendFlags::empty()).unwrap();
            let frames = [card.receive().unwrap(), card.receive().unwrap()];
            assert_eq!(frames[0].as_ref(), [round; 60]);
            assert_eq!(frames[1].as_ref(), [round + 1; 1514]);
            for frame in frames {
                card.recycle(frame);
            }
            assert!(card.receive().is_none());
        }
        assert_eq!(card.free.len(), 2);
    }

    #[test]
    fn no_more_frames_are_held_than_there_is_memory_for() {
        let (mut card, wire) = card(1);
        for byte in 1..=2 {
            send(&wire, &[byte; 60], SendFlags::empty()).unwrap();
        }
        let first = card.receive().unwrap();
        assert!(card.receive().is_none());
        card.recycle(first);
        assert_eq!(card.receive().unwrap().as_mut(), [2; 60]);
    }

    #[test]
    fn a_card_without_its_interface_is_quiet() {
        let (mut card, wire) = card(1);
        let source = card.source();
        send(&wire, &[1; 60], SendFlags::empty()).unwrap();
        card.retire();
        let mut fds = [PollFd::new(&card.fd, PollFlags::IN | PollFlags::OUT)];
        assert_eq!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0));
        assert_eq!(card.source(), source);
        assert!(card.receive().is_none() && card.receive().is_none());
        assert_eq!(card.transmit(60, |frame| frame.fill(7)), Ok(()));
        assert_eq!(
            recv(&wire, &mut [0; 60], RecvFlags::empty()),
            Err(Errno::CONNRESET),
            "nobody holds the other end"
        );
        assert_eq!(
            poll(&mut [PollFd::new(&card.fd, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })),
            Ok(0)
        );
    }

    #[test]
    fn frames_are_sent_as_they_were_filled() {
        let (mut card, wire) = card(1);
        assert_eq!(card.transmit(1515, |_| ()), Err(TransmitError::TooLong));
        assert!(card.can_transmit());
        assert_eq!(card.transmit(1514, |frame| frame.fill(7)), Ok(()));
        assert_eq!(card.transmit(3, |frame| frame.copy_from_slice(b"abc")), Ok(()));
        card.flush();
        let mut buffer = [0; 2000];
        assert_eq!(recv(&wire, &mut buffer, RecvFlags::empty()), Ok((1514, 1514)));
        assert_eq!(buffer[..1514], [7; 1514]);
        assert_eq!(recv(&wire, &mut buffer, RecvFlags::empty()), Ok((3, 3)));
        assert_eq!(&buffer[..3], b"abc");
    }
}
