//! Which certificates are trusted.

use super::system::system_verifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// The protocols that the HTTP client speaks, the better first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What TLS connections are made with.
pub(super) struct Trust {
    /// The settings of the TLS library.
    pub(super) config: ClientConfig,
    /// What was set and could not be used. It is told with the certificate that is then not trusted, as Node.js ignores it.
    pub(super) notes: Vec<String>,
}

/// Reads the certificates that the variables name, and the system's.
///
/// # Errors
///
/// What the TLS library or the system's store fails with.
pub(super) fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Trust, Error> {
    let mut notes = Vec::new();
    let named = variable("NODE_EXTRA_CA_CERTS");
    let extra = named.map_or_else(Vec::new, |file| read("NODE_EXTRA_CA_CERTS", Path::new(&file), &mut notes));
    let replacing = replacing(&variable, &mut notes);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let inner = system_verifier(&extra, &replacing, &provider)?;
    let named = extra.into_iter().chain(replacing).collect();
    let verifier = Arc::new(NamedCertificates { inner, named });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Trust { config, notes })
}

/// The certificates that are named in place of the system's.
fn replacing(variable: impl Fn(&str) -> Option<String>, notes: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let file = variable("SSL_CERT_FILE");
    let mut found = file.map_or_else(Vec::new, |file| read("SSL_CERT_FILE", Path::new(&file), notes));
    for folder in variable("SSL_CERT_DIR").iter().flat_map(std::env::split_paths) {
        let loaded = rustls_native_certs::load_certs_from_paths(None, Some(&folder));
        if loaded.certs.is_empty() {
            notes.push(format!("SSL_CERT_DIR names {}, in which no certificates are", folder.display()));
        }
        found.extend(loaded.certs);
    }
    found
}

/// The certificates of a PEM file that a variable names.
fn read(variable: &str, file: &Path, notes: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let why = match read {
        Ok(certificates) if !certificates.is_empty() => return certificates,
        Ok(_) => "which holds no certificate in PEM".to_owned(),
        Err(error) => format!("which cannot be read: {error}"),
    };
    notes.push(format!("{variable} names {}, {why}", file.display()));
    Vec::new()
}

/// Also trusts a server whose own certificate is named, although it calls itself an authority's.
///
/// Such is what `openssl req -x509` makes, and Node.js takes it.
#[derive(Debug)]
struct NamedCertificates {
    inner: Arc<dyn ServerCertVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // What is expired or of another name has errors of its own, which come before this one.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.named.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judgement => judgement,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
