//! Randomness: the trait through which pure code takes it, and the operating system's own.

use rand::rngs::SysRng;
use rand::{TryRng, distr::Alphanumeric, distr::SampleString};

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

/// Draws a text of `length` letters and digits.
pub(super) fn alphanumeric(entropy: &dyn Entropy, length: usize) -> String {
    Alphanumeric.sample_string(&mut EntropyRng(entropy), length)
}

/// Lets `rand`'s distributions draw from an [`Entropy`].
struct EntropyRng<'a>(&'a dyn Entropy);

impl TryRng for EntropyRng<'_> {
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
