//! Parts of image references, and digests made from them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The reference without tag and digest.
pub(crate) fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    match name.rfind(':') {
        Some(colon) if !name[colon..].contains('/') => &name[..colon],
        _ => name,
    }
}

/// The registry's `host[:port]`.
pub(crate) fn registry_host(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// A digest that is the same for the same text in every run.
pub(crate) fn derived_digest(text: &str) -> String {
    let parts = (0_u8..4).map(|part| {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    });
    format!("sha256:{}", parts.collect::<String>())
}
