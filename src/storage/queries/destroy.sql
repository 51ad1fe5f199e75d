-- Everything of one credential, deleted or not. Its row is locked by the caller.
WITH live AS (
    DELETE FROM vault.credentials WHERE tenant_id = $1 AND id = $2
), deleted AS (
    DELETE FROM vault.deleted_credentials WHERE tenant_id = $1 AND id = $2
), versions AS (
    DELETE FROM vault.credential_versions WHERE tenant_id = $1 AND credential_id = $2
), notes AS (
    DELETE FROM vault.credential_version_notes WHERE tenant_id = $1 AND credential_id = $2
), decoys AS (
    DELETE FROM vault.decoys WHERE tenant_id = $1 AND credential_id = $2
), imports AS (
    DELETE FROM vault.imported_items WHERE tenant_id = $1 AND credential_id = $2
)
DELETE FROM vault.credential_lifecycles WHERE tenant_id = $1 AND credential_id = $2
