//! The one answer that is not the protocols': the acknowledgement of a connection in TIME-WAIT.

use iface_net_device::NetDevice;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol, IpRepr, TcpControl, TcpPacket,
    TcpRepr, TcpSeqNumber,
};

use crate::flow::ETHERNET_HEADER;
use crate::port::Port;
use crate::time_wait::Record;

/// Sends what the connection acknowledged last to whoever sent `frame` (RFC 9293, section 3.10.7.4).
pub fn acknowledge<D: NetDevice>(port: &mut Port<D>, record: &Record, frame: &[u8]) {
    let Ok(frame) = EthernetFrame::new_checked(frame) else { return };
    let ((local, local_port), (remote, remote_port)) = (record.flow.local(), record.flow.remote());
    let (local, remote) = (IpAddress::from(local), IpAddress::from(remote));
    let segment = TcpRepr {
        src_port: local_port,
        dst_port: remote_port,
        control: TcpControl::None,
        seq_number: TcpSeqNumber(record.sequence as i32),
        ack_number: Some(TcpSeqNumber(record.acknowledgement as i32)),
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let packet = IpRepr::new(local, remote, IpProtocol::Tcp, segment.buffer_len(), 64);
    let header = EthernetRepr {
        src_addr: smoltcp::wire::EthernetAddress(port.device.mac_address()),
        dst_addr: frame.src_addr(),
        ethertype: match local {
            IpAddress::Ipv4(_) => EthernetProtocol::Ipv4,
            IpAddress::Ipv6(_) => EthernetProtocol::Ipv6,
        },
    };
    let length = ETHERNET_HEADER + packet.buffer_len();
    if header.dst_addr.is_unicast() && port.device.can_transmit() {
        port.send(length, None, |frame| emit(frame, &header, &packet, &segment));
    }
}

fn emit(frame: &mut [u8], header: &EthernetRepr, packet: &IpRepr, segment: &TcpRepr<'_>) {
    let checksums = ChecksumCapabilities::default();
    header.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
    let bytes = &mut frame[ETHERNET_HEADER..];
    packet.emit(&mut *bytes, &checksums);
    let mut tcp = TcpPacket::new_unchecked(&mut bytes[packet.header_len()..]);
    segment.emit(&mut tcp, &packet.src_addr(), &packet.dst_addr(), &checksums);
}
