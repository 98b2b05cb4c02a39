//! A small HTTP server that answers what a test tells it, byte for byte, and keeps what it was asked.

use deploy_native::dokploy::{ClientSettings, Dokploy};
use deploy_native::secrets::{Redactor, Secret};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The key that test clients use; no output may contain it.
pub(crate) const TOKEN: &str = "canary-token-4711";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Closes the connection without an answer.
    Drop,
    /// Answers half of what it announced, and closes the connection.
    Half,
    /// Never answers.
    Hang,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }
}

/// The server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server that answers each request as `respond` says; its second argument counts requests from 0.
    pub(crate) async fn start(respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), respond)
    }

    /// Starts a server on a listener that is there already.
    pub(crate) fn serve(
        listener: TcpListener,
        respond: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, respond) = (Arc::clone(&requests), Arc::new(respond));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, respond) = (Arc::clone(&seen), Arc::clone(&respond));
                tokio::spawn(async move { serve(stream, &seen, &*respond).await });
            }
        });
        Self { url, requests, task }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// A client of this server that is quick to give up and to try again.
    pub(crate) fn client(&self) -> Dokploy {
        let settings = ClientSettings::default().retry_delay(Duration::from_millis(5)).retries(3);
        self.client_with(settings)
    }

    pub(crate) fn client_with(&self, settings: ClientSettings) -> Dokploy {
        let redactor = Arc::new(Redactor::new());
        Dokploy::with_settings(&self.url, &Secret::new(TOKEN), settings, redactor).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    respond: &(dyn Fn(&Request, usize) -> Reply + Send + Sync),
) {
    let Some(request) = receive(&mut stream).await else { return };
    let reply = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        respond(&request, seen.len() - 1)
    };
    let (status, headers, body, announced) = match reply {
        Reply::Drop => return,
        Reply::Hang => return std::future::pending().await,
        Reply::Half => (200, Vec::new(), b"{\"half\":".to_vec(), 1000),
        Reply::Answer { status, headers, body } => {
            let length = body.len();
            (status, headers, body, length)
        }
    };
    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {announced}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    // The client may have gone meanwhile.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

async fn receive(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let method = first.next().unwrap().to_owned();
    let url = url::Url::parse(&format!("http://host{}", first.next().unwrap())).unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let query = url.query_pairs().into_owned().collect();
    Some(Request { method, path: url.path().to_owned(), query, headers, body: bytes[end + 4..].to_vec() })
}
