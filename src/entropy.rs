//! The entropy port: the operating system's generator, asked each time. No state, so nothing to share after a fork.

use rand::TryRng;
use rand::rngs::SysRng;
use vault::{Entropy, VaultError};

pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), VaultError> {
        SysRng
            .try_fill_bytes(bytes)
            .map_err(|_| VaultError::NoEntropy)
    }
}
