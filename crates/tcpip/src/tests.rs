//! Whole stacks on wires.

mod conformance;
mod fuzz;
mod network;
mod transfer;
mod world;

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
