//! Options of sockets: which there are, what they may be, and what they are.
//!
//! Most have no effect on the stack and are kept for a program that asks: `README.md` says which, and why that does no
//! harm. What would do harm is not here, and is refused.

use alloc::vec::Vec;
use core::array;
use core::cell::Cell;
use core::net::SocketAddr;
use core::time::Duration;

use iface_net_stack::Binding;
use linux_raw_sys::net::{
    IP_BIND_ADDRESS_NO_PORT, IP_MTU_DISCOVER, IP_TOS, IP_TTL, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP,
    IPV6_TCLASS, IPV6_UNICAST_HOPS, IPV6_V6ONLY, SO_BROADCAST, SO_DONTROUTE, SO_KEEPALIVE, SO_LINGER,
    SO_OOBINLINE, SO_PASSCRED, SO_PRIORITY, SO_RCVBUF, SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO,
    SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_SNDBUFFORCE, SO_SNDTIMEO, SOL_SOCKET, TCP_CORK,
    TCP_DEFER_ACCEPT, TCP_FASTOPEN, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_LINGER2, TCP_NODELAY,
    TCP_NOTSENT_LOWAT, TCP_QUICKACK, TCP_SYNCNT, TCP_USER_TIMEOUT,
};
use open_file::{Errno, Half};

pub const SOL_IP: u32 = IPPROTO_IP as u32;
pub const SOL_IPV6: u32 = IPPROTO_IPV6 as u32;
pub const SOL_TCP: u32 = IPPROTO_TCP as u32;

/// What values an option of a number takes.
#[derive(Clone, Copy)]
enum Form {
    /// Any number; all but 0 are 1.
    Flag,
    /// As a flag, which sockets of the Internet alone may set.
    InetFlag,
    /// A number between two.
    Number(i32, i32),
    /// A number of bytes, which Linux doubles for its own bookkeeping (socket(7)); the least that it then is.
    Buffer(i32),
    /// Seconds that a connection waits for its peer's end, of no more than 120; 0 for what is usual, below 0 for none.
    Linger2,
    /// Hops of a packet, from the least to 255; -1 for as many as is usual.
    Hops(i32),
    /// A byte, of which the congestion bits are TCP's own.
    Tos,
}

/// Which sockets have an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Any,
    Inet,
    Inet6,
    Tcp,
}

/// An option of a number, and what it is at first.
struct Known {
    owner: Owner,
    level: u32,
    name: u32,
    form: Form,
    initial: i32,
}

const fn any(name: u32, form: Form, initial: i32) -> Known {
    Known { owner: Owner::Any, level: SOL_SOCKET, name, form, initial }
}

const fn inet(name: u32, form: Form, initial: i32) -> Known {
    Known { owner: Owner::Inet, level: SOL_IP, name, form, initial }
}

const fn inet6(name: u32, form: Form, initial: i32) -> Known {
    Known { owner: Owner::Inet6, level: SOL_IPV6, name, form, initial }
}

const fn tcp(name: u32, form: Form, initial: i32) -> Known {
    Known { owner: Owner::Tcp, level: SOL_TCP, name, form, initial }
}

/// `net.core.rmem_max` and `wmem_max` of Linux: larger buffers are cut to it.
const LARGEST_BUFFER: i32 = 212_992;
/// `SOCK_MIN_SNDBUF` and `SOCK_MIN_RCVBUF` on 64 bits.
const LEAST_SEND: i32 = 4608;
const LEAST_RECEIVE: i32 = 2304;
/// The longest time between probes of a connection, in seconds, and the most probes (tcp(7)).
const LONGEST_PROBING: i32 = 32_767;
const MOST_PROBES: i32 = 127;

const KNOWN: [Known; 30] = [
    any(SO_REUSEADDR, Form::Flag, 0),
    any(SO_REUSEPORT, Form::InetFlag, 0),
    any(SO_KEEPALIVE, Form::Flag, 0),
    any(SO_BROADCAST, Form::Flag, 0),
    any(SO_DONTROUTE, Form::Flag, 0),
    any(SO_OOBINLINE, Form::Flag, 0),
    any(SO_PASSCRED, Form::Flag, 0),
    any(SO_RCVBUF, Form::Buffer(LEAST_RECEIVE), LARGEST_BUFFER),
    any(SO_SNDBUF, Form::Buffer(LEAST_SEND), LARGEST_BUFFER),
    any(SO_PRIORITY, Form::Number(i32::MIN, i32::MAX), 0),
    // More than one byte would have to be waited for.
    any(SO_RCVLOWAT, Form::Number(1, 1), 1),
    inet(IP_TOS, Form::Tos, 0),
    inet(IP_TTL, Form::Hops(1), 64),
    inet(IP_MTU_DISCOVER, Form::Number(0, 5), 1),
    inet(IP_BIND_ADDRESS_NO_PORT, Form::Flag, 0),
    inet6(IPV6_V6ONLY, Form::Flag, 0),
    inet6(IPV6_UNICAST_HOPS, Form::Hops(0), 64),
    inet6(IPV6_TCLASS, Form::Number(-1, 255), 0),
    tcp(TCP_NODELAY, Form::Flag, 0),
    tcp(TCP_CORK, Form::Flag, 0),
    tcp(TCP_QUICKACK, Form::Flag, 1),
    tcp(TCP_KEEPIDLE, Form::Number(1, LONGEST_PROBING), 7200),
    tcp(TCP_KEEPINTVL, Form::Number(1, LONGEST_PROBING), 75),
    tcp(TCP_KEEPCNT, Form::Number(1, MOST_PROBES), 9),
    tcp(TCP_SYNCNT, Form::Number(1, MOST_PROBES), 6),
    tcp(TCP_LINGER2, Form::Linger2, 60),
    tcp(TCP_DEFER_ACCEPT, Form::Number(i32::MIN, i32::MAX), 0),
    tcp(TCP_USER_TIMEOUT, Form::Number(0, i32::MAX), 0),
    tcp(TCP_FASTOPEN, Form::Number(0, i32::MAX), 0),
    tcp(TCP_NOTSENT_LOWAT, Form::Number(i32::MIN, i32::MAX), -1),
];

/// No option has this number or a higher one.
const NAME_LIMIT: usize = 80;

/// One more than the place of an option among those that there are, by the index of its level and its number; 0 for none.
/// Every request of a server sets some.
const PLACES: [[u8; NAME_LIMIT]; 4] = places();

/// A number for each level that options are of.
const fn level_index(level: u32) -> Option<usize> {
    match level {
        SOL_SOCKET => Some(0),
        SOL_IP => Some(1),
        SOL_IPV6 => Some(2),
        SOL_TCP => Some(3),
        _ => None,
    }
}

const fn places() -> [[u8; NAME_LIMIT]; 4] {
    let mut places = [[0; NAME_LIMIT]; 4];
    let mut place = 0;
    while place < KNOWN.len() {
        let Known { level, name, .. } = KNOWN[place];
        let index = level_index(level).expect("options are of these levels");
        place += 1;
        places[index][name as usize] = place as u8;
    }
    places
}

/// Which options a socket has.
#[derive(Clone, Copy)]
pub struct Kinds(&'static [Owner]);

impl Kinds {
    /// A socket of Unix.
    pub const UNIX: Self = Self(&[Owner::Any]);
    /// UDP over IPv4.
    pub const UDP: Self = Self(&[Owner::Any, Owner::Inet]);
    /// UDP over IPv6.
    pub const UDP6: Self = Self(&[Owner::Any, Owner::Inet, Owner::Inet6]);
    /// TCP over IPv4.
    pub const TCP: Self = Self(&[Owner::Any, Owner::Inet, Owner::Tcp]);
    /// TCP over IPv6.
    pub const TCP6: Self = Self(&[Owner::Any, Owner::Inet, Owner::Inet6, Owner::Tcp]);

    /// The place of an option among those that there are.
    fn find(self, level: u32, name: u32) -> Option<usize> {
        // Without the right to more, these are the same.
        let name = match (level, name) {
            (SOL_SOCKET, SO_RCVBUFFORCE) => SO_RCVBUF,
            (SOL_SOCKET, SO_SNDBUFFORCE) => SO_SNDBUF,
            _ => name,
        };
        let place = usize::from(*PLACES.get(level_index(level)?)?.get(name as usize)?).checked_sub(1)?;
        self.0.contains(&KNOWN[place].owner).then_some(place)
    }

    /// Whether a socket has options of a level.
    fn has(self, level: u32) -> bool {
        KNOWN.iter().any(|known| known.level == level && self.0.contains(&known.owner))
    }

    /// What is said of an option that there is not, where its value is asked for.
    fn unknown(self, level: u32) -> Errno {
        if level == SOL_SOCKET || self.has(level) || self.has(SOL_IPV6) {
            Errno::ENOPROTOOPT
        } else {
            Errno::EOPNOTSUPP
        }
    }

    /// The same where it is set: protocols of the Internet then know any level.
    fn unknown_to_set(self, level: u32) -> Errno {
        if self.has(SOL_IP) { Errno::ENOPROTOOPT } else { self.unknown(level) }
    }

    /// What becomes of a number that an option of `form` is set to.
    fn taken(self, form: Form, value: i32) -> Result<i32, Errno> {
        match form {
            Form::InetFlag if value != 0 && !self.has(SOL_IP) => Err(Errno::EOPNOTSUPP),
            Form::Flag | Form::InetFlag => Ok(i32::from(value != 0)),
            Form::Number(least, most) if least <= value && value <= most => Ok(value),
            Form::Number(..) => Err(Errno::EINVAL),
            Form::Hops(_) if value == -1 => Ok(64),
            Form::Hops(least) if least <= value && value <= 255 => Ok(value),
            Form::Hops(_) => Err(Errno::EINVAL),
            Form::Tos if self.0.contains(&Owner::Tcp) => Ok(value & 0xfc),
            Form::Tos => Ok(value & 0xff),
            Form::Linger2 => Ok(match value {
                ..0 => -1,
                0 => 60,
                121.. => 120,
                _ => value,
            }),
            // A number below 0 is taken for one without a sign.
            Form::Buffer(least) => {
                let wanted = if (0..LARGEST_BUFFER).contains(&value) { value } else { LARGEST_BUFFER };
                Ok(if wanted * 2 < least { least } else { wanted * 2 })
            }
        }
    }
}

/// The options of one socket, which those that it accepts begin with.
#[derive(Clone)]
pub struct Options {
    kinds: Kinds,
    numbers: [Cell<i32>; KNOWN.len()],
    /// `SO_LINGER`: whether, and for how many seconds.
    linger: Cell<(bool, i32)>,
    /// `SO_RCVTIMEO` and `SO_SNDTIMEO`; zero is none.
    receive_patience: Cell<Duration>,
    send_patience: Cell<Duration>,
}

impl Options {
    /// As they are at first.
    pub fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            numbers: array::from_fn(|place| Cell::new(KNOWN[place].initial)),
            linger: Cell::default(),
            receive_patience: Cell::default(),
            send_patience: Cell::default(),
        }
    }

    /// The value of one.
    ///
    /// # Errors
    /// `ENOPROTOOPT` or `EOPNOTSUPP` for one that there is not.
    pub fn get(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        match (level, name) {
            (SOL_SOCKET, SO_LINGER) => {
                let (is_on, seconds) = self.linger.get();
                Ok([i32::from(is_on), seconds].iter().flat_map(|part| part.to_ne_bytes()).collect())
            }
            (SOL_SOCKET, SO_RCVTIMEO) => Ok(time_value(self.receive_patience.get())),
            (SOL_SOCKET, SO_SNDTIMEO) => Ok(time_value(self.send_patience.get())),
            _ => {
                let place = self.kinds.find(level, name).ok_or_else(|| self.kinds.unknown(level))?;
                Ok(number(self.numbers[place].get()))
            }
        }
    }

    /// Sets one.
    ///
    /// # Errors
    /// As [`get`](Options::get); `EINVAL` and `EDOM` for a value that it does not take.
    pub fn set(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        match (level, name) {
            (SOL_SOCKET, SO_LINGER) => {
                let [is_on, seconds] = parts(value)?.map(i32::from_ne_bytes);
                self.linger.set((is_on != 0, seconds));
            }
            (SOL_SOCKET, SO_RCVTIMEO) => self.receive_patience.set(time(parts(value)?)?),
            (SOL_SOCKET, SO_SNDTIMEO) => self.send_patience.set(time(parts(value)?)?),
            _ => {
                let value = match (level, value.len()) {
                    (SOL_IP, 1..4) => value[0].into(),
                    (SOL_SOCKET | SOL_TCP | SOL_IPV6, ..4) if self.kinds.has(level) => {
                        return Err(Errno::EINVAL);
                    }
                    _ => value.first_chunk().map_or(0, |value| i32::from_ne_bytes(*value)),
                };
                let place = self.kinds.find(level, name).ok_or_else(|| self.kinds.unknown_to_set(level))?;
                self.numbers[place].set(self.kinds.taken(KNOWN[place].form, value)?);
            }
        }
        Ok(())
    }

    /// Where a socket with these options is bound, which is to be at `address`.
    pub fn binding(&self, address: SocketAddr) -> Binding {
        let ipv6_only = self.is_set(SOL_IPV6, IPV6_V6ONLY);
        Binding { address, ipv6_only, shared: self.is_set(SOL_SOCKET, SO_REUSEPORT) }
    }

    /// Whether a flag is set; not so of one that the socket does not have.
    fn is_set(&self, level: u32, name: u32) -> bool {
        self.kinds.find(level, name).is_some_and(|place| self.numbers[place].get() != 0)
    }

    /// Whether what does not fill a segment waits for more: `TCP_CORK`.
    pub fn holds(&self) -> bool {
        self.is_set(SOL_TCP, TCP_CORK)
    }

    /// Whether closing resets the connection: `SO_LINGER` with no time.
    pub fn resets(&self) -> bool {
        self.linger.get() == (true, 0)
    }

    /// How long a call waits at most that receives or sends; `None` for as long as it takes.
    pub fn patience(&self, half: Half) -> Option<Duration> {
        let patience = if half == Half::Write { &self.send_patience } else { &self.receive_patience };
        Some(patience.get()).filter(|patience| !patience.is_zero())
    }
}

/// A number as an option has it.
pub fn number(value: i32) -> Vec<u8> {
    Vec::from(value.to_ne_bytes())
}

/// The first numbers of `SIZE` bytes in the value of an option.
fn parts<const SIZE: usize, const COUNT: usize>(value: &[u8]) -> Result<[[u8; SIZE]; COUNT], Errno> {
    value.as_chunks().0.first_chunk().copied().ok_or(Errno::EINVAL)
}

/// A time of no more than a second's microseconds; one below 0 is none at all.
fn time(value: [[u8; 8]; 2]) -> Result<Duration, Errno> {
    let [seconds, microseconds] = value.map(i64::from_ne_bytes);
    match u32::try_from(microseconds) {
        Ok(microseconds @ 0..1_000_000) => {
            let whole = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            Ok(if seconds < 0 { Duration::ZERO } else { whole + Duration::from_micros(microseconds.into()) })
        }
        _ => Err(Errno::EDOM),
    }
}

/// `struct timeval`.
fn time_value(time: Duration) -> Vec<u8> {
    [time.as_secs() as i64, time.subsec_micros().into()].iter().flat_map(|part| part.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(options: &Options, level: u32, name: u32) -> Result<i32, Errno> {
        options.get(level, name).map(|value| i32::from_ne_bytes(*value.first_chunk().unwrap()))
    }

    #[test]
    fn a_value_comes_back_as_linux_shows_it() {
        let options = Options::new(Kinds::TCP);
        options.set(SOL_TCP, TCP_NODELAY, &number(7)).unwrap();
        options.set(SOL_SOCKET, SO_RCVBUF, &number(10_000)).unwrap();
        options.set(SOL_SOCKET, SO_SNDBUF, &number(1)).unwrap();
        assert_eq!(int(&options, SOL_TCP, TCP_NODELAY), Ok(1));
        assert_eq!(int(&options, SOL_SOCKET, SO_RCVBUF), Ok(20_000));
        assert_eq!(int(&options, SOL_SOCKET, SO_SNDBUF), Ok(LEAST_SEND));
        assert_eq!(int(&options, SOL_TCP, TCP_KEEPIDLE), Ok(7200));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let options = Options::new(Kinds::TCP);
        assert_eq!(options.set(SOL_TCP, TCP_KEEPIDLE, &number(0)), Err(Errno::EINVAL));
        assert_eq!(options.set(SOL_TCP, TCP_NODELAY, &[1]), Err(Errno::EINVAL));
        assert_eq!(options.set(SOL_SOCKET, SO_LINGER, &number(1)), Err(Errno::EINVAL));
        assert_eq!(options.set(SOL_SOCKET, SO_RCVTIMEO, &[0xff; 16]), Err(Errno::EDOM));
        assert_eq!(options.set(SOL_SOCKET, 9999, &number(1)), Err(Errno::ENOPROTOOPT));
        assert_eq!(Options::new(Kinds::UNIX).set(SOL_TCP, TCP_NODELAY, &number(1)), Err(Errno::EOPNOTSUPP));
    }

    #[test]
    fn an_accepted_socket_begins_with_those_of_its_listener() {
        let listener = Options::new(Kinds::TCP);
        listener.set(SOL_TCP, TCP_NODELAY, &number(1)).unwrap();
        let accepted = listener.clone();
        listener.set(SOL_TCP, TCP_NODELAY, &number(0)).unwrap();
        assert_eq!(int(&accepted, SOL_TCP, TCP_NODELAY), Ok(1));
    }

    #[test]
    fn no_time_to_linger_resets() {
        let options = Options::new(Kinds::TCP);
        assert!(!options.resets());
        options.set(SOL_SOCKET, SO_LINGER, &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert!(options.resets());
    }

    #[test]
    fn patience_ends_after_the_time_set() {
        let options = Options::new(Kinds::UDP);
        assert_eq!(options.patience(Half::Read), None);
        let value = time_value(Duration::from_micros(2_000_003));
        options.set(SOL_SOCKET, SO_RCVTIMEO, &value).unwrap();
        assert_eq!(options.get(SOL_SOCKET, SO_RCVTIMEO), Ok(value));
        assert_eq!(options.patience(Half::Read), Some(Duration::from_micros(2_000_003)));
        assert_eq!(options.patience(Half::Write), None);
    }
}
