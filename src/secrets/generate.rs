//! Generated passwords and secrets.

use super::digest::hex;
use super::entropy::{self, Entropy};
use super::secret::Secret;

/// Length of a generated password in characters (design: Details, generated passwords).
const PASSWORD_LENGTH: usize = 32;

/// Generates a password of 32 letters and digits: Dokploy hands some of them to a shell.
pub fn generate_password(entropy: &dyn Entropy) -> Secret {
    Secret::new(entropy::alphanumeric(entropy, PASSWORD_LENGTH))
}

/// Generates a secret of 32 random bytes in lower-case hex (seed: Security Considerations).
pub fn generate_secret(entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes);
    Secret::new(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::super::SystemEntropy;
    use super::*;

    #[test]
    fn passwords_are_32_letters_and_digits_and_differ() {
        let first = generate_password(&SystemEntropy);
        assert_eq!(first.expose().len(), 32);
        assert!(first.expose().chars().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(first, generate_password(&SystemEntropy));
    }

    #[test]
    fn secrets_are_32_bytes_in_hex_and_differ() {
        let first = generate_secret(&SystemEntropy);
        assert_eq!(first.expose().len(), 64);
        assert!(first.expose().chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
        assert_ne!(first, generate_secret(&SystemEntropy));
    }
}
