//! Digests of what answers come from.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// SHA-256 in hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
