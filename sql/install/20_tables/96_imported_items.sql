-- What came from where: the map between the ids of somebody else's tables and ours. A row says that an item is in the
-- vault, and goes when its credential is destroyed.

CREATE TABLE vault.imported_items (
    tenant_id     uuid        NOT NULL,
    source        text        COLLATE "C" NOT NULL CHECK (pg_catalog.octet_length(source) BETWEEN 1 AND 200),
    item          text        COLLATE "C" NOT NULL CHECK (pg_catalog.octet_length(item) BETWEEN 1 AND 200),
    credential_id uuid        NOT NULL,
    imported_by   name        NOT NULL,
    imported_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tenant_id, source, item)
);
CREATE INDEX imported_items_credential ON vault.imported_items (credential_id, tenant_id);

COMMENT ON TABLE vault.imported_items IS
    'Which credential an item of another table or of a document has become. Written by vault.import_legacy; a row goes with its credential. Shown to administrators and auditors by vault.import_list.';
COMMENT ON COLUMN vault.imported_items.tenant_id IS 'The credential''s tenant.';
COMMENT ON COLUMN vault.imported_items.source IS 'The table, as schema.table; or what the document was called.';
COMMENT ON COLUMN vault.imported_items.item IS 'The row''s id there, as text; or what the value is called in the document. Never a value.';
COMMENT ON COLUMN vault.imported_items.credential_id IS 'What it has become; also one that was deleted and can be restored.';
COMMENT ON COLUMN vault.imported_items.imported_by IS 'The role in force when it came in (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.imported_items.imported_at IS 'When it came in.';
COMMENT ON INDEX vault.imported_items_credential IS 'What goes with a credential.';

ALTER TABLE vault.imported_items OWNER TO tenant_vault_owner;
ALTER TABLE vault.imported_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.imported_items FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.imported_items', '');
