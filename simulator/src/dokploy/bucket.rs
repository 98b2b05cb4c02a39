//! What the server's `rclone` does with a bucket: a request of its own, over real HTTP.
//!
//! It speaks to a local S3 only, without TLS, and signs nothing: it names its access key as a signature does.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::model::{Record, text};

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Sends a request for `key` in the bucket of a destination; an error is what `rclone` would print.
pub(super) async fn request(destination: &Record, method: &str, key: &str, body: &[u8]) -> Result<(), String> {
    let refused = |why: &str| format!("Command failed: rclone\n{why}\n");
    match timeout(LIMIT, send(destination, method, key, body)).await {
        Ok(Ok(status)) if (200..300).contains(&status) => Ok(()),
        Ok(Ok(status)) => Err(refused(&format!("S3 answers {status}"))),
        Ok(Err(error)) => Err(refused(&error)),
        Err(_) => Err(refused("S3 does not answer")),
    }
}

async fn send(destination: &Record, method: &str, key: &str, body: &[u8]) -> Result<u16, String> {
    let endpoint = text(destination, "endpoint");
    let host = endpoint.strip_prefix("http://").ok_or("only a local S3 without TLS can be reached")?;
    let (bucket, region) = (text(destination, "bucket"), text(destination, "region"));
    let credential = format!("{}/20260101/{region}/s3/aws4_request", text(destination, "accessKey"));
    let head = format!(
        "{method} /{bucket}/{key} HTTP/1.1\r\nHost: {host}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={credential}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
    stream.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
    stream.write_all(body).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
    let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| "S3 answers nonsense".to_owned())
}
