-- The access log. Rows are appended by the library as frozen tuples, outside the caller's transaction: they stand
-- whatever becomes of it. No index on purpose: a crash between heap and index would leave the two apart, since no
-- aborted transaction would explain the difference. ORDER BY seq gives their order. The library fills in seq and link
-- when a row's place is known: they stay the first two columns.

CREATE TABLE vault.vault_access_log (
    seq              bigint      NOT NULL,
    link             bytea       NOT NULL,
    chain_key        bytea,
    id               uuid        NOT NULL,
    secret_id        uuid,
    accessed_at      timestamptz NOT NULL,
    "session_user"   text        NOT NULL,
    action           text        NOT NULL,
    outcome          text        NOT NULL,
    sqlstate         text,
    tenant_id        uuid,
    secret_key       text,
    effective_role   text        NOT NULL,
    claims_subject   text,
    claims_tenant    text,
    claims_trusted   boolean,
    application_name text,
    client_addr      inet,
    backend_pid      integer     NOT NULL,
    xid              xid8,
    correlation_id   text,
    access_reason    text,
    lane             text,
    platform_account text,
    origin           text
);

COMMENT ON TABLE vault.vault_access_log IS
    'One row for each call of the vault, and for each that PostgreSQL itself refused, also where the caller''s transaction rolled back, each tied to the one before it. Readable by profile auditor; written by the library alone. Not carried by logical replication.';
COMMENT ON COLUMN vault.vault_access_log.seq IS 'Its number: 1, 2, 3 and so on, without a gap.';
COMMENT ON COLUMN vault.vault_access_log.link IS
    'HMAC-SHA256 over number, link of the record before, and this record; vault.verify_access_log() follows the chain.';
COMMENT ON COLUMN vault.vault_access_log.chain_key IS
    'Fingerprint of the root key from which the key of the link derives; NULL where no root key could be had, so that only the next record under a key ties this one down.';
COMMENT ON COLUMN vault.vault_access_log.id IS 'Time-ordered uuid (version 7) of the record.';
COMMENT ON COLUMN vault.vault_access_log.secret_id IS 'The credential that was asked for, whether or not it exists.';
COMMENT ON COLUMN vault.vault_access_log.accessed_at IS 'Wall clock at the time of the record.';
COMMENT ON COLUMN vault.vault_access_log."session_user" IS 'Who logged in; behind PostgREST always its authenticator.';
COMMENT ON COLUMN vault.vault_access_log.action IS
    'store, retrieve, hmac, verify_webhook, list_references, repair_integration, rotate, delete, stage, promote, rollback, list_versions, restore, destroy, set_lifecycle, prune, tenant_store, tenant_retrieve, tenant_list, tenant_delete, app_store, app_retrieve, app_update, app_list, app_delete, app_destroy, app_move, integration_store, integration_retrieve, integration_delete, integration_list, verification_request, verification_claim, verification_record, set_context, enrol_tenant, add_tenant_member, remove_tenant_member, lock_tenant, unlock_tenant, set_min_key_version, shred_tenant, verify_erasure, verify_secrets, find_by_value, grant_access, revoke_access, require_reason, generate_root_key, activate_root_key, rotate_root_key, rewrap_tenant_keys, retire_root_key, rotate_tenant_key, rewrap_credentials, verify_access_log, checkpoint_access_log, prune_access_log, export_access_log, import_standby_log, import, import_dry_run, scrub_imported, export, set_rate_limit, trust_jwt_issuer, trust_jwt_secret, distrust_jwt_issuer, authenticate, guard_refuse, guard_warn, add_guard_rule, remove_guard_rule, store_decoy, decoy_read, decoy_touched, denied_call.';
COMMENT ON COLUMN vault.vault_access_log.outcome IS
    'ok, not_found, refused (malformed call), denied (may not), failed (in order, but could not be served).';
COMMENT ON COLUMN vault.vault_access_log.sqlstate IS 'What the caller received, where that was an error.';
COMMENT ON COLUMN vault.vault_access_log.tenant_id IS 'The tenant whose rows the call was judged for, once known.';
COMMENT ON COLUMN vault.vault_access_log.secret_key IS
    'The key of a tenant secret; the app and key of an app secret; the service and fields of an integration; "role: profile" for a change of access; the id of a root key; which version was read, where one was asked for; what was pruned; which rate limit refused; what was imported from where; the issuer of a signed token, and why it is not believed; where a guarded table would have held a secret, and which detector says so; a rule of the guard; the call, for an alert; the object, for a denied call. Never a value.';
COMMENT ON COLUMN vault.vault_access_log.effective_role IS 'The role in force (SET ROLE), before our functions changed it.';
COMMENT ON COLUMN vault.vault_access_log.claims_subject IS
    'The user that the tenant context names, else sub of request.jwt.claims. Any session can set the latter; claims_trusted says whether this one is trusted to.';
COMMENT ON COLUMN vault.vault_access_log.claims_tenant IS
    'The tenant that the transaction acts for (vault.set_tenant_context), else the one that request.jwt.claims name where tenant_vault.tenant_claim says; trust the latter likewise.';
COMMENT ON COLUMN vault.vault_access_log.claims_trusted IS
    'Whether who says these is trusted to: a platform role or a trusted gateway that set the tenant context, or the login role is one that tenant_vault.trusted_gateways names, which vouches for claims of its transaction, correlation_id, access_reason, lane and platform_account; false: self-asserted; NULL where the record has none of these.';
COMMENT ON COLUMN vault.vault_access_log.application_name IS 'As the client gave it.';
COMMENT ON COLUMN vault.vault_access_log.client_addr IS 'NULL for a unix socket.';
COMMENT ON COLUMN vault.vault_access_log.backend_pid IS 'The server process that served the call.';
COMMENT ON COLUMN vault.vault_access_log.xid IS
    'The caller''s transaction, if it had an id by then: pg_xact_status(xid) says what became of it.';
COMMENT ON COLUMN vault.vault_access_log.correlation_id IS
    'tenant_vault.correlation_id, or the request header x-request-id: what the caller says ties this call to a request of its own.';
COMMENT ON COLUMN vault.vault_access_log.access_reason IS
    'tenant_vault.access_reason: why, in the caller''s words. vault.require_reason demands one.';
COMMENT ON COLUMN vault.vault_access_log.lane IS 'The way the request came in (api, browser), as the caller says.';
COMMENT ON COLUMN vault.vault_access_log.platform_account IS 'On whose behalf at the platform, as the caller says.';
COMMENT ON COLUMN vault.vault_access_log.origin IS
    'The standby whose record this is, imported later; NULL for a record of this server.';

ALTER TABLE vault.vault_access_log OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.vault_access_log', '');
