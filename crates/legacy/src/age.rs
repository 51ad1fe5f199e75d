//! Files of age, version 1: to one X25519 recipient or under one passphrase, armored. What the tool `age` and its kin read and
//! write (age-encryption.org/v1).
//!
//! ```text
//! header  = "age-encryption.org/v1" LF, stanzas, "--- " base64(HMAC-SHA256(HKDF(file key, "", "header"), header to "---")) LF
//! payload = nonce[16] || STREAM(HKDF(file key, nonce, "payload")), chunks of 64 KiB by ChaCha20-Poly1305
//! ```
//!
//! Plugins, ssh keys and several recipients at once are left out when writing. In reading, stanzas that are not ours are passed over.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{Plain, Refusal, bech32};

const VERSION: &str = "age-encryption.org/v1";
const X25519_LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const SCRYPT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";

const FILE_KEY_BYTES: usize = 16;
const CHUNK_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const LINE_CHARS: usize = 64;
/// Of scrypt when we write: 2^16 rounds take 64 MiB and some tenths of a second.
const WRITTEN_LOG_N: u8 = 16;
/// The most that is read, and what the tool itself writes: 2^18 take 256 MiB.
const READ_MAX_LOG_N: u8 = 18;

type FileKey = Zeroizing<[u8; FILE_KEY_BYTES]>;

/// To whom a file is written.
pub enum Recipient {
    X25519([u8; 32]),
    Passphrase(Zeroizing<Vec<u8>>),
}

/// Who reads it.
pub enum Identity {
    X25519(StaticSecret),
    Passphrase(Zeroizing<Vec<u8>>),
}

impl Recipient {
    /// `age1...`: what `age-keygen` prints as the public key.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let (prefix, bytes) = bech32::decode(text.trim())?;
        match (&*prefix, <[u8; 32]>::try_from(bytes.as_slice())) {
            ("age", Ok(key)) => Ok(Self::X25519(key)),
            _ => Err(Refusal::malformed(
                "a recipient begins with age1 and has 32 bytes",
            )),
        }
    }
}

impl Identity {
    /// The text of an identity file: `AGE-SECRET-KEY-1...` on a line of its own; lines that begin with `#` say nothing.
    pub fn parse_file(text: &[u8]) -> Result<Vec<Self>, Refusal> {
        let text = std::str::from_utf8(text)
            .map_err(|_| Refusal::malformed("an identity file is text"))?;
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<Self> = keys.map(Self::parse).collect::<Result<_, _>>()?;
        match keys.is_empty() {
            true => Err(Refusal::malformed("the identity file holds no identity")),
            false => Ok(keys),
        }
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let unlike =
            || Refusal::malformed("an identity begins with AGE-SECRET-KEY-1 and has 32 bytes");
        let (prefix, bytes) = bech32::decode(text).map_err(|_| unlike())?;
        let key = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| unlike())?);
        match &*prefix {
            "age-secret-key-" => Ok(Self::X25519(StaticSecret::from(*key))),
            _ => Err(unlike()),
        }
    }
}

/// What is drawn at random for one file.
pub struct Randomness {
    file_key: FileKey,
    nonce: [u8; NONCE_BYTES],
    /// The ephemeral secret, or the salt in its first half.
    secret: Zeroizing<[u8; 32]>,
}

impl Randomness {
    /// - fill: fills with fresh random bytes.
    pub fn draw<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut drawn = Self {
            file_key: Zeroizing::new([0; FILE_KEY_BYTES]),
            nonce: [0; NONCE_BYTES],
            secret: Zeroizing::new([0; 32]),
        };
        fill(&mut *drawn.file_key)?;
        fill(&mut drawn.nonce)?;
        fill(&mut *drawn.secret)?;
        Ok(drawn)
    }
}

/// A file that is being written. Holds one chunk of plaintext at a time.
pub struct Sealer {
    sealed: Vec<u8>,
    chunk: Zeroizing<Vec<u8>>,
    stream: Stream,
}

impl Sealer {
    /// - errors: [`Refusal::Malformed`] for a recipient whose key is none: the shared secret would be zero.
    pub fn new(to: &Recipient, random: Randomness) -> Result<Self, Refusal> {
        let Randomness {
            file_key,
            nonce,
            secret,
        } = random;
        let (arguments, wrapped) = match to {
            Recipient::X25519(recipient) => {
                let ephemeral = StaticSecret::from(*secret);
                let share = PublicKey::from(&ephemeral);
                let key =
                    x25519_wrap_key(&ephemeral, &PublicKey::from(*recipient), &share, recipient)
                        .ok_or_else(|| Refusal::malformed("the recipient's key is none"))?;
                (
                    format!("X25519 {}", STANDARD_NO_PAD.encode(share.as_bytes())),
                    wrap(&key, &file_key),
                )
            }
            Recipient::Passphrase(passphrase) => {
                let salt = &secret[..SALT_BYTES];
                let key = scrypt_wrap_key(passphrase, salt, WRITTEN_LOG_N)?;
                (
                    format!("scrypt {} {WRITTEN_LOG_N}", STANDARD_NO_PAD.encode(salt)),
                    wrap(&key, &file_key),
                )
            }
        };
        let header = format!(
            "{VERSION}\n-> {arguments}\n{}\n---",
            STANDARD_NO_PAD.encode(wrapped)
        );
        let mac = header_mac(&file_key, header.as_bytes());
        let tag = STANDARD_NO_PAD.encode(mac.finalize().into_bytes());
        let mut sealed = format!("{header} {tag}\n").into_bytes();
        sealed.extend_from_slice(&nonce);
        Ok(Self {
            sealed,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
            stream: Stream::new(&file_key, &nonce),
        })
    }

    /// Length of what is sealed by now, in bytes.
    pub fn sealed_bytes(&self) -> usize {
        self.sealed.len()
    }

    /// The whole file, armored.
    pub fn finish(mut self) -> String {
        self.flush_chunk(true);
        let encoded = STANDARD.encode(&self.sealed);
        let mut armored = String::with_capacity(encoded.len() + encoded.len() / LINE_CHARS + 128);
        armored.push_str(BEGIN);
        armored.push('\n');
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(LINE_CHARS.min(rest.len()));
            armored.push_str(line);
            armored.push('\n');
            rest = after;
        }
        armored.push_str(END);
        armored.push('\n');
        armored
    }

    fn flush_chunk(&mut self, is_last: bool) {
        let tag = self.stream.seal(&mut self.chunk, is_last);
        self.sealed.extend_from_slice(&self.chunk);
        self.sealed.extend_from_slice(&tag);
        self.chunk.clear();
    }
}

impl io::Write for Sealer {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        // A full chunk waits for more: only then is it known not to be the last.
        if self.chunk.len() == CHUNK_BYTES && !plain.is_empty() {
            self.flush_chunk(false);
        }
        let taken = plain.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&plain[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a file, armored or not, that is whole: nothing of it is given before its end has been verified.
///
/// - identities: asked for once it is known whether a passphrase is wanted.
/// - errors: [`Refusal::Malformed`], [`Refusal::DoesNotOpen`], or what `identities` gives.
pub fn open<E: From<Refusal>>(
    file: &[u8],
    identities: impl FnOnce(bool) -> Result<Vec<Identity>, E>,
) -> Result<Plain, E> {
    let bare;
    let file = match file.trim_ascii().strip_prefix(BEGIN.as_bytes()) {
        Some(armored) => {
            bare = dearmored(armored)?;
            &bare
        }
        None => file,
    };
    let header = Header::read(file)?;
    let wants_passphrase = header
        .stanzas
        .iter()
        .any(|stanza| stanza.kind() == "scrypt");
    if wants_passphrase && header.stanzas.len() > 1 {
        // Else whoever knows one of the keys could make others take a file for one under the passphrase.
        return Err(Refusal::malformed("a passphrase stands beside other recipients").into());
    }
    let identities = identities(wants_passphrase)?;
    let file_key = header.file_key(&identities)?.ok_or(Refusal::DoesNotOpen)?;
    let mac = header_mac(&file_key, header.authenticated);
    if mac.verify_slice(&header.mac).is_err() {
        return Err(Refusal::DoesNotOpen.into());
    }
    Ok(payload(&file_key, header.payload)?)
}

fn payload(file_key: &FileKey, payload: &[u8]) -> Result<Plain, Refusal> {
    let (nonce, mut sealed) = payload
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(Refusal::DoesNotOpen)?;
    let mut stream = Stream::new(file_key, nonce);
    let mut plain = Plain::with_capacity(sealed.len());
    loop {
        let (chunk, rest) = sealed.split_at(sealed.len().min(CHUNK_BYTES + TAG_BYTES));
        let is_last = rest.is_empty();
        let (text, tag) = chunk
            .split_last_chunk::<TAG_BYTES>()
            .ok_or(Refusal::DoesNotOpen)?;
        // An empty last chunk belongs to an empty file alone.
        if text.is_empty() && !plain.bytes().is_empty() {
            return Err(Refusal::DoesNotOpen);
        }
        let start = plain.0.len();
        plain.0.extend_from_slice(text);
        stream.open(&mut plain.0[start..], tag, is_last)?;
        if is_last {
            return Ok(plain);
        }
        sealed = rest;
    }
}

/// The counter of chunks, 11 bytes, and whether the chunk is the last.
struct Stream {
    cipher: ChaCha20Poly1305,
    counter: u64,
}

impl Stream {
    fn new(file_key: &FileKey, nonce: &[u8; NONCE_BYTES]) -> Self {
        let key = hkdf(Some(nonce), &**file_key, b"payload");
        Self {
            cipher: ChaCha20Poly1305::new((&*key).into()),
            counter: 0,
        }
    }

    fn nonce(&mut self, is_last: bool) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.counter.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.counter += 1;
        nonce
    }

    fn seal(&mut self, chunk: &mut [u8], is_last: bool) -> [u8; TAG_BYTES] {
        let nonce = self.nonce(is_last);
        self.cipher
            .encrypt_inout_detached((&nonce).into(), b"", chunk.into())
            .expect("a chunk is far below the limit of one message")
            .into()
    }

    fn open(
        &mut self,
        chunk: &mut [u8],
        tag: &[u8; TAG_BYTES],
        is_last: bool,
    ) -> Result<(), Refusal> {
        let nonce = self.nonce(is_last);
        self.cipher
            .decrypt_inout_detached((&nonce).into(), b"", chunk.into(), tag.into())
            .map_err(|_| Refusal::DoesNotOpen)
    }
}

struct Header<'a> {
    stanzas: Vec<Stanza<'a>>,
    /// From the beginning to `---`.
    authenticated: &'a [u8],
    mac: [u8; 32],
    payload: &'a [u8],
}

struct Stanza<'a> {
    arguments: Vec<&'a str>,
    body: Vec<u8>,
}

impl<'a> Header<'a> {
    fn read(file: &'a [u8]) -> Result<Self, Refusal> {
        let unlike = || Refusal::malformed("it is no file of age, version 1");
        let mut rest = file;
        let mut line = || -> Result<&'a str, Refusal> {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or_else(unlike)?;
            let line = std::str::from_utf8(&rest[..end]).map_err(|_| unlike())?;
            rest = &rest[end + 1..];
            Ok(line)
        };
        if line()? != VERSION {
            return Err(unlike());
        }
        let mut stanzas = Vec::new();
        let tag = loop {
            let first = line()?;
            if let Some(tag) = first.strip_prefix("--- ") {
                break tag;
            }
            let arguments: Vec<&str> = first
                .strip_prefix("-> ")
                .ok_or_else(unlike)?
                .split(' ')
                .collect();
            if arguments.iter().any(|argument| argument.is_empty()) {
                return Err(unlike());
            }
            let mut body = Vec::new();
            loop {
                let part = line()?;
                let bytes = STANDARD_NO_PAD.decode(part).map_err(|_| unlike())?;
                body.extend_from_slice(&bytes);
                match part.len() {
                    LINE_CHARS => {}
                    shorter if shorter < LINE_CHARS => break,
                    _ => return Err(unlike()),
                }
            }
            stanzas.push(Stanza { arguments, body });
        };
        let mac = STANDARD_NO_PAD.decode(tag).map_err(|_| unlike())?;
        let mac = mac.as_slice().try_into().map_err(|_| unlike())?;
        let header_bytes = file.len() - rest.len();
        // Without the blank, the tag and the end of the line.
        let authenticated = &file[..header_bytes - tag.len() - 2];
        match stanzas.is_empty() {
            true => Err(unlike()),
            false => Ok(Self {
                stanzas,
                authenticated,
                mac,
                payload: rest,
            }),
        }
    }

    /// The first that one of these identities opens.
    fn file_key(&self, identities: &[Identity]) -> Result<Option<FileKey>, Refusal> {
        for stanza in &self.stanzas {
            for identity in identities {
                if let Some(key) = stanza.file_key(identity)? {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }
}

impl Stanza<'_> {
    fn kind(&self) -> &str {
        self.arguments.first().copied().unwrap_or_default()
    }

    fn file_key(&self, identity: &Identity) -> Result<Option<FileKey>, Refusal> {
        let unlike = || Refusal::malformed("a recipient's stanza is malformed");
        let key = match (identity, &self.arguments[..]) {
            (Identity::X25519(secret), ["X25519", share]) => {
                let share = STANDARD_NO_PAD.decode(share).map_err(|_| unlike())?;
                let share: [u8; 32] = share.as_slice().try_into().map_err(|_| unlike())?;
                let share = PublicKey::from(share);
                let own = PublicKey::from(secret);
                x25519_wrap_key(secret, &share, &share, own.as_bytes()).ok_or_else(unlike)?
            }
            (Identity::Passphrase(passphrase), ["scrypt", salt, log_n]) => {
                let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| unlike())?;
                let log_n = log_n
                    .parse::<u8>()
                    .ok()
                    .filter(|parsed| parsed.to_string() == *log_n && *parsed > 0)
                    .ok_or_else(unlike)?;
                if salt.len() != SALT_BYTES {
                    return Err(unlike());
                }
                if log_n > READ_MAX_LOG_N {
                    return Err(Refusal::malformed(format!(
                        "its passphrase costs 2^{log_n} rounds of scrypt, more than 2^{READ_MAX_LOG_N}"
                    )));
                }
                scrypt_wrap_key(passphrase, &salt, log_n)?
            }
            (_, ["X25519" | "scrypt", ..])
                if !matches!(
                    (identity, self.kind()),
                    (Identity::X25519(_), "scrypt") | (Identity::Passphrase(_), "X25519")
                ) =>
            {
                return Err(unlike());
            }
            _ => return Ok(None),
        };
        let (text, tag) = match self.body.split_last_chunk::<TAG_BYTES>() {
            Some((text, tag)) if text.len() == FILE_KEY_BYTES => (text, tag),
            _ => return Err(unlike()),
        };
        let mut file_key: FileKey = Zeroizing::new([0; FILE_KEY_BYTES]);
        file_key.copy_from_slice(text);
        let opened = ChaCha20Poly1305::new((&*key).into()).decrypt_inout_detached(
            (&[0; 12]).into(),
            b"",
            file_key.as_mut_slice().into(),
            tag.into(),
        );
        Ok(opened.ok().map(|()| file_key))
    }
}

/// `HKDF-SHA256(X25519(secret, other), share || recipient, "age-encryption.org/v1/X25519")`; `None`: the shared secret is zero.
fn x25519_wrap_key(
    secret: &StaticSecret,
    other: &PublicKey,
    share: &PublicKey,
    recipient: &[u8; 32],
) -> Option<Zeroizing<[u8; 32]>> {
    let shared = secret.diffie_hellman(other);
    if !shared.was_contributory() {
        return None;
    }
    let mut salt = [0; 64];
    salt[..32].copy_from_slice(share.as_bytes());
    salt[32..].copy_from_slice(recipient);
    Some(hkdf(Some(&salt), shared.as_bytes(), X25519_LABEL))
}

/// `scrypt(passphrase, "age-encryption.org/v1/scrypt" || salt, N = 2^log_n, r = 8, p = 1)`
fn scrypt_wrap_key(
    passphrase: &[u8],
    salt: &[u8],
    log_n: u8,
) -> Result<Zeroizing<[u8; 32]>, Refusal> {
    let params = scrypt::Params::new(log_n, 8, 1)
        .map_err(|_| Refusal::malformed("its scrypt parameters are none"))?;
    let labelled = [SCRYPT_LABEL, salt].concat();
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase, &labelled, &params, &mut *key)
        .map_err(|_| Refusal::malformed("its scrypt parameters are none"))?;
    Ok(key)
}

/// `ChaCha20-Poly1305(key, nonce = 0, file key)`: a wrap key wraps one file key and no other.
fn wrap(key: &[u8; 32], file_key: &FileKey) -> Vec<u8> {
    let mut wrapped = file_key.to_vec();
    let tag = ChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached((&[0; 12]).into(), b"", wrapped.as_mut_slice().into())
        .expect("a key is far below the limit of one message");
    wrapped.extend_from_slice(&tag);
    wrapped
}

fn header_mac(file_key: &FileKey, header: &[u8]) -> Hmac<Sha256> {
    let key = hkdf(None, &**file_key, b"header");
    let mut mac =
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&*key).expect("any length will do");
    mac.update(header);
    mac
}

fn hkdf(salt: Option<&[u8]>, secret: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(salt, secret)
        .expand(label, &mut *key)
        .expect("32 bytes are one block");
    key
}

/// Lines of 64 characters, the last one not longer and not empty; one key of armor and no more.
fn dearmored(armored: &[u8]) -> Result<Vec<u8>, Refusal> {
    let unlike = || Refusal::malformed("its armor is malformed");
    let text = std::str::from_utf8(armored).map_err(|_| unlike())?;
    let body = text.strip_suffix(END).ok_or_else(unlike)?;
    let mut encoded = String::with_capacity(body.len());
    let lines: Vec<&str> = body
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect();
    let [first, lines @ .., last] = &lines[..] else {
        return Err(unlike());
    };
    let (end, whole) = lines.split_last().ok_or_else(unlike)?;
    let is_well = first.is_empty()
        && last.is_empty()
        && whole.iter().all(|line| line.len() == LINE_CHARS)
        && (1..=LINE_CHARS).contains(&end.len());
    if !is_well {
        return Err(unlike());
    }
    for line in lines {
        encoded.push_str(line);
    }
    STANDARD.decode(encoded).map_err(|_| unlike())
}
