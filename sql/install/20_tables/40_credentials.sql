-- The one store of sealed values: credentials, secrets of tenants, of apps and of integrations, current versions. Column order keeps a row narrow.
--
-- No CHECK constraints here, where each INSERT counts: PostgreSQL reads each from its catalog text at every statement,
-- which was a fifth of a store. Nobody but the vault writes these rows; sizes are checked when a row is read, and the
-- envelope's tag covers what they could.

CREATE TABLE vault.credentials (
    id          uuid        NOT NULL,
    tenant_id   uuid        NOT NULL,
    sealed_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    version     integer     NOT NULL,
    kind        "char"      NOT NULL,
    wrapped_dek bytea       NOT NULL,
    ciphertext  bytea       NOT NULL,
    name        text        NOT NULL,
    description text        NOT NULL,
    PRIMARY KEY (id, tenant_id)
);
-- Byte by byte, so that the names of one app stand together, and no update of the operating system's collations reorders them.
CREATE UNIQUE INDEX credentials_key ON vault.credentials (tenant_id, kind, name text_pattern_ops) WHERE kind <> 'c';

-- Ciphertext does not compress.
ALTER TABLE vault.credentials ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

COMMENT ON TABLE vault.credentials IS
    'Sealed credentials, tenant secrets, app secrets and secrets of integrations, current versions. Unreadable to all but the vault''s functions and views; row level security is forced, also on its owner.';
COMMENT ON COLUMN vault.credentials.id IS
    'Layout of a version 4 uuid whose first 32 bits are the tenant''s tag; bound into the envelope.';
COMMENT ON COLUMN vault.credentials.tenant_id IS
    'Whose it is (the nil uuid: the platform''s); never updated; bound into the envelope.';
COMMENT ON COLUMN vault.credentials.sealed_at IS 'When the current version was sealed.';
COMMENT ON COLUMN vault.credentials.version IS 'The number of the current version, from 1; bound into the envelope.';
COMMENT ON COLUMN vault.credentials.kind IS 'c: credential; t: tenant secret, whose name is its key; a: app secret, whose name is its app''s uuid, a slash and its key; i: secret of an integration, whose name is a service, a slash and a field; j: secret shared with an issuer of tokens (vault.jwt_keys), whose name is the issuer, a space and its id.';
COMMENT ON COLUMN vault.credentials.wrapped_dek IS
    'Envelope, first half: header, commitment, data key under the tenant key (82 bytes). A key rotation rewrites this half alone.';
COMMENT ON COLUMN vault.credentials.ciphertext IS 'Envelope, second half: AES-256-GCM ciphertext and tag.';
COMMENT ON COLUMN vault.credentials.name IS 'The credential''s name, not unique; or what a secret of another kind is called, unique in its tenant and kind.';
COMMENT ON COLUMN vault.credentials.description IS 'Free text; readable by all who may list credentials. Of a secret of an app or an integration: its last four characters, where it has sixteen or more.';
COMMENT ON INDEX vault.credentials_key IS 'A tenant has one secret of a key, one of an app and a key, and one of a service and a field.';

ALTER TABLE vault.credentials OWNER TO tenant_vault_owner;
ALTER TABLE vault.credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.credentials FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.credentials', '');
