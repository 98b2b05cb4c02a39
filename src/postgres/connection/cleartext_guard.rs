//! Refuses to say the password in clear, whoever asks for it.
//!
//! Where nobody signs the server's certificate, an impostor can answer in its place. SCRAM finds that out, but the
//! protocol lets the server choose the method, and the client library would send the password as it is when it is asked to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What a server begins a message about authentication with.
const AUTHENTICATION: u8 = b'R';
/// It asks for nothing more.
const DONE: u32 = 0;
/// It asks for the password in clear.
const CLEARTEXT: u32 = 3;
/// The kind and length of a message, and the first field of its body.
const HEAD: usize = 9;

/// The error of a server that asks for the password in clear.
#[derive(Debug, thiserror::Error)]
#[error("the server asks for the password in clear")]
pub(super) struct CleartextRequested;

/// A connection that fails before a request for the password in clear can be read from it.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    inner: S,
    login: LoginState,
}

/// How far the login has been followed.
#[derive(Debug)]
enum LoginState {
    /// The one byte that answers whether TLS comes next.
    TlsAnswer,
    /// The beginning of a message, as far as it was read.
    Head(Vec<u8>),
    /// The rest of a message, of this many bytes.
    Body(usize),
    /// The login is over, or goes on within TLS.
    Over,
}

impl<S> Guarded<S> {
    /// Guards a connection on which TLS is asked for first.
    pub(super) fn before_tls(inner: S) -> Self {
        Self { inner, login: LoginState::TlsAnswer }
    }

    /// Guards what is said within TLS.
    fn within_tls(inner: S) -> Self {
        Self { inner, login: LoginState::Head(Vec::with_capacity(HEAD)) }
    }
}

impl LoginState {
    /// Follows the login through what was read.
    fn follow(&mut self, mut read: &[u8]) -> Result<(), CleartextRequested> {
        while let Some((&first, rest)) = read.split_first() {
            match self {
                Self::Over => return Ok(()),
                Self::TlsAnswer => {
                    read = rest;
                    *self = if first == b'S' { Self::Over } else { Self::Head(Vec::with_capacity(HEAD)) };
                }
                Self::Head(head) => {
                    head.push(first);
                    read = rest;
                    if let Some(next) = judge(head)? {
                        *self = next;
                    }
                }
                Self::Body(left) => {
                    let taken = read.len().min(*left);
                    read = &read[taken..];
                    *left -= taken;
                    if *left == 0 {
                        *self = Self::Head(Vec::with_capacity(HEAD));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What comes after the beginning of a message; none while more of it is needed.
fn judge(head: &[u8]) -> Result<Option<LoginState>, CleartextRequested> {
    let Some(&[kind, a, b, c, d]) = head.first_chunk::<5>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    // The length counts itself.
    let body = length.saturating_sub(4);
    if kind != AUTHENTICATION || body < 4 {
        return Ok(Some(if body == 0 { LoginState::Head(Vec::with_capacity(HEAD)) } else { LoginState::Body(body) }));
    }
    let Some(&method) = head.get(5..).and_then(<[u8]>::first_chunk::<4>) else { return Ok(None) };
    match u32::from_be_bytes(method) {
        CLEARTEXT => Err(CleartextRequested),
        DONE => Ok(Some(LoginState::Over)),
        _ if body == 4 => Ok(Some(LoginState::Head(Vec::with_capacity(HEAD)))),
        _ => Ok(Some(LoginState::Body(body - 4))),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let outcome = self.login.follow(&buffer.filled()[before..]);
        if let Err(error) = outcome {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, error)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

/// Makes TLS of a connection, and guards what is said within.
#[derive(Debug)]
pub(super) struct GuardedTls<C>(pub(super) C);

impl<S, C> TlsConnect<S> for GuardedTls<C>
where
    C: TlsConnect<S, Stream: Unpin, Future: Send + 'static, Error: 'static>,
{
    type Stream = Guarded<C::Stream>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.0.connect(stream);
        Box::pin(async move { connecting.await.map(Guarded::within_tls) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    /// Follows a login that arrives in pieces of `size` bytes.
    fn follow(size: usize, said: &[u8]) -> Result<bool, CleartextRequested> {
        let mut login = LoginState::TlsAnswer;
        said.chunks(size).try_for_each(|piece| login.follow(piece))?;
        Ok(matches!(login, LoginState::Over))
    }

    #[test]
    fn i6_a_request_for_the_password_in_clear_is_seen_however_it_arrives() {
        let asked = [b"N".to_vec(), message(b'N', b"SNOTICE\0\0"), message(AUTHENTICATION, &CLEARTEXT.to_be_bytes())];
        for size in 1..20 {
            assert!(follow(size, &asked.concat()).is_err(), "{size}");
        }
    }

    #[test]
    fn a_login_by_scram_is_followed_to_its_end_and_no_further() {
        let scram = |method: u32, body: &[u8]| message(AUTHENTICATION, &[&method.to_be_bytes(), body].concat());
        let login =
            [b"N".to_vec(), scram(10, b"SCRAM-SHA-256\0\0"), scram(11, b"r=x"), scram(12, b"v=y"), scram(0, b"")];
        let later = message(AUTHENTICATION, &CLEARTEXT.to_be_bytes());
        for size in 1..20 {
            assert!(follow(size, &[login.concat(), later.clone()].concat()).unwrap());
        }
        assert!(!follow(1, &login[..4].concat()).unwrap());
    }
}
