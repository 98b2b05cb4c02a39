//! A proxy before a server that counts what goes over the wire, and can stop a script between any two statements.

use deploy_native_simulator::postgres::Cluster;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// How a script is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The connection breaks.
    Cut,
    /// The server ends the session.
    Terminate,
}

/// Where the next script is stopped.
struct Plan {
    /// After so many of its statements; the answers of none of them arrive.
    after: usize,
    how: Stop,
    /// Told whether what the script did is kept, once it is stopped.
    stopped: oneshot::Sender<bool>,
}

/// What went over the wire.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Connections that were opened.
    pub(crate) connections: AtomicUsize,
    /// Times that the client waited for the server: TLS, startup, each message of the login, each query, each sync.
    pub(crate) turns: AtomicUsize,
    /// Queries of the simple protocol.
    pub(crate) queries: AtomicUsize,
    /// Messages of the extended protocol.
    pub(crate) extended: AtomicUsize,
}

/// A listening proxy; it ends with its runtime.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it counted.
    pub(crate) tally: Arc<Tally>,
    shared: Arc<Shared>,
}

struct Shared {
    cluster: Arc<Cluster>,
    plan: Mutex<Option<Plan>>,
    /// Connections come in while it has a permit; stopping a script takes it away.
    gate: Semaphore,
    tally: Arc<Tally>,
}

impl Proxy {
    /// Listens before `cluster`.
    pub(crate) async fn before(cluster: &Arc<Cluster>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tally = Arc::<Tally>::default();
        let (cluster, plan, gate) = (Arc::clone(cluster), Mutex::default(), Semaphore::new(1));
        let shared = Arc::new(Shared { cluster, plan, gate, tally: Arc::clone(&tally) });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // Either side may break the connection at any time.
                    let _ = serve(client, &shared).await;
                });
            }
        });
        Self { address, tally, shared }
    }

    /// Stops the next script after so many of its statements; the answer says whether what it did is kept.
    ///
    /// New connections wait from then on, until [`Self::resume`].
    pub(crate) fn stop(&self, after: usize, how: Stop) -> oneshot::Receiver<bool> {
        let (stopped, answer) = oneshot::channel();
        *self.shared.plan.lock().unwrap() = Some(Plan { after, how, stopped });
        answer
    }

    /// Lets connections in again.
    pub(crate) fn resume(&self) {
        self.shared.gate.add_permits(1);
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    drop(shared.gate.acquire().await);
    let tally = &shared.tally;
    tally.connections.fetch_add(1, SeqCst);
    let mut server = TcpStream::connect(shared.cluster.address()).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    server.write_all(&request).await?;
    client.write_u8(server.read_u8().await?).await?;
    let startup = client.read_u32().await?;
    let mut body = vec![0; startup as usize - 4];
    client.read_exact(&mut body).await?;
    server.write_u32(startup).await?;
    server.write_all(&body).await?;
    tally.turns.fetch_add(2, SeqCst);
    let mut process = 0;
    loop {
        let (kind, body) = read(&mut server).await?;
        write(&mut client, kind, &body).await?;
        match (kind, body.first_chunk::<4>()) {
            (b'Z', _) => break,
            (b'K', Some(&id)) => process = u32::from_be_bytes(id),
            // The beginning and the middle of SASL: the client's turn.
            (b'R', Some([0, 0, 0, 10 | 11])) => {
                let (kind, body) = read(&mut client).await?;
                tally.turns.fetch_add(1, SeqCst);
                write(&mut server, kind, &body).await?;
            }
            _ => {}
        }
    }
    loop {
        let (mut unasked, mut asked) = ([0], [0]);
        tokio::select! {
            // What a server says unasked: that it ends the session.
            _ = server.peek(&mut unasked) => {
                let (kind, body) = read(&mut server).await?;
                write(&mut client, kind, &body).await?;
            }
            _ = client.peek(&mut asked) => {
                let (kind, body) = read(&mut client).await?;
                match kind {
                    b'Q' => tally.queries.fetch_add(1, SeqCst),
                    b'X' => return write(&mut server, kind, &body).await,
                    _ => tally.extended.fetch_add(1, SeqCst),
                };
                let plan = if kind == b'Q' { shared.plan.lock().unwrap().take() } else { None };
                if let Some(plan) = plan {
                    return stop(plan, &body, process, client, server, shared).await;
                }
                write(&mut server, kind, &body).await?;
                if matches!(kind, b'Q' | b'S') {
                    tally.turns.fetch_add(1, SeqCst);
                    pass_answer(&mut server, &mut client).await?;
                }
            }
        }
    }
}

/// Runs the beginning of a script, one statement at a time, and stops it.
async fn stop(
    plan: Plan,
    query: &[u8],
    process: u32,
    client: TcpStream,
    mut server: TcpStream,
    shared: &Shared,
) -> io::Result<()> {
    let script = String::from_utf8_lossy(query.strip_suffix(&[0]).unwrap_or(query)).into_owned();
    let mut kept = false;
    for statement in statements(&script).into_iter().take(plan.after) {
        write(&mut server, b'Q', &[statement.as_bytes(), &[0]].concat()).await?;
        loop {
            let (kind, body) = read(&mut server).await?;
            assert_ne!(kind, b'E', "{statement}: {}", String::from_utf8_lossy(&body));
            if kind == b'Z' {
                break;
            }
        }
        kept |= statement.trim() == "COMMIT";
    }
    shared.gate.acquire().await.unwrap().forget();
    let admin = shared.cluster.admin("postgres").await.unwrap();
    match plan.how {
        Stop::Cut => {
            drop((client, server));
            let alive = format!("SELECT FROM pg_stat_activity WHERE pid = {process}");
            while !admin.query(&alive, &[]).await.unwrap().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            let _ = plan.stopped.send(kept);
        }
        Stop::Terminate => {
            admin.batch_execute(&format!("SELECT pg_terminate_backend({process}, 10000)")).await.unwrap();
            let _ = plan.stopped.send(kept);
            let mut client = client;
            tokio::io::copy(&mut server, &mut client).await?;
        }
    }
    Ok(())
}

async fn pass_answer(server: &mut TcpStream, client: &mut TcpStream) -> io::Result<()> {
    loop {
        let (kind, body) = read(server).await?;
        write(client, kind, &body).await?;
        if kind == b'Z' {
            return Ok(());
        }
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await? as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn write(stream: &mut TcpStream, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&[kind], &length[..], body].concat()).await
}

/// The statements of a script: cut at each `;` that stands in no text, name, comment or body of a function.
pub(crate) fn statements(script: &str) -> Vec<String> {
    let (mut found, mut begun, mut at) = (Vec::new(), 0, 0);
    while let Some(rest) = script.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest.as_bytes()[0] {
            b'\'' => {
                // Only texts that are marked so know the backslash.
                let escapes = script[..at].ends_with('E');
                1 + end_of_text(&rest[1..], escapes)
            }
            b'"' => 2 + rest[1..].find('"').unwrap(),
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'$' => match dollar_tag(rest) {
                Some(tag) => 2 * tag.len() + rest[tag.len()..].find(tag).unwrap(),
                None => 1,
            },
            b';' => {
                found.push(script[begun..at].trim().to_owned());
                begun = at + 1;
                1
            }
            _ => rest.chars().next().unwrap().len_utf8(),
        };
    }
    found
}

fn end_of_text(text: &str, escapes: bool) -> usize {
    let mut skip = false;
    let end = text.bytes().position(|byte| match byte {
        _ if std::mem::take(&mut skip) => false,
        b'\\' if escapes => {
            skip = true;
            false
        }
        byte => byte == b'\'',
    });
    end.unwrap() + 1
}

fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    let name = &text[1..end - 1];
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    fits.then(|| &text[..end])
}
