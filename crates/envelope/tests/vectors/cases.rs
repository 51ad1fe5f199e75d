//! Every frozen vector, built from fixed keys. `tests/vectors/main.rs` compares them with `testdata/v1`,
//! `examples/make_vectors.rs` writes them there.
//!
//! Good vectors come from the crate itself. Bad ones start from a good one and change a single thing; where only the
//! owner of a key could have made the change, it is made with the cipher directly.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use envelope::{Binding, KeyBytes, RootKey, TenantKek};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::collision;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Also the name of the file.
    pub name: String,
    pub shows: String,
    #[serde(flatten)]
    pub subject: Subject,
    pub result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    Envelope(EnvelopeCase),
    WrappedKek(WrappedKekCase),
}

/// All byte strings are lower case hex.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvelopeCase {
    /// The key at hand, which in a bad vector may be the wrong one.
    pub kek: String,
    pub kek_generation: u32,
    pub tenant: String,
    pub credential: String,
    pub version: u32,
    pub wrapped_dek: String,
    pub ciphertext: String,
    /// Present in good vectors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrapped_from: Option<RewrappedFrom>,
}

/// What an implementation finds on the way, in the order in which it finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub wrap_key: String,
    pub dek: String,
    pub commitment: String,
    pub payload_key: String,
    pub secret: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewrappedFrom {
    pub kek: String,
    pub kek_generation: u32,
    pub wrapped_dek: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrappedKekCase {
    pub root_key: String,
    pub fingerprint: String,
    pub tenant: String,
    pub kek_generation: u32,
    pub wrapped_kek: String,
    /// Present in good vectors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwrapped: Option<Unwrapped>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unwrapped {
    pub wrap_key: String,
    pub nonce: String,
    pub kek: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Opens,
    Malformed,
    UnknownFormat,
    UnknownSuite,
    OtherGeneration,
    Refused,
}

pub fn all() -> Vec<Vector> {
    let mut vectors = good_envelopes();
    vectors.extend(bad_envelopes());
    vectors.extend(forged_envelopes());
    vectors.extend(good_wrapped_keks());
    vectors.extend(bad_wrapped_keks());
    vectors
}

pub fn to_json(vector: &Vector) -> String {
    let mut text = serde_json::to_string_pretty(vector).expect("a vector is plain data");
    text.push('\n');
    text
}

fn good_envelopes() -> Vec<Vector> {
    let one_kib: Vec<u8> = (0..1024u32).map(|i| (i * 7 % 251) as u8).collect();
    let opens =
        |name: &str, shows: &str, sealed: Sealed| sealed.vector(name, shows, Outcome::Opens);
    vec![
        opens(
            "short",
            "the usual case: a secret of a few dozen bytes",
            Sealed::usual(),
        ),
        opens(
            "empty",
            "a secret of no bytes: the ciphertext is the tag alone",
            Sealed::of(b""),
        ),
        opens(
            "one_block",
            "a secret of exactly one AES block, which needs no padding in GHASH",
            Sealed::of(b"sixteen bytes ok"),
        ),
        opens(
            "unicode",
            "UTF-8 is carried as the bytes it is",
            Sealed::of("Schlüssel 鍵 🔑 \u{0}".as_bytes()),
        ),
        opens(
            "one_kib",
            "1024 bytes: 64 blocks of payload",
            Sealed::of(&one_kib),
        ),
        opens(
            "kek_generation_max",
            "generation 4294967295, all of its four bytes set",
            Sealed::new(binding(), u32::MAX, "dek", SECRET),
        ),
        opens(
            "version_max",
            "version 4294967295, all of its four bytes set",
            Sealed::new(
                Binding {
                    version: u32::MAX,
                    ..binding()
                },
                4,
                "dek",
                SECRET,
            ),
        ),
        opens(
            "version_zero",
            "nil uuids and version 0: the encoding has no special values",
            Sealed::new(
                Binding {
                    tenant: [0; 16],
                    credential: [0; 16],
                    version: 0,
                },
                0,
                "dek",
                SECRET,
            ),
        ),
        rewrapped(),
    ]
}

fn rewrapped() -> Vector {
    let old = Sealed::usual();
    let mut new = old.clone();
    new.kek = bytes32("kek of generation 5");
    new.generation = 5;
    new.wrapped_dek = old
        .tenant_kek()
        .rewrap(&new.tenant_kek(), &old.binding, &old.wrapped_dek)
        .expect("the old envelope opens")
        .to_vec();
    let mut vector = new.vector(
        "rewrapped",
        "`short` after its tenant key was rotated: another wrapped_dek, the same commitment, DEK and ciphertext",
        Outcome::Opens,
    );
    if let Subject::Envelope(case) = &mut vector.subject {
        case.rewrapped_from = Some(RewrappedFrom {
            kek: hex(&old.kek),
            kek_generation: old.generation,
            wrapped_dek: hex(&old.wrapped_dek),
        });
    }
    vector
}

fn bad_envelopes() -> Vec<Vector> {
    use Outcome::*;
    let bad = |name: &str, shows: &str, result: Outcome, change: fn(&mut Sealed)| {
        let mut sealed = Sealed::usual();
        change(&mut sealed);
        sealed.vector(name, shows, result)
    };
    vec![
        bad(
            "binding_other_tenant",
            "carried to another tenant's row",
            Refused,
            |s| s.binding.tenant[15] ^= 1,
        ),
        bad(
            "binding_other_credential",
            "carried to another credential of the same tenant",
            Refused,
            |s| s.binding.credential[0] ^= 0x80,
        ),
        bad(
            "binding_other_version",
            "an earlier version put back in place of the current one",
            Refused,
            |s| s.binding.version += 1,
        ),
        bad(
            "binding_tenant_and_credential_swapped",
            "the right ids in each other's place",
            Refused,
            |s| std::mem::swap(&mut s.binding.tenant, &mut s.binding.credential),
        ),
        bad(
            "kek_other",
            "another tenant key of the same generation number",
            Refused,
            |s| s.kek = bytes32("kek of another tenant"),
        ),
        bad(
            "generation_other",
            "the header asks for generation 4, the key at hand is generation 5",
            OtherGeneration,
            |s| s.generation = 5,
        ),
        bad(
            "generation_relabelled",
            "the right key, but header and key both claim generation 5; the AAD remembers 4",
            Refused,
            |s| {
                s.generation = 5;
                s.wrapped_dek[5] = 5;
            },
        ),
        bad(
            "format_unknown",
            "format 2 is not known to version 1",
            UnknownFormat,
            |s| s.wrapped_dek[0] = 2,
        ),
        bad(
            "suite_unknown",
            "suite 2 is not known to version 1",
            UnknownSuite,
            |s| s.wrapped_dek[1] = 2,
        ),
        bad(
            "commitment_changed",
            "a byte of the commitment that is no part of the nonce: only the comparison sees it",
            Refused,
            |s| s.wrapped_dek[33] ^= 1,
        ),
        bad(
            "commitment_nonce_changed",
            "a byte of the commitment that is part of the nonce",
            Refused,
            |s| s.wrapped_dek[6] ^= 1,
        ),
        bad(
            "wrapped_dek_changed",
            "one bit of the wrapped key",
            Refused,
            |s| s.wrapped_dek[34] ^= 1,
        ),
        bad(
            "wrapped_dek_tag_changed",
            "one bit of the wrapped key's tag",
            Refused,
            |s| s.wrapped_dek[81] ^= 0x80,
        ),
        bad("wrapped_dek_truncated", "81 bytes", Malformed, |s| {
            s.wrapped_dek.truncate(81)
        }),
        bad("wrapped_dek_trailing_byte", "83 bytes", Malformed, |s| {
            s.wrapped_dek.push(0)
        }),
        bad("wrapped_dek_empty", "no bytes at all", Malformed, |s| {
            s.wrapped_dek.clear()
        }),
        bad(
            "ciphertext_changed",
            "one bit of the payload",
            Refused,
            |s| s.ciphertext[0] ^= 1,
        ),
        bad(
            "tag_changed",
            "one bit of the payload's tag",
            Refused,
            |s| *s.ciphertext.last_mut().expect("not empty") ^= 1,
        ),
        bad(
            "tag_truncated",
            "the last byte of the tag is missing; a shorter tag is never accepted",
            Refused,
            |s| s.ciphertext.truncate(s.ciphertext.len() - 1),
        ),
        bad("trailing_byte", "one byte after the tag", Refused, |s| {
            s.ciphertext.push(0)
        }),
        bad(
            "ciphertext_shorter_than_tag",
            "15 bytes cannot hold a tag",
            Malformed,
            |s| s.ciphertext.truncate(15),
        ),
        bad(
            "ciphertext_of_another_dek",
            "the ciphertext of another seal for the same place",
            Refused,
            |s| {
                s.ciphertext =
                    Sealed::new(binding(), 4, "another dek", b"another secret").ciphertext
            },
        ),
    ]
}

/// Envelopes that only somebody who holds the tenant key can make.
fn forged_envelopes() -> Vec<Vector> {
    let mut swapped = Sealed::new(binding(), 4, "another dek", SECRET);
    swapped.wrap_under_commitment_of(&bytes32("dek"));

    // One ciphertext that AES-GCM opens under the payload keys of two DEKs.
    let (first, second) = (bytes32("dek"), bytes32("another dek"));
    let mut collision = Sealed::usual();
    collision.ciphertext = collision::ciphertext(
        &payload_key(&first, &binding()),
        &payload_key(&second, &binding()),
        &payload_aad(&binding()),
        b"pays 10 to alice",
    );
    collision.secret = open_payload(&first, &binding(), &collision.ciphertext);
    let mut other_face = collision.clone();
    other_face.dek = second;
    other_face.secret = open_payload(&second, &binding(), &collision.ciphertext);
    other_face.wrap_under_commitment_of(&first);
    assert_ne!(collision.secret, other_face.secret);

    vec![
        swapped.vector(
            "commitment_of_another_dek",
            "key and payload match each other, the commitment belongs to another DEK: only the comparison sees it",
            Outcome::Refused,
        ),
        collision.vector(
            "collision_first_dek",
            "a ciphertext made to open under the payload keys of two DEKs; this is the DEK that was committed to",
            Outcome::Opens,
        ),
        other_face.vector(
            "collision_second_dek",
            "the same ciphertext and commitment with the other DEK wrapped; AES-GCM alone would give another secret",
            Outcome::Refused,
        ),
    ]
}

fn good_wrapped_keks() -> Vec<Vector> {
    vec![
        WrappedKek::usual().vector(
            "wrapped_kek",
            "a tenant key under its root key",
            Outcome::Opens,
        ),
        WrappedKek::new([0; 16], u32::MAX).vector(
            "wrapped_kek_generation_max",
            "the nil tenant, generation 4294967295",
            Outcome::Opens,
        ),
    ]
}

fn bad_wrapped_keks() -> Vec<Vector> {
    use Outcome::*;
    let bad = |name: &str, shows: &str, result: Outcome, change: fn(&mut WrappedKek)| {
        let mut wrapped = WrappedKek::usual();
        change(&mut wrapped);
        wrapped.vector(name, shows, result)
    };
    vec![
        bad(
            "wrapped_kek_other_tenant",
            "carried to another tenant's row",
            Refused,
            |w| w.tenant[0] ^= 1,
        ),
        bad(
            "wrapped_kek_other_generation",
            "an earlier key put back as a later generation",
            Refused,
            |w| w.generation += 1,
        ),
        bad(
            "wrapped_kek_other_root_key",
            "another root key",
            Refused,
            |w| w.root = bytes32("another root"),
        ),
        bad(
            "wrapped_kek_nonce_changed",
            "one bit of the nonce",
            Refused,
            |w| w.wrapped_kek[2] ^= 1,
        ),
        bad(
            "wrapped_kek_changed",
            "one bit of the wrapped key",
            Refused,
            |w| w.wrapped_kek[14] ^= 1,
        ),
        bad(
            "wrapped_kek_tag_changed",
            "one bit of the tag",
            Refused,
            |w| w.wrapped_kek[61] ^= 1,
        ),
        bad("wrapped_kek_truncated", "61 bytes", Malformed, |w| {
            w.wrapped_kek.truncate(61)
        }),
        bad("wrapped_kek_trailing_byte", "63 bytes", Malformed, |w| {
            w.wrapped_kek.push(0)
        }),
        bad(
            "wrapped_kek_format_unknown",
            "format 0 was never written",
            UnknownFormat,
            |w| w.wrapped_kek[0] = 0,
        ),
        bad(
            "wrapped_kek_suite_unknown",
            "suite 255 is not known to version 1",
            UnknownSuite,
            |w| w.wrapped_kek[1] = 255,
        ),
    ]
}

const SECRET: &[u8] = b"correct horse battery staple";

fn binding() -> Binding {
    let mut binding = Binding {
        tenant: [0; 16],
        credential: [0; 16],
        version: 3,
    };
    binding.tenant.copy_from_slice(&bytes32("tenant")[..16]);
    binding
        .credential
        .copy_from_slice(&bytes32("credential")[..16]);
    binding
}

#[derive(Clone)]
struct Sealed {
    kek: [u8; 32],
    generation: u32,
    binding: Binding,
    dek: [u8; 32],
    secret: Vec<u8>,
    wrapped_dek: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Sealed {
    fn usual() -> Self {
        Self::of(SECRET)
    }

    fn of(secret: &[u8]) -> Self {
        Self::new(binding(), 4, "dek", secret)
    }

    fn new(binding: Binding, generation: u32, dek: &str, secret: &[u8]) -> Self {
        let mut sealed = Self {
            kek: bytes32("kek"),
            generation,
            binding,
            dek: bytes32(dek),
            secret: secret.to_vec(),
            wrapped_dek: Vec::new(),
            ciphertext: Vec::new(),
        };
        let envelope = sealed
            .tenant_kek()
            .seal(&binding, KeyBytes::new(sealed.dek), secret)
            .expect("the secret is short");
        sealed.wrapped_dek = envelope.wrapped_dek.to_vec();
        sealed.ciphertext = envelope.ciphertext;
        sealed
    }

    fn tenant_kek(&self) -> TenantKek {
        TenantKek::new(&KeyBytes::new(self.kek), self.generation)
    }

    /// Wraps the DEK correctly, but under the commitment (and its nonce) of `other`.
    fn wrap_under_commitment_of(&mut self, other: &[u8; 32]) {
        let commitment = commitment(other, &self.binding);
        let mut header = vec![1, 1];
        header.extend_from_slice(&self.generation.to_be_bytes());
        let aad = [&header[..], &encode(b"tv1/wrap", &self.binding)].concat();
        let wrapped = Aes256Gcm::new(&wrap_key(&self.kek).into())
            .encrypt(
                commitment[..12].try_into().expect("12 bytes"),
                Payload {
                    msg: &self.dek,
                    aad: &aad,
                },
            )
            .expect("32 bytes are sealed");
        self.wrapped_dek = [header, commitment, wrapped].concat();
    }

    fn vector(&self, name: &str, shows: &str, result: Outcome) -> Vector {
        let opened = (result == Outcome::Opens).then(|| Opened {
            wrap_key: hex(&wrap_key(&self.kek)),
            dek: hex(&self.dek),
            commitment: hex(&commitment(&self.dek, &self.binding)),
            payload_key: hex(&payload_key(&self.dek, &self.binding)),
            secret: hex(&self.secret),
        });
        Vector {
            name: name.to_owned(),
            shows: shows.to_owned(),
            subject: Subject::Envelope(EnvelopeCase {
                kek: hex(&self.kek),
                kek_generation: self.generation,
                tenant: hex(&self.binding.tenant),
                credential: hex(&self.binding.credential),
                version: self.binding.version,
                wrapped_dek: hex(&self.wrapped_dek),
                ciphertext: hex(&self.ciphertext),
                opened,
                rewrapped_from: None,
            }),
            result,
        }
    }
}

struct WrappedKek {
    root: [u8; 32],
    tenant: [u8; 16],
    generation: u32,
    wrapped_kek: Vec<u8>,
}

impl WrappedKek {
    fn usual() -> Self {
        Self::new(binding().tenant, 4)
    }

    fn new(tenant: [u8; 16], generation: u32) -> Self {
        let root = bytes32("root");
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&bytes32("nonce")[..12]);
        let wrapped_kek = RootKey::new(KeyBytes::new(root))
            .expect("the bytes differ")
            .wrap(&tenant, generation, &KeyBytes::new(bytes32("kek")), nonce)
            .to_vec();
        Self {
            root,
            tenant,
            generation,
            wrapped_kek,
        }
    }

    fn vector(&self, name: &str, shows: &str, result: Outcome) -> Vector {
        let unwrapped = (result == Outcome::Opens).then(|| Unwrapped {
            wrap_key: hex(&expand(&self.root, b"tv1/root", 32)),
            nonce: hex(&self.wrapped_kek[2..14]),
            kek: hex(&bytes32("kek")),
        });
        Vector {
            name: name.to_owned(),
            shows: shows.to_owned(),
            subject: Subject::WrappedKek(WrappedKekCase {
                root_key: hex(&self.root),
                fingerprint: hex(&expand(&self.root, b"tv1/fing", 16)),
                tenant: hex(&self.tenant),
                kek_generation: self.generation,
                wrapped_kek: hex(&self.wrapped_kek),
                unwrapped,
            }),
            result,
        }
    }
}

// The derivations once more, apart from the crate: what it computes is compared with these.

fn wrap_key(kek: &[u8; 32]) -> [u8; 32] {
    expand(kek, b"tv1/wrap", 32).try_into().expect("32 bytes")
}

fn commitment(dek: &[u8; 32], binding: &Binding) -> Vec<u8> {
    expand(dek, &encode(b"tv1/cmit", binding), 28)
}

fn payload_key(dek: &[u8; 32], binding: &Binding) -> [u8; 32] {
    expand(dek, &encode(b"tv1/seal", binding), 32)
        .try_into()
        .expect("32 bytes")
}

fn payload_aad(binding: &Binding) -> Vec<u8> {
    [&[1, 1][..], &encode(b"tv1/seal", binding)].concat()
}

fn open_payload(dek: &[u8; 32], binding: &Binding, ciphertext: &[u8]) -> Vec<u8> {
    Aes256Gcm::new(&payload_key(dek, binding).into())
        .decrypt(
            &[0; 12].into(),
            Payload {
                msg: ciphertext,
                aad: &payload_aad(binding),
            },
        )
        .expect("AES-GCM alone opens this payload")
}

fn encode(label: &[u8; 8], binding: &Binding) -> Vec<u8> {
    [
        &label[..],
        &binding.tenant,
        &binding.credential,
        &binding.version.to_be_bytes(),
    ]
    .concat()
}

fn expand(key: &[u8; 32], info: &[u8], bytes: usize) -> Vec<u8> {
    let mut okm = vec![0; bytes];
    Hkdf::<Sha256>::from_prk(key)
        .expect("32 bytes are HashLen bytes")
        .expand(info, &mut okm)
        .expect("one block of output");
    okm
}

/// The fixed "random" bytes of the vectors: anybody can compute them, nothing can be hidden in them.
fn bytes32(purpose: &str) -> [u8; 32] {
    Sha256::digest(format!("tenant_vault vector: {purpose}")).into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
