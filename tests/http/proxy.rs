//! An HTTP proxy: tunnels by CONNECT, and plain requests passed on. It alone knows where names lead.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// A proxy on loopback; ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _task: AbortOnDropHandle<()>,
}

/// What a proxy knows.
#[derive(Default)]
pub(crate) struct Rules {
    /// Where a host and its port lead, for instance `dokploy.test:443`.
    pub(crate) routes: BTreeMap<String, SocketAddr>,
    /// The `Proxy-Authorization` that it wants.
    pub(crate) login: Option<&'static str>,
}

impl Proxy {
    pub(crate) async fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (rules, heard) = (Arc::new(rules), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whichever side leaves ends it.
                tokio::spawn(serve(stream, Arc::clone(&rules), Arc::clone(&heard)));
            }
        });
        Self { address, seen, _task: AbortOnDropHandle::new(task) }
    }

    /// Method and host of every request.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, rules: Arc<Rules>, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let head = read_head(&mut stream).await?;
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let host = if method == "CONNECT" { target.to_owned() } else { host_of(target) };
    seen.lock().unwrap().push(format!("{method} {host}"));
    let login = head.iter().find_map(|line| line.strip_prefix("proxy-authorization: "));
    if rules.login.is_some() && rules.login != login {
        return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    }
    let Some(address) = rules.routes.get(&host) else {
        return stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    };
    let mut onward = TcpStream::connect(address).await?;
    if method == "CONNECT" {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        // Closed after each response, so that the next request is seen as well.
        let path = format!("/{}", target.splitn(4, '/').nth(3).unwrap_or_default());
        let kept = head[1..].iter().filter(|line| !line.starts_with("proxy-") && !line.starts_with("connection:"));
        let kept = kept.fold(String::new(), |kept, line| kept + line + "\r\n");
        let text = format!("{method} {path} HTTP/1.1\r\n{kept}Connection: close\r\n\r\n");
        onward.write_all(text.as_bytes()).await?;
    }
    copy_bidirectional(&mut stream, &mut onward).await.map(|_| ())
}

/// The lines up to the empty one.
async fn read_head(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<String>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(head);
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        head.push(if value.is_empty() { line.to_owned() } else { format!("{}: {value}", name.to_ascii_lowercase()) });
    }
}

/// Host and port of an address.
fn host_of(target: &str) -> String {
    let host = target.trim_start_matches("http://").split('/').next().unwrap();
    if host.contains(':') { host.to_owned() } else { format!("{host}:80") }
}
