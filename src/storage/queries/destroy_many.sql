-- Everything of many credentials, of whatever tenants, deleted or not. Their rows are locked by the caller.
WITH doomed AS MATERIALIZED (
    SELECT u.id, u.tenant_id FROM unnest($1, $2) AS u (id, tenant_id)
), live AS (
    DELETE FROM vault.credentials AS c USING doomed AS u WHERE c.tenant_id = u.tenant_id AND c.id = u.id
), deleted AS (
    DELETE FROM vault.deleted_credentials AS d USING doomed AS u WHERE d.tenant_id = u.tenant_id AND d.id = u.id
), versions AS (
    DELETE FROM vault.credential_versions AS v USING doomed AS u
     WHERE v.tenant_id = u.tenant_id AND v.credential_id = u.id
), notes AS (
    DELETE FROM vault.credential_version_notes AS n USING doomed AS u
     WHERE n.tenant_id = u.tenant_id AND n.credential_id = u.id
), decoys AS (
    DELETE FROM vault.decoys AS k USING doomed AS u WHERE k.tenant_id = u.tenant_id AND k.credential_id = u.id
), imports AS (
    DELETE FROM vault.imported_items AS i USING doomed AS u WHERE i.tenant_id = u.tenant_id AND i.credential_id = u.id
)
DELETE FROM vault.credential_lifecycles AS l USING doomed AS u
 WHERE l.tenant_id = u.tenant_id AND l.credential_id = u.id
