//! Password verifiers, so that no password crosses the wire.

use crate::secrets::Secret;

/// Computes the SCRAM-SHA-256 verifier of a password, with a random salt.
///
/// PostgreSQL stores it as it is where a statement gives it as a password; the password itself can then be used to log
/// in, but appears neither on the wire nor in the server's log or activity views. The server does not ask a verifier
/// for its password, and 32 random letters and digits cannot be guessed from it.
pub(super) fn verifier(password: &Secret) -> String {
    postgres_protocol::password::scram_sha_256(password.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_a_verifier_is_salted_and_does_not_contain_its_password() {
        let password = Secret::new("canaryCANARYcanaryCANARYcanary01");
        let first = verifier(&password);
        assert!(first.starts_with("SCRAM-SHA-256$4096:"));
        assert!(!first.contains(password.expose()));
        assert_ne!(first, verifier(&password));
    }
}
