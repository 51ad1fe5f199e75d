//! Makes one AES-GCM ciphertext that opens under two keys, to show what the commitment is for.
//!
//! GHASH is a polynomial in `H = AES(key, 0)`, linear in every ciphertext block. With all blocks but one chosen freely,
//! "both keys give the same tag" is one linear equation in GF(2^128) for the remaining block.
//! Source: Dodis, Grubbs, Ristenpart, Woodage, "Fast Message Franking", section 3.

use aes_gcm::aes::Aes256Enc;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};

/// Two blocks and a tag. Under the first key the first block opens to `first_block`; everything else is what falls out.
pub fn ciphertext(key1: &[u8; 32], key2: &[u8; 32], aad: &[u8], first_block: &[u8; 16]) -> Vec<u8> {
    let mut blocks = [0; 32];
    blocks[..16].copy_from_slice(first_block);
    xor(&mut blocks[..16], &keystream(key1)[..16]);

    // tag_i = rest_i + block * H_i^2, because the length block comes after it and takes H_i^1.
    let rest = number(&tag(key1, aad, &blocks)) ^ number(&tag(key2, aad, &blocks));
    let (h1, h2) = (hash_key(key1), hash_key(key2));
    let block = multiply(rest, invert(multiply(h1, h1) ^ multiply(h2, h2)));
    blocks[16..].copy_from_slice(&block.to_be_bytes());

    let tag1 = tag(key1, aad, &blocks);
    assert_eq!(tag1, tag(key2, aad, &blocks));
    [&blocks[..], &tag1].concat()
}

/// The tag of a given ciphertext: that of the text which it would open to.
fn tag(key: &[u8; 32], aad: &[u8], ciphertext: &[u8; 32]) -> [u8; 16] {
    let mut text = *ciphertext;
    xor(&mut text, &keystream(key));
    gcm(key, aad, &mut text)
}

fn keystream(key: &[u8; 32]) -> [u8; 32] {
    let mut zeros = [0; 32];
    gcm(key, &[], &mut zeros);
    zeros
}

fn gcm(key: &[u8; 32], aad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
    Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&[0; 12].into(), aad, buffer.into())
        .expect("32 bytes are sealed")
        .into()
}

fn hash_key(key: &[u8; 32]) -> u128 {
    let mut block = [0; 16].into();
    Aes256Enc::new(key.into()).encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

fn xor(left: &mut [u8], right: &[u8]) {
    for (l, r) in left.iter_mut().zip(right) {
        *l ^= r;
    }
}

fn number(block: &[u8; 16]) -> u128 {
    u128::from_be_bytes(*block)
}

/// NIST SP 800-38D, section 6.3, algorithm 1; its leftmost bit is the most significant one here.
fn multiply(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for i in (0..128).rev() {
        if x >> i & 1 == 1 {
            z ^= v;
        }
        let carry = v & 1 == 1;
        v >>= 1;
        if carry {
            v ^= 0xe1 << 120;
        }
    }
    z
}

/// `x^(2^128 - 2)`, by Fermat.
fn invert(x: u128) -> u128 {
    let one = 1 << 127;
    let (mut result, mut square) = (one, x);
    for _ in 1..128 {
        square = multiply(square, square);
        result = multiply(result, square);
    }
    result
}
