//! Sockets of the loopback interface, with timeouts.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

const LOOPBACK: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
const SOON: Duration = Duration::from_millis(40);

pub fn run() -> io::Result<()> {
    println!("resolved: {:?}", ("127.0.0.1", 80).to_socket_addrs()?.collect::<Vec<_>>());
    stream()?;
    stream_timeouts()?;
    datagrams()
}

/// Whether a call came back with that it would have had to wait, and not at once.
fn waited(begun: Instant, result: io::Result<usize>) -> bool {
    let timed_out = |error: &io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    result.as_ref().is_err_and(timed_out) && begun.elapsed() >= SOON
}

fn stream() -> io::Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> io::Result<SocketAddr> {
        let (mut stream, peer) = listener.accept()?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        stream.write_all(line.to_uppercase().as_bytes())?;
        stream.write_all(&vec![b'.'; 200_000])?;
        Ok(peer)
    });
    let mut client = TcpStream::connect(address)?;
    client.set_nodelay(true)?;
    client.write_all(b"hello\n")?;
    client.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    let peer = server.join().expect("the server did not panic")?;
    println!("stream: {:?}, then {} bytes", String::from_utf8_lossy(&answer[..6]), answer.len() - 6);
    println!("peer: {}", peer == client.local_addr()?);
    Ok(())
}

fn stream_timeouts() -> io::Result<()> {
    let listener = TcpListener::bind(LOOPBACK)?;
    let address = listener.local_addr()?;
    let mut client = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    let (silent, _) = listener.accept()?;
    client.set_read_timeout(Some(SOON))?;
    println!("read timeout, long enough: {:?}", client.read_timeout()?.map(|timeout| timeout >= SOON));
    println!("nothing to read: {}", waited(Instant::now(), client.read(&mut [0; 16])));
    drop(silent);
    println!("the other end is gone: {:?}", client.read(&mut [0; 16])?);
    drop(listener);
    println!("nobody listens: {:?}", TcpStream::connect(address).map_err(|error| error.kind()).err());
    let listener = TcpListener::bind(LOOPBACK)?;
    listener.set_nonblocking(true)?;
    println!("nobody connects: {:?}", listener.accept().map_err(|error| error.kind()).err());
    Ok(())
}

fn datagrams() -> io::Result<()> {
    let (one, other) = (UdpSocket::bind(LOOPBACK)?, UdpSocket::bind(LOOPBACK)?);
    one.send_to(b"datagram", other.local_addr()?)?;
    let mut buffer = [0; 16];
    let (length, from) = other.recv_from(&mut buffer)?;
    println!(
        "datagram: {:?}, from the one: {}",
        String::from_utf8_lossy(&buffer[..length]),
        from == one.local_addr()?
    );
    other.set_read_timeout(Some(SOON))?;
    println!("no datagram: {}", waited(Instant::now(), other.recv(&mut buffer)));
    Ok(())
}
