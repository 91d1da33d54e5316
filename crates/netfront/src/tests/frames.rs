//! Frames between the card and an honest backend.

use std::vec;
use std::vec::Vec;

use iface_events::Events;
use iface_net_device::{Checksums, NetDevice, TransmitError};

use super::host::{ADDRESS, CONFIG, Channels, Grants, Host};
use crate::netif::{receive_flag, transmit_flag};
use crate::{Card, Config};

fn pair() -> (Host, Card<Grants, Channels>) {
    let host = Host::with_card();
    let card = host.init(&CONFIG).unwrap();
    host.events.poll();
    // What woke the backend when it was connected.
    host.with(|backend| host.channels.take_signals(backend.ports[0]));
    (host, card)
}

/// A frame of `length` bytes that no other has.
fn frame(mark: u32, length: usize) -> Vec<u8> {
    mark.to_le_bytes().into_iter().cycle().take(length).collect()
}

/// A UDP datagram over IPv4, or IPv6, with a checksum.
fn datagram(is_ipv6: bool, checksum: [u8; 2]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    if is_ipv6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 12, 17, 64]);
        frame.extend(1..33);
    } else {
        frame.extend([8, 0, 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2]);
    }
    frame.extend([0, 7, 0, 8, 0, 12]);
    frame.extend(checksum);
    frame.extend(b"data");
    frame
}

/// The same with the right one.
fn right_datagram(is_ipv6: bool) -> Vec<u8> {
    let mut frame = datagram(is_ipv6, [0, 0]);
    transport_checksum::fill(&mut frame);
    assert!(transport_checksum::is_right(&frame));
    frame
}

fn send(card: &mut impl NetDevice, frame: &[u8]) -> Result<(), TransmitError> {
    card.transmit(frame.len(), |bytes| bytes.copy_from_slice(frame))
}

fn received(card: &mut impl NetDevice) -> Option<Vec<u8>> {
    let frame = card.receive()?;
    let bytes = frame.as_ref().to_vec();
    card.recycle(frame);
    Some(bytes)
}

#[test]
fn a_card_is_what_the_host_says() {
    let (host, card) = pair();
    assert_eq!((card.mac_address(), card.mtu()), (ADDRESS, 1500));
    assert_eq!(card.checksums(), Checksums { receive: true, transmit: true });
    for (key, value) in [
        ("state", "4"),
        ("request-rx-copy", "1"),
        ("feature-rx-notify", "1"),
        ("feature-sg", "1"),
        ("feature-no-csum-offload", "0"),
        ("feature-ipv6-csum-offload", "1"),
        ("feature-gso-tcpv4", "1"),
        ("feature-gso-tcpv6", "1"),
    ] {
        assert_eq!(host.key(key).as_deref(), Some(value), "{key}");
    }
    let ports = host.channels.ports();
    assert_eq!(host.key("event-channel").as_deref(), Some("1"));
    assert_eq!((ports.len(), host.key("event-channel-tx")), (1, None));
    host.with(|backend| assert_eq!(backend.to_domain.waiting(), 20));
    assert_eq!(host.grants.count(), 2 + 20 + 4);
}

#[test]
fn channels_are_split_for_a_backend_that_wants_it() {
    let host = Host::with_card();
    host.set_backend("feature-split-event-channels", "1");
    let mut card = host.init(&CONFIG).unwrap();
    assert_eq!((host.number("event-channel-tx"), host.number("event-channel-rx")), (Some(1), Some(2)));
    assert_eq!(host.key("event-channel"), None);
    let signals = || host.with(|backend| backend.ports.map(|port| host.channels.take_signals(port)));
    assert_eq!(signals(), [1, 1], "both are woken when they are connected");
    send(&mut card, &frame(1, 60)).unwrap();
    card.flush();
    assert_eq!(signals(), [1, 0]);
}

#[test]
fn frames_are_told_of_once_for_many() {
    let (host, mut card) = pair();
    (0..5).for_each(|mark| send(&mut card, &frame(mark, 100 + mark as usize)).unwrap());
    let signals = || host.with(|backend| host.channels.take_signals(backend.ports[0]));
    assert_eq!(signals(), 0);
    host.with(|backend| assert_eq!(backend.take(), None));
    card.flush();
    card.flush();
    assert_eq!(signals(), 1);
    host.with(|backend| {
        for mark in 0..5 {
            let sent = backend.take().unwrap();
            assert_eq!((sent.bytes, sent.flags), (frame(mark, 100 + mark as usize), 0));
        }
        assert!(backend.finish(), "the ring asks for a signal for its first response");
        assert!(!backend.finish());
    });
    send(&mut card, &frame(9, 60)).unwrap();
    card.flush();
    assert_eq!(signals(), 0, "the backend did not ask for more");
}

#[test]
fn a_full_ring_asks_for_a_signal_and_has_room_after_it() {
    let (host, mut card) = pair();
    for round in 0..1000 {
        (0..8).for_each(|mark| send(&mut card, &frame(mark, 1514)).unwrap());
        assert_eq!(send(&mut card, &frame(0, 60)), Err(TransmitError::Full));
        assert!(!card.can_transmit());
        host.events.poll();
        host.with(|backend| {
            for mark in 0..3 {
                assert_eq!(backend.take().unwrap().bytes, frame(mark, 1514), "round {round}");
            }
            assert!(!backend.finish());
            assert!(backend.take().is_some());
            assert!(backend.finish(), "half of it is done");
            while backend.take().is_some() {}
            backend.finish();
        });
        assert!(host.events.poll());
        assert!(card.can_transmit());
    }
}

#[test]
fn frames_that_are_too_long_or_too_short_are_not_sent() {
    let (host, mut card) = pair();
    assert_eq!(send(&mut card, &frame(0, 1515)), Err(TransmitError::TooLong));
    assert_eq!(send(&mut card, &frame(0, 13)), Ok(()));
    assert_eq!(send(&mut card, &frame(1, 14)), Ok(()));
    card.flush();
    host.with(|backend| {
        assert_eq!(backend.take().unwrap().bytes, frame(1, 14));
        assert_eq!(backend.take(), None);
    });
}

#[test]
fn long_frames_take_several_requests() {
    let host = Host::with_card();
    host.store.set("device/vif/0/mtu", "9000");
    let mut card = host.init(&CONFIG).unwrap();
    assert_eq!(card.mtu(), 9000);
    for length in [2047, 2048, 2049, 4096, 4097, 9014] {
        send(&mut card, &frame(length as u32, length)).unwrap();
        card.flush();
        let sent = host.with(|backend| backend.take()).unwrap();
        assert_eq!((sent.requests, sent.bytes), (length.div_ceil(2048), frame(length as u32, length)));
        host.with(|backend| backend.finish());
        assert!(card.can_transmit());
    }
    send(&mut card, &frame(0, 9014)).unwrap();
    assert!(!card.can_transmit(), "there are 8 buffers, and 5 of them are out");
    assert_eq!(send(&mut card, &frame(1, 3 * 2048)), Ok(()), "a shorter one fits");
}

#[test]
fn an_mtu_is_what_buffers_have_room_for() {
    static FEW: Config = Config { transmit_buffers: 2, ..CONFIG_FIELDS };
    const CONFIG_FIELDS: Config =
        Config { receive_buffers: 4, transmit_buffers: 8, large_receive: true, required: true, timeout_s: 1 };
    let host = Host::with_card();
    host.store.set("device/vif/0/mtu", "9000");
    assert_eq!(host.init(&FEW).unwrap().mtu(), 2 * 2048 - 14);
    assert_eq!(host.key("feature-gso-tcpv4").as_deref(), Some("0"), "a large segment would wait for ever");
}

#[test]
fn the_backend_fills_checksums_in() {
    let (host, mut card) = pair();
    for is_ipv6 in [false, true] {
        send(&mut card, &datagram(is_ipv6, [0xde, 0xad])).unwrap();
        card.flush();
        let sent = host.with(|backend| backend.take()).unwrap();
        assert_eq!(sent.flags, transmit_flag::CHECKSUM_BLANK | transmit_flag::DATA_VALIDATED);
        let mut expected = datagram(is_ipv6, [0, 0]);
        transport_checksum::begin(&mut expected).unwrap();
        assert_eq!(sent.bytes, expected);
    }
    send(&mut card, &frame(1, 60)).unwrap();
    card.flush();
    assert_eq!(host.with(|backend| backend.take()).unwrap().flags, 0, "there is none to fill in");
}

#[test]
fn checksums_that_the_backend_does_not_do_are_filled_in() {
    for (no_ipv4, ipv6) in [("1", "1"), ("0", "0"), ("1", "0")] {
        let host = Host::with_card();
        host.set_backend("feature-no-csum-offload", no_ipv4);
        host.set_backend("feature-ipv6-csum-offload", ipv6);
        let mut card = host.init(&CONFIG).unwrap();
        for (is_ipv6, is_offloaded) in [(false, no_ipv4 == "0"), (true, ipv6 == "1")] {
            send(&mut card, &datagram(is_ipv6, [0xde, 0xad])).unwrap();
            card.flush();
            let sent = host.with(|backend| backend.take()).unwrap();
            assert_eq!(sent.flags != 0, is_offloaded);
            assert_eq!(sent.bytes == right_datagram(is_ipv6), !is_offloaded);
        }
    }
}

#[test]
fn frames_are_received_and_pages_used_again() {
    let (host, mut card) = pair();
    for round in 0..100 {
        for mark in 0..10 {
            assert!(host.with(|backend| backend.deliver(0, &frame(mark + round, 60 + 100 * mark as usize))));
        }
        for mark in 0..10 {
            assert_eq!(received(&mut card), Some(frame(mark + round, 60 + 100 * mark as usize)));
        }
        assert_eq!(received(&mut card), None);
        card.flush();
        host.with(|backend| assert_eq!(backend.to_domain.waiting(), 20));
    }
    assert_eq!(host.grants.count(), 2 + 20 + 4);
}

#[test]
fn arming_asks_for_one_signal() {
    let (host, mut card) = pair();
    assert!(card.arm());
    host.events.poll();
    host.with(|backend| backend.deliver(0, &frame(1, 60)));
    assert!(host.events.poll());
    host.with(|backend| backend.deliver(0, &frame(2, 60)));
    assert!(!host.events.poll(), "it was not armed again");
    assert!(!card.arm(), "frames are waiting");
    assert!(received(&mut card).is_some() && received(&mut card).is_some());
    assert!(card.arm());
    host.with(|backend| backend.deliver(0, &frame(3, 60)));
    assert!(host.events.poll());
}

#[test]
fn a_frame_of_several_pages_is_gathered() {
    let (host, mut card) = pair();
    for (length, piece) in [(9000, 4096), (20, 1), (65_549, 4000), (4097, 4096)] {
        let long = frame(length as u32, length);
        assert!(host.with(|backend| backend.deliver_in(0, &long, piece, &[])));
        assert_eq!(received(&mut card), Some(long));
        card.flush();
        host.with(|backend| assert_eq!(backend.to_domain.waiting(), 20));
    }
}

#[test]
fn extra_info_is_passed_over() {
    const GSO: u8 = 1;
    const HASH: u8 = 4;
    const MORE: u8 = 1;
    let (host, mut card) = pair();
    let deliver = |extras: &[[u8; 2]], length| {
        let vouched = receive_flag::CHECKSUM_BLANK | receive_flag::DATA_VALIDATED;
        host.with(|backend| backend.deliver_in(vouched, &frame(3, length), 4096, extras))
    };
    for length in [60, 9000] {
        for extras in [&[[GSO, 0]][..], &[[HASH, MORE], [GSO, 0]]] {
            assert!(deliver(extras, length));
            assert_eq!(received(&mut card), Some(frame(3, length)));
            card.flush();
        }
    }
    for unknown in [[0, 0], [5, 0], [255, 0]] {
        assert!(deliver(&[unknown], 60));
        assert_eq!(received(&mut card), None);
        card.flush();
    }
    host.with(|backend| assert_eq!(backend.to_domain.waiting(), 20));
}

#[test]
fn a_wrong_checksum_is_found_unless_the_backend_answers_for_it() {
    let (host, mut card) = pair();
    for is_ipv6 in [false, true] {
        let (right, wrong) = (right_datagram(is_ipv6), datagram(is_ipv6, [0xde, 0xad]));
        let mut passes = |flags, frame: &[u8]| {
            host.with(|backend| backend.deliver(flags, frame));
            received(&mut card).is_some()
        };
        assert!(passes(0, &right));
        assert!(!passes(0, &wrong));
        assert!(passes(receive_flag::CHECKSUM_BLANK, &wrong));
        assert!(passes(receive_flag::DATA_VALIDATED, &wrong));
        card.flush();
    }
}

#[test]
fn a_page_that_the_backend_holds_is_not_used() {
    let (host, mut card) = pair();
    let held = host.with(|backend| {
        let request = backend.to_domain.take().unwrap();
        let held = host.grants.map(super::netback::DOM0, iface_grant_table::Reference(request.reference));
        held.write(0, &frame(1, 60));
        let response = crate::netif::ReceiveResponse { id: request.id, offset: 0, flags: 0, status: 60 };
        backend.to_domain.put(response);
        backend.deliver(0, &frame(2, 60));
        held
    });
    assert_eq!(received(&mut card), Some(frame(2, 60)), "the frame in the held page is lost");
    assert_eq!(received(&mut card), None);
    card.arm();
    host.with(|backend| assert_eq!(backend.to_domain.waiting(), 19));
    drop(held);
    card.arm();
    card.flush();
    host.with(|backend| assert_eq!(backend.to_domain.waiting(), 20));
}
