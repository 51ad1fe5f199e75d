//! Keys by which signed tokens are verified.

use envelope::Envelope;
use vault::{
    CredentialId, Current, Insertion, JwtKeyStorage, JwtPublicKey, JwtSecretRow, Scope,
    TenantKeyRow, VaultError,
};

use super::{SpiStorage, current_row, tenant, unlike_installed};
use crate::pg::plan::Argument::{Bytes, Int, Null, Text, Uuid};
use crate::pg::plan::{Argument, statement};
use crate::pg::relation;
use crate::storage::wall;

statement!(
    latest DELETE_PUBLIC_KEYS,
    "../queries/delete_jwt_public_keys.sql",
    [TEXTOID]
);
statement!(
    latest INSERT_PUBLIC_KEY,
    "../queries/insert_jwt_public_key.sql",
    [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID]
);
statement!(
    latest INSERT_SECRET,
    "../queries/insert_jwt_secret.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, INT4OID, BYTEAOID, TEXTOID, TEXTOID
    ]
);
statement!(
    latest DESTROY_SECRET,
    "../queries/destroy_jwt_secret.sql",
    [UUIDOID, TEXTOID, TEXTOID]
);
statement!(
    latest DESTROY_KEYS,
    "../queries/destroy_jwt_keys.sql",
    [UUIDOID, TEXTOID]
);
statement!(latest SECRET, "../queries/jwt_secret.sql", [UUIDOID, UUIDOID]);

impl JwtKeyStorage for SpiStorage {
    fn hold_jwt_keys(&mut self) -> Result<(), VaultError> {
        relation::lock_out_writers(relation::table(c"vault", c"jwt_keys"));
        Ok(())
    }

    fn replace_jwt_public_keys(
        &mut self,
        issuer: &str,
        audience: &str,
        keys: &[JwtPublicKey<'_>],
    ) -> Result<(), VaultError> {
        DELETE_PUBLIC_KEYS.count(&[Text(issuer)]);
        for key in keys {
            INSERT_PUBLIC_KEY.count(&[
                Text(issuer),
                optional(key.id),
                Text(key.algorithm),
                Text(key.jwk),
                Text(audience),
            ]);
        }
        Ok(())
    }

    fn insert_jwt_secret(
        &mut self,
        scope: &Scope,
        row: JwtSecretRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError> {
        let _wall = wall::open(scope);
        let inserted = INSERT_SECRET.count(&[
            tenant(scope),
            Uuid(*row.id.as_bytes()),
            Bytes(&sealed.wrapped_dek),
            Bytes(&sealed.ciphertext),
            Text(row.issuer),
            Int(under.generation.cast_signed()),
            Bytes(&under.wrapped),
            optional(row.key_id),
            Text(row.audience),
        ]);
        Ok(match inserted {
            1 => Insertion::Done,
            _ => Insertion::KeyMoved,
        })
    }

    fn destroy_jwt_secret(
        &mut self,
        scope: &Scope,
        issuer: &str,
        key_id: Option<&str>,
    ) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        DESTROY_SECRET.count(&[tenant(scope), Text(issuer), optional(key_id)]);
        Ok(())
    }

    fn destroy_jwt_keys(&mut self, scope: &Scope, issuer: &str) -> Result<u32, VaultError> {
        let _wall = wall::open(scope);
        let count = DESTROY_KEYS.first(&[tenant(scope), Text(issuer)], |row| row.long(1));
        let count = count.flatten().unwrap_or(0);
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn jwt_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError> {
        let _wall = wall::open(scope);
        SECRET
            .first(&[tenant(scope), Uuid(*id.as_bytes())], |row| {
                current_row(&row)
            })
            .map(unlike_installed)
            .transpose()
    }
}

fn optional(text: Option<&str>) -> Argument<'_> {
    text.map_or(Null, Text)
}
