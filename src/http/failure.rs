//! Why a request got no response, as far as it is about the way to the server.

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use std::error::Error;
use std::io;

/// Why a request got no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// What happened, in words that name no query and no login.
    pub(crate) message: String,
    /// What will not pass by itself, so that trying again is of no use.
    pub(crate) lasting: Option<Lasting>,
}

/// An obstacle that somebody has to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lasting {
    /// `certificate`, `tls` or `proxy-login`.
    pub(crate) reason: &'static str,
    /// What to do.
    pub(crate) hint: String,
}

/// The hint that every certificate of an authority of one's own gets.
const TRUST: &str = "Name the authority's certificate (a PEM file) in NODE_EXTRA_CA_CERTS, or give the server a certificate \
                     of a public authority";

/// Explains the failure of a request to `host`.
pub(super) fn explain(error: &(dyn Error + 'static), host: &str) -> Explanation {
    if let Some(error) = find::<TlsError>(error) {
        let (reason, what, hint) = match error {
            TlsError::InvalidCertificate(fault) => {
                let (what, hint) = certificate(fault);
                ("certificate", format!("the certificate of {host} is not trusted: {what}"), hint)
            }
            TlsError::InvalidMessage(_) => (
                "tls",
                format!("{host} does not speak TLS there"),
                "Write http:// instead of https://, or give the port on which the server speaks TLS".to_owned(),
            ),
            other => ("tls", format!("no TLS connection to {host} can be made: {}", words(other)), tls_hint(other)),
        };
        return Explanation { message: what, lasting: Some(Lasting { reason, hint }) };
    }
    let innermost = innermost(error).to_string();
    let lasting = innermost.contains("proxy authorization required").then(|| Lasting {
        reason: "proxy-login",
        hint: "Put user and password into the proxy's address: http://user:password@host:port".to_owned(),
    });
    Explanation { message: innermost, lasting }
}

/// What is wrong with a certificate, and what to do.
fn certificate(fault: &CertificateError) -> (String, String) {
    let renew = || "Renew the server's certificate, or set this machine's clock right".to_owned();
    match fault {
        CertificateError::UnknownIssuer => {
            ("it is signed by an authority that this machine does not know".to_owned(), TRUST.to_owned())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ("it has expired".to_owned(), renew()),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("it is not valid yet".to_owned(), renew())
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("it is for {}", names(fault)),
            "Use a name that the certificate is for, or give the server a certificate for this name".to_owned(),
        ),
        CertificateError::Revoked => ("it is revoked".to_owned(), "Give the server another certificate".to_owned()),
        other => (other.to_string(), TRUST.to_owned()),
    }
}

/// The names that a certificate is for.
fn names(fault: &CertificateError) -> String {
    match fault {
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // As the TLS library has them: DnsName("example.com").
            presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect::<Vec<_>>().join(", ")
        }
        _ => "other names".to_owned(),
    }
}

fn words(error: &TlsError) -> String {
    match error {
        TlsError::AlertReceived(alert) => format!("the server refuses it ({alert:?})"),
        other => other.to_string(),
    }
}

fn tls_hint(error: &TlsError) -> String {
    let hint = match error {
        TlsError::AlertReceived(AlertDescription::UnrecognisedName) => {
            "Check the name in the address: the server has no certificate for it"
        }
        _ => "Check that the server speaks TLS 1.2 or 1.3 on this port",
    };
    hint.to_owned()
}

/// Finds an error of a type among the sources of another, also where an I/O error holds it.
fn find<'error, E: Error + 'static>(error: &'error (dyn Error + 'static)) -> Option<&'error E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        // An I/O error passes over the one that it holds when asked for its source.
        let held = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| current.source());
    }
    None
}

fn innermost<'error>(error: &'error (dyn Error + 'static)) -> &'error (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}
