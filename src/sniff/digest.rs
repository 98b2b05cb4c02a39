//! Digests of what answers come from.

use sha2::{Digest, Sha256};

/// SHA-256 in hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
