//! Sockets on loopback addresses for the DNS servers.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::{TcpListener, UdpSocket};

/// How often a port is looked for that is free for every server.
const PORT_ATTEMPTS: usize = 50;

/// A UDP and a TCP socket of the same address.
pub(super) type Sockets = (UdpSocket, TcpListener);

pub(super) async fn bind(address: IpAddr, port: u16) -> io::Result<Sockets> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind((address, port)).await?;
        match TcpListener::bind((address, udp.local_addr()?.port())).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if port != 0 => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The sockets of both name servers, on one port; of the first alone where there is no second loopback address.
pub(super) async fn bind_together() -> io::Result<Vec<Sockets>> {
    for _ in 0..PORT_ATTEMPTS {
        let first = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await?;
        let port = first.0.local_addr()?.port();
        match bind(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), port).await {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(_) => return Ok(vec![first]),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}
