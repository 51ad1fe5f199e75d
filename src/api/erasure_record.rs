//! The record of an erasure as JSON: what people file, and hand back to be verified.

use envelope::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use vault::{Erasure, TenantId, VaultError};

use crate::hex::{from_hex, hex};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    tenant_id: Uuid,
    generations: u32,
    current_values: u64,
    other_values: u64,
    erased_at: String,
    erased_by: String,
    reason: String,
    key_fingerprint: String,
    root_fingerprint: String,
    mac: String,
}

pub fn write(erasure: &Erasure) -> Value {
    let record = Record {
        tenant_id: Uuid::from_bytes(*erasure.tenant.as_bytes()),
        generations: erasure.generations,
        current_values: erasure.current,
        other_values: erasure.others,
        erased_at: erasure.erased_at.clone(),
        erased_by: erasure.erased_by.clone(),
        reason: erasure.reason.clone(),
        key_fingerprint: hex(&erasure.keys),
        root_fingerprint: erasure.root.to_string(),
        mac: hex(&erasure.mac),
    };
    serde_json::to_value(record).expect("texts and numbers have a JSON form")
}

/// - errors: [`VaultError::InvalidArgument`] for what is not such a record at all.
pub fn read(record: Value, argument: &'static str) -> Result<Erasure, VaultError> {
    let unlike = || VaultError::InvalidArgument {
        argument,
        rule: "It must be a record as vault.shred_tenant returned it.".to_owned(),
    };
    let record: Record = serde_json::from_value(record).map_err(|_| unlike())?;
    Ok(Erasure {
        tenant: TenantId::from_bytes(*record.tenant_id.as_bytes()),
        generations: record.generations,
        current: record.current_values,
        others: record.other_values,
        erased_at: record.erased_at,
        erased_by: record.erased_by,
        reason: record.reason,
        keys: from_hex(&record.key_fingerprint).ok_or_else(unlike)?,
        root: Fingerprint::from_bytes(from_hex(&record.root_fingerprint).ok_or_else(unlike)?),
        mac: from_hex(&record.mac).ok_or_else(unlike)?,
    })
}
