//! Generated passwords and secrets.

use super::Secret;
use rand::rngs::SysRng;
use rand::{TryRng, distr::Alphanumeric, distr::SampleString};
use std::fmt::Write as _;

/// Where random bytes come from; pure code takes it as an argument.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if SysRng.try_fill_bytes(bytes).is_err() {
            // The thread generator is seeded by the system and secure as well; it serves where the call is interrupted.
            rand::Rng::fill_bytes(&mut rand::rng(), bytes);
        }
    }
}

/// Length of a generated password in characters (design: Details, generated passwords).
const PASSWORD_LENGTH: usize = 32;

/// Generates a password of 32 letters and digits: Dokploy hands some of them to a shell.
pub fn generate_password(entropy: &dyn Entropy) -> Secret {
    Secret::new(Alphanumeric.sample_string(&mut EntropyRng(entropy), PASSWORD_LENGTH))
}

/// Generates a secret of 32 random bytes in lower-case hex (seed: Security Considerations).
pub fn generate_secret(entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes);
    let mut hex = String::with_capacity(64);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Secret::new(hex)
}

/// Lets `rand`'s distributions draw from an [`Entropy`].
struct EntropyRng<'a>(&'a dyn Entropy);

impl rand::TryRng for EntropyRng<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
