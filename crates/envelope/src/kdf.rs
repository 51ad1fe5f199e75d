//! HKDF-SHA256, only its Expand step: every key that comes in is 32 uniformly random bytes, a PRK already
//! (RFC 5869, section 3.3).

use hkdf::{Hkdf, InvalidLength};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key to expand. Holds the HMAC state, which is as good as the key and wipes itself on drop.
pub(crate) struct Prk(Hkdf<Sha256>);

impl Prk {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Hkdf::from_prk(key).expect("32 bytes are HashLen bytes"))
    }

    /// `OKM = HKDF-Expand(PRK, info, N)`, with N at most 32 at every call: one block of output.
    pub(crate) fn expand<const N: usize>(&self, info: &[u8]) -> Zeroizing<[u8; N]> {
        let mut okm = Zeroizing::new([0; N]);
        self.fill(info, okm.as_mut_slice())
            .expect("N is below 255 * HashLen");
        okm
    }

    pub(crate) fn fill(&self, info: &[u8], okm: &mut [u8]) -> Result<(), InvalidLength> {
        self.0.expand(info, okm)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hmac_state_wipes_itself() {
        fn assert_wipes<T: zeroize::ZeroizeOnDrop>() {}
        // HMAC keeps two of these and no other trace of the key; the feature `sha2/zeroize` makes them wipe.
        assert_wipes::<<sha2::Sha256 as sha2::digest::block_api::CoreProxy>::Core>();
    }
}
