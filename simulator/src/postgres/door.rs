//! A TCP port in front of a server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// A listener on `127.0.0.1` whose connections are passed on to a server.
///
/// Closing it refuses new connections and cuts the ones that stand, as the removal of a published port does.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    listening: AbortOnDropHandle<()>,
}

impl Door {
    /// Opens `port`, or a free one for 0, in front of the address that `target` shows at the time; `None` hangs up.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn open(port: u16, target: watch::Receiver<Option<SocketAddr>>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let listening = AbortOnDropHandle::new(tokio::spawn(listen(listener, target)));
        Ok(Self { address, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port; when this returns, connections are refused and none stands any more.
    pub async fn close(self) {
        self.listening.abort();
        // An aborted task ends in an error that says so.
        let _ = self.listening.await;
    }
}

/// Passes connections on until it is dropped, with all of them.
async fn listen(listener: TcpListener, target: watch::Receiver<Option<SocketAddr>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let address = *target.borrow();
                if let (Ok((client, _)), Some(address)) = (accepted, address) {
                    connections.spawn(pass(client, address));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}
