//! The judgement of the system on certificates: where its authorities are kept differs from system to system.

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{Error, RootCertStore};
use std::sync::Arc;

/// Trusts the certificates of `replacing`, else those in the system's files, else Mozilla's; and those of `extra`.
#[cfg(not(any(target_vendor = "apple", windows)))]
pub(super) fn system_verifier(
    extra: &[CertificateDer<'static>],
    replacing: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    // A file of hundreds of authorities often has one that is not understood: the others count.
    roots.add_parsable_certificates(replacing.iter().cloned());
    if roots.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots.add_parsable_certificates(extra.iter().cloned());
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|error| Error::General(error.to_string()))?)
}

/// Asks the keychain or the certificate store, which an organisation manages; and trusts the certificates of both lists.
#[cfg(any(target_vendor = "apple", windows))]
pub(super) fn system_verifier(
    extra: &[CertificateDer<'static>],
    replacing: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let understood =
        |certificate: &&CertificateDer<'static>| RootCertStore::empty().add((*certificate).clone()).is_ok();
    let roots = extra.iter().chain(replacing).filter(understood).cloned();
    Ok(Arc::new(rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(provider))?))
}
