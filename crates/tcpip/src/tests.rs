//! Whole stacks on wires.

mod conformance;
mod fuzz;
mod idle;
mod network;
mod transfer;
mod world;

use smoltcp::socket::tcp;
use smoltcp::time::Duration;

use crate::connection::Tuning;
use crate::{Config, CongestionControl};

impl Config {
    /// Small, fixed, quick.
    pub const TEST: Self = Self {
        address: None,
        gateway: None,
        address6: None,
        gateway6: None,
        dns: &[],
        dhcp: false,
        dhcp_timeout_s: 5,
        ipv6: true,
        sockets: 256,
        backlog: 64,
        tcp_receive_buffer_kib: 8,
        tcp_send_buffer_kib: 8,
        tcp_send_buffer_most_kib: 1024,
        udp_datagrams: 8,
        udp_buffer_kib: 8,
        nagle: false,
        ack_delay_ms: 10,
        congestion_control: CongestionControl::Reno,
        keep_alive_s: Some(7200),
        dead_peer_s: 60,
        linger_s: 30,
    };
}

impl Tuning {
    /// As `Config::TEST` has it.
    pub const TEST: Self = Self {
        receive_buffer: 8192,
        send_buffer: 8192,
        longest_send_buffer: 1 << 20,
        nagle: false,
        acknowledgement_delay: Duration::from_millis(10),
        congestion_control: tcp::CongestionControl::Reno,
        dead_peer: Duration::from_secs(60),
        handshake: Duration::from_secs(31),
        keep_alive: None,
    };
}
