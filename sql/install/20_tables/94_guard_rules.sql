-- What an administrator says of the guard's findings. No rows: what keyguard knows is all there is.

CREATE TABLE vault.guard_rules (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('allow', 'deny')),
    table_schema name,
    table_name   name,
    column_name  name,
    json_path    text        CHECK (pg_catalog.char_length(json_path) <= 256),
    detector     text,
    service      text,
    prefix       text        COLLATE "C" CHECK (prefix ~ '^[!-~]{4,64}$'),
    min_length   integer     CHECK (min_length BETWEEN 0 AND 4096),
    reason       text        NOT NULL,
    created_by   name        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CHECK ((table_schema IS NULL) = (table_name IS NULL)),
    CHECK (column_name IS NULL OR table_name IS NOT NULL),
    CHECK (kind = 'deny' OR min_length IS NULL
           AND pg_catalog.num_nonnulls(table_name, detector, service, prefix) > 0),
    CHECK (kind = 'allow' OR prefix IS NOT NULL AND detector IS NULL)
);

COMMENT ON TABLE vault.guard_rules IS
    'Which of the guard''s findings are no secrets (allow), and which further texts are (deny). What a rule leaves NULL holds for all. Written by vault.add_guard_rule and vault.remove_guard_rule; a change holds in every session from its next statement after the commit.';
COMMENT ON COLUMN vault.guard_rules.id IS 'By which vault.remove_guard_rule takes it back; a deny rule''s findings are called rule_<id>.';
COMMENT ON COLUMN vault.guard_rules.kind IS 'allow: a finding for which all of the rule holds passes. deny: a text that begins so is a finding.';
COMMENT ON COLUMN vault.guard_rules.table_schema IS 'The table''s schema.';
COMMENT ON COLUMN vault.guard_rules.table_name IS
    'The table''s name; the rule holds for its partitions and inheritance children too. One that is renamed needs another rule: vault.doctor() says so.';
COMMENT ON COLUMN vault.guard_rules.column_name IS 'The column''s name.';
COMMENT ON COLUMN vault.guard_rules.json_path IS 'As a refusal writes it, such as $.items[0].note; [*] stands for every element.';
COMMENT ON COLUMN vault.guard_rules.detector IS 'The detector''s id, as a refusal names it.';
COMMENT ON COLUMN vault.guard_rules.service IS 'allow: the service whose findings pass. deny: whose secret it is, in the findings of the rule.';
COMMENT ON COLUMN vault.guard_rules.prefix IS 'How the finding begins, to the byte: 4 to 64 characters of ASCII.';
COMMENT ON COLUMN vault.guard_rules.min_length IS 'deny: what begins so counts from this length on, prefix included.';
COMMENT ON COLUMN vault.guard_rules.reason IS 'Why, in the words of who added it.';
COMMENT ON COLUMN vault.guard_rules.created_by IS 'The role in force when it was added (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.guard_rules.created_at IS 'When it was added.';
COMMENT ON SEQUENCE vault.guard_rules_id_seq IS 'Numbers of the guard''s rules; none is given twice.';

ALTER TABLE vault.guard_rules OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.guard_rules', '');
SELECT pg_catalog.pg_extension_config_dump('vault.guard_rules_id_seq', '');
