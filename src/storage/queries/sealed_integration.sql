-- What a tenant has of a service, in one snapshot: its row in the clear, if there is one, then its secrets, whose names
-- stand between two bounds.
SELECT NULL::uuid, NULL::integer, NULL::bytea, NULL::bytea, ''::text COLLATE "C" AS name,
       i.service, i.version, i.public_fields::text, i.settings::text, i.modes::text, i.updated_at,
       i.verification_state, i.verified_at, i.verification_message, i.account::text
  FROM vault.tenant_integrations AS i
 WHERE i.tenant_id = $1 AND i.service = $2
 UNION ALL
SELECT c.id, c.version, c.wrapped_dek, c.ciphertext, pg_catalog.split_part(c.name, '/', 2) COLLATE "C",
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM vault.credentials AS c
 WHERE c.tenant_id = $1 AND c.kind = 'i'
   AND c.name OPERATOR(pg_catalog.~>=~) $3 AND c.name OPERATOR(pg_catalog.~<~) $4
 ORDER BY name
