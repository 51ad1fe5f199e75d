//! Moving out: `vault.export_bundle`.

use std::io;

use legacy::age::{Randomness, Recipient, Sealer};
use legacy::bundle;
use pgrx::{Uuid, pg_extern};
use vault::{Entropy, Export, ExportRow, Kind, VaultError};

use super::argument::{any_tenant_id, text};
use super::door::{Call, answer};
use crate::entropy::SystemEntropy;
use crate::pg::{process, reply, report};
use crate::{config, key_file, policy, session};

/// Of the sealed file. Armored, and as an answer, it takes four times as much memory.
const BUNDLE_MAX_BYTES: usize = 64 << 20;

#[pg_extern(sql = false)]
fn export_bundle(p_recipient: Option<&[u8]>, p_tenant_id: Option<Uuid>) -> reply::Varlena {
    answer::<Export, _>(|call| export(call, p_recipient, p_tenant_id))
}

fn export(
    call: &Call,
    recipient: Option<&[u8]>,
    tenant: Option<Uuid>,
) -> Result<reply::Varlena, VaultError> {
    let refused = |refusal: legacy::Refusal| VaultError::InvalidArgument {
        argument: "p_recipient",
        rule: format!("A recipient is an age public key, age1..., but {refusal}."),
    };
    let only = match tenant {
        Some(tenant) => Some(any_tenant_id(Some(tenant), "p_tenant_id")?),
        None => None,
    };
    if let Some(tenant) = only {
        call.of_tenant(tenant);
    }
    let all = policy::for_export(only)?;
    let to = match recipient {
        Some(recipient) => Recipient::parse(&text(recipient, "p_recipient")?).map_err(refused)?,
        None => Recipient::Passphrase(key_file::passphrase(&config::EXPORT_PASSPHRASE)?),
    };
    let random = Randomness::draw(|bytes: &mut [u8]| SystemEntropy.fill(bytes))?;
    let mut sealer = Sealer::new(&to, random).map_err(refused)?;
    bundle::begin(&mut sealer).map_err(unwritten)?;
    let (mut after, mut count, mut left_out) = (None, 0u64, 0);
    loop {
        process::stop_if_cancelled();
        let some = session::vault(|vault| vault.export_some(&all, only, after))?;
        left_out += some.left_out;
        for (row, released) in some.released {
            let value = released.into_secret();
            bundle::write(&mut sealer, &described(&row), value.expose()).map_err(unwritten)?;
            count += 1;
        }
        if sealer.sealed_bytes() > BUNDLE_MAX_BYTES {
            return Err(VaultError::BundleTooLong {
                max_bytes: BUNDLE_MAX_BYTES,
            });
        }
        match some.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if count == 0 {
        session::vault(|vault| vault.export_nothing(only))?;
    }
    if left_out > 0 {
        report::warn(&format!(
            "{left_out} values are not in the bundle: their tenants are locked, or their keys are destroyed or out of use"
        ));
    }
    Ok(reply::varlena(sealer.finish().as_bytes()))
}

fn described(row: &ExportRow) -> bundle::Exported<'_> {
    let (kind, app_id, name) = match row.kind {
        Kind::Credential => (bundle::Kind::Credential, None, row.name.as_str()),
        Kind::TenantSecret => (bundle::Kind::TenantSecret, None, row.name.as_str()),
        Kind::AppSecret => {
            let (app, key) = row.name.split_once('/').unwrap_or((row.name.as_str(), ""));
            (bundle::Kind::AppSecret, Some(app.to_owned()), key)
        }
        // Storage gives none: without its account it would be nothing.
        Kind::IntegrationSecret => (bundle::Kind::Unknown, None, row.name.as_str()),
    };
    bundle::Exported {
        id: row.sealed.id.to_string(),
        tenant_id: row.tenant.to_string(),
        kind,
        app_id,
        name: name.into(),
        description: row.description.as_str().into(),
        version: row.sealed.version,
        sealed_at: row.sealed_at.clone(),
    }
}

/// A file in memory takes what it is given.
fn unwritten(_: io::Error) -> VaultError {
    VaultError::Internal("a bundle could not be written into memory")
}
