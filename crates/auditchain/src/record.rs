//! One record as canonical bytes.

use sha2::{Digest, Sha256};

use crate::HASH_BYTES;

/// Domain label of a body.
const BODY: [u8; 8] = *b"tv1/body";

/// A record of the access log, without its place in the chain: the columns of vault.vault_access_log in order, but for
/// `seq`, `link` and `chain_key`. Texts are bytes of the database's encoding.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The 16 bytes of the uuid, in the order they are printed; so are all uuids here.
    pub id: &'a [u8; 16],
    pub secret_id: Option<&'a [u8; 16]>,
    /// Microseconds since the Unix epoch.
    pub accessed_at_us: i64,
    pub session_user: &'a [u8],
    pub action: &'a [u8],
    pub outcome: &'a [u8],
    pub sqlstate: Option<&'a [u8]>,
    pub tenant_id: Option<&'a [u8; 16]>,
    pub secret_key: Option<&'a [u8]>,
    pub effective_role: &'a [u8],
    pub claims_subject: Option<&'a [u8]>,
    pub claims_tenant: Option<&'a [u8]>,
    pub claims_trusted: Option<bool>,
    pub application_name: Option<&'a [u8]>,
    /// `family[1] || prefix[1] || address`, the family 4 or 6, the address of 4 or 16 bytes.
    pub client_addr: Option<&'a [u8]>,
    pub backend_pid: i32,
    pub xid: Option<u64>,
    pub correlation_id: Option<&'a [u8]>,
    pub access_reason: Option<&'a [u8]>,
    pub lane: Option<&'a [u8]>,
    pub platform_account: Option<&'a [u8]>,
    pub origin: Option<&'a [u8]>,
}

/// SHA-256 over a record's canonical bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body(pub(crate) [u8; HASH_BYTES]);

impl Body {
    pub fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl Record<'_> {
    /// `body = SHA-256("tv1/body" || field*)`, a field being `0x00` for NULL, else `0x01 || length[4] || bytes`; numbers
    /// and lengths big endian, a boolean one byte. One record has one encoding, and one encoding is of one record.
    pub fn body(&self) -> Body {
        let mut hash = Fields(Sha256::new_with_prefix(BODY));
        hash.put(self.id);
        hash.put_any(self.secret_id.map(<[u8; 16]>::as_slice));
        hash.put(&self.accessed_at_us.to_be_bytes());
        hash.put(self.session_user);
        hash.put(self.action);
        hash.put(self.outcome);
        hash.put_any(self.sqlstate);
        hash.put_any(self.tenant_id.map(<[u8; 16]>::as_slice));
        hash.put_any(self.secret_key);
        hash.put(self.effective_role);
        hash.put_any(self.claims_subject);
        hash.put_any(self.claims_tenant);
        hash.put_any(
            self.claims_trusted
                .map(|is| [u8::from(is)])
                .as_ref()
                .map(<[u8; 1]>::as_slice),
        );
        hash.put_any(self.application_name);
        hash.put_any(self.client_addr);
        hash.put(&self.backend_pid.to_be_bytes());
        hash.put_any(
            self.xid
                .map(u64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
        hash.put_any(self.correlation_id);
        hash.put_any(self.access_reason);
        hash.put_any(self.lane);
        hash.put_any(self.platform_account);
        hash.put_any(self.origin);
        Body(hash.0.finalize().into())
    }
}

struct Fields(Sha256);

impl Fields {
    fn put(&mut self, bytes: &[u8]) {
        let mut head = [1; 5];
        head[1..].copy_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.update(head);
        self.0.update(bytes);
    }

    fn put_any(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.put(bytes),
            None => self.0.update([0]),
        }
    }
}
