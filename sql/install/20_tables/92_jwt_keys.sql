-- Whose signed tokens vault.authenticate believes. No rows: nobody's.

CREATE TABLE vault.jwt_keys (
    issuer        text        COLLATE "C" NOT NULL CHECK (pg_catalog.octet_length(issuer) BETWEEN 1 AND 255),
    kid           text        COLLATE "C" CHECK (pg_catalog.octet_length(kid) BETWEEN 1 AND 255),
    algorithm     text        COLLATE "C" NOT NULL CHECK (algorithm IN ('HS256', 'RS256', 'ES256', 'EdDSA')),
    jwk           jsonb,
    credential_id uuid,
    audience      text        COLLATE "C" NOT NULL CHECK (pg_catalog.octet_length(audience) BETWEEN 1 AND 255),
    added_by      name        NOT NULL,
    added_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (issuer, algorithm, kid),
    CHECK ((jwk IS NULL) = (algorithm = 'HS256')),
    CHECK ((credential_id IS NULL) = (algorithm <> 'HS256'))
);

COMMENT ON TABLE vault.jwt_keys IS
    'Keys by which vault.authenticate verifies signed tokens. Written by vault.trust_jwt_issuer, trust_jwt_secret and distrust_jwt_issuer; a change holds in every session from its next call after the commit.';
COMMENT ON COLUMN vault.jwt_keys.issuer IS 'What the token''s iss must be, to the byte.';
COMMENT ON COLUMN vault.jwt_keys.kid IS 'The key''s id, which a token''s header may name; NULL: a key without one.';
COMMENT ON COLUMN vault.jwt_keys.algorithm IS 'The only one that the key serves: HS256, RS256, ES256 or EdDSA (Ed25519). A token''s header may agree.';
COMMENT ON COLUMN vault.jwt_keys.jwk IS 'A public key as a JWK, with the members that make it up and no other; NULL for a secret.';
COMMENT ON COLUMN vault.jwt_keys.credential_id IS
    'The sealed value of the platform''s that holds a secret for HS256; of a kind that no function releases, lists or rotates.';
COMMENT ON COLUMN vault.jwt_keys.audience IS 'What the token''s aud must be, or name among others.';
COMMENT ON COLUMN vault.jwt_keys.added_by IS 'The role in force when it was trusted (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.jwt_keys.added_at IS 'When it was trusted.';

ALTER TABLE vault.jwt_keys OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.jwt_keys', '');
