INSERT INTO vault.credential_lifecycles (credential_id, tenant_id, expires_at, rotate_after)
VALUES ($2, $1, $3, $4)
    ON CONFLICT (credential_id, tenant_id) DO UPDATE
   SET expires_at = excluded.expires_at, rotate_after = excluded.rotate_after
