-- How it stands with the vault. Each check is a query that returns a row for each thing it finds; where it finds none, the
-- row says so; and one that fails is a finding like others. The texts are fixed: nothing is put into them.
CREATE FUNCTION vault.doctor()
    RETURNS TABLE (id text, severity text, what text, mend text)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $doctor$
DECLARE
    v_id   text;
    v_well text;
    v_find text;
    v_hint text;
BEGIN
    FOR v_id, v_well, v_find IN VALUES

-- What the library sees of itself: preloaded, its version, a standby's mode.
('server', NULL, $find$
    SELECT h.id, h.severity, h.what, h.mend FROM vault.library_health('server') AS h
$find$),

('root_keys', NULL, $find$
    SELECT h.id, h.severity, h.what, h.mend FROM vault.library_health('root keys') AS h
$find$),

('sealed_versions', NULL, $find$
    SELECT h.id, h.severity, h.what, h.mend FROM vault.library_health('versions') AS h
$find$),

('access_log_chain', NULL, $find$
    SELECT h.id, h.severity, h.what, h.mend FROM vault.library_health('access log') AS h
$find$),

('access_log_checkpoints', 'the access log had a checkpoint within a day, or no records since', $find$
    SELECT 'access_log_checkpoints', 'warning',
           format('the access log has %s records since its last checkpoint, at %s',
                  h.seq - h.checkpoint_seq, h.checkpoint_at),
           'SELECT * FROM vault.checkpoint_access_log(); and keep what it returns where nobody who can change this database '
           || 'can change it too. tenant_vault.checkpoint_interval makes one from time to time.'
      FROM vault.access_log_head AS h
     WHERE h.seq > h.checkpoint_seq AND h.checkpoint_at < clock_timestamp() - interval '1 day'
    UNION ALL
    SELECT 'access_log_checkpoints', 'warning', 'neither clock nor number of records makes checkpoints of the access log',
           'ALTER SYSTEM RESET tenant_vault.checkpoint_interval; SELECT pg_reload_conf();'
     WHERE current_setting('tenant_vault.checkpoint_interval') = '0'
       AND current_setting('tenant_vault.checkpoint_records') = '0'
$find$),

('root_key_settings', 'no database or role was given a source of root keys', $find$
    SELECT 'root_key_settings', 'error',
           format('%s was given to %s, where every role can read it', split_part(entry, '=', 1),
                  concat_ws(' in ', 'role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname))),
           format('Take it back with ALTER ... RESET %s. If it held a key, replace that key.', split_part(entry, '=', 1))
      FROM pg_db_role_setting AS s
      CROSS JOIN LATERAL unnest(s.setconfig) AS entry
      LEFT JOIN pg_roles AS r ON r.oid = s.setrole
      LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
     WHERE lower(entry) LIKE 'tenant\_vault.root\_key%'
$find$),

('trusted_gateways', 'every trusted gateway is a login role without power', $find$
    SELECT 'trusted_gateways', 'warning', format('trusted gateway "%s" %s', g.name, p.problem),
           'Correct tenant_vault.trusted_gateways in postgresql.conf, then run: SELECT pg_reload_conf();'
      FROM (SELECT btrim(n.name) FROM string_to_table(current_setting('tenant_vault.trusted_gateways'), ',') AS n (name))
           AS g (name)
      LEFT JOIN pg_roles AS r ON r.rolname = g.name
      CROSS JOIN LATERAL (SELECT CASE WHEN r.oid IS NULL THEN 'does not exist'
                                      WHEN NOT r.rolcanlogin THEN 'cannot log in'
                                      WHEN r.rolsuper THEN 'is a superuser, who can say anything' END) AS p (problem)
     WHERE g.name <> '' AND p.problem IS NOT NULL
$find$),

('privileges', 'privileges are what vault.access_grants says', $find$
    WITH ours AS (
        SELECT m.classid, m.objid
          FROM pg_depend AS m JOIN pg_extension AS e
            ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid
         WHERE e.extname = 'tenant_vault' AND m.deptype = 'e'
    ), objects AS (
        SELECT 'ROUTINE' AS kind, p.oid,
               format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, oidvectortypes(p.proargtypes)) AS name,
               p.proowner AS owner, COALESCE(p.proacl, acldefault('f', p.proowner)) AS acl
          FROM ours AS o JOIN pg_proc AS p ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid
        UNION ALL
        SELECT 'TABLE', c.oid, format('%s.%I', c.relnamespace::regnamespace, c.relname), c.relowner,
               COALESCE(c.relacl, acldefault('r', c.relowner))
          FROM ours AS o JOIN pg_class AS c ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
         WHERE c.relkind IN ('r', 'v', 'S')
        UNION ALL
        SELECT 'COLUMN', c.oid, format('%s.%I.%I', c.relnamespace::regnamespace, c.relname, a.attname), c.relowner, a.attacl
          FROM ours AS o JOIN pg_class AS c ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
    ), found AS (
        SELECT x.grantee, b.kind, b.oid, b.name, x.privilege_type AS privilege
          FROM objects AS b CROSS JOIN LATERAL aclexplode(b.acl) AS x
         WHERE x.grantee <> b.owner
    ), wanted AS (
        SELECT DISTINCT r.oid AS grantee, k.kind,
               CASE k.kind WHEN 'TABLE' THEN to_regclass(p.object_name)::oid
                           ELSE to_regprocedure(p.object_name)::oid END AS oid,
               p.object_name AS name, p.privilege
          FROM vault.held_profiles() AS h
          JOIN vault.profile_privileges() AS p ON p.profile = h.profile
          JOIN pg_roles AS r ON r.rolname = h.role_name
          CROSS JOIN LATERAL (
              SELECT CASE p.object_kind WHEN 'TABLE' THEN 'TABLE' ELSE 'ROUTINE' END) AS k (kind)
        UNION ALL
        -- What policies of the application's tables ask, in everybody's name.
        SELECT 0, 'ROUTINE', to_regprocedure(e.name), e.name, 'EXECUTE'
          FROM unnest(ARRAY['vault.get_current_tenant()', 'vault.get_writable_tenant()']) AS e (name)
    )
    SELECT 'privileges', 'error',
           format('%s has %s on %s, which no profile gives it',
                  CASE f.grantee WHEN 0 THEN 'PUBLIC' ELSE 'role ' || quote_ident(pg_get_userbyid(f.grantee)) END,
                  f.privilege, f.name),
           'Make privileges what vault.access_grants says: SELECT vault.reapply_access();'
      FROM found AS f
     WHERE NOT EXISTS (SELECT FROM wanted AS w
                        WHERE (w.grantee, w.kind, w.oid, w.privilege) = (f.grantee, f.kind, f.oid, f.privilege))
    UNION ALL
    SELECT 'privileges', 'warning',
           CASE w.grantee WHEN 0 THEN format('PUBLIC lacks %s on %s, which policies of tables need', w.privilege, w.name)
                ELSE format('role %I lacks %s on %s, which its profile gives', pg_get_userbyid(w.grantee), w.privilege, w.name) END,
           'Make privileges what vault.access_grants says: SELECT vault.reapply_access();'
      FROM wanted AS w
     WHERE NOT EXISTS (SELECT FROM found AS f
                        WHERE (w.grantee, w.kind, w.oid, w.privilege) = (f.grantee, f.kind, f.oid, f.privilege))
    UNION ALL
    -- A privilege on every table that stands in no table's list.
    SELECT 'privileges', 'warning',
           format('role %I is a member of pg_write_all_data: it can change the access log, members and trusted issuers', r.rolname),
           format('REVOKE pg_write_all_data FROM %I; and give it the tables that it writes.', r.rolname)
      FROM pg_auth_members AS m
      JOIN pg_roles AS r ON r.oid = m.member
     WHERE m.roleid = 'pg_write_all_data'::regrole AND NOT r.rolsuper
$find$),

('ownership', 'everything belongs to tenant_vault_owner', $find$
    SELECT 'ownership', 'error',
           format('%s belongs to %I instead of tenant_vault_owner', b.name, pg_get_userbyid(b.owner)),
           format('ALTER %s %s OWNER TO tenant_vault_owner;', b.kind, b.name)
      FROM pg_depend AS m
      JOIN pg_extension AS e ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid
      CROSS JOIN LATERAL (
          SELECT 'ROUTINE', format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, oidvectortypes(p.proargtypes)),
                 p.proowner
            FROM pg_proc AS p WHERE m.classid = 'pg_proc'::regclass AND p.oid = m.objid
          UNION ALL
          SELECT 'TABLE', format('%s.%I', c.relnamespace::regnamespace, c.relname), c.relowner
            FROM pg_class AS c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('r', 'v', 'S')
          ) AS b (kind, name, owner)
     WHERE e.extname = 'tenant_vault' AND m.deptype = 'e' AND b.owner <> 'tenant_vault_owner'::regrole
$find$),

-- The definer's rights and the pinned search_path go together: one without the other runs a caller's objects as the owner.
('functions', 'every function has the rights, the search_path and the code that it was installed with', $find$
    WITH functions AS (
        SELECT p.*, format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, oidvectortypes(p.proargtypes)) AS name,
               p.proname IN ('permitted_tenant', 'is_permitted', 'rotate_root_key', 'rewrap_credentials', 'clear_tenant_context',
                             'get_current_tenant', 'guard_row') AS is_unpinned,
               p.proname NOT IN (
                   'permitted_tenant', 'is_permitted', 'may_list', 'list_credentials', 'unused_credentials', 'keys_in_use',
                   'rotate_root_key', 'rewrap_credentials', 'announce_key_change', 'record_access_change', 'held_profiles',
                   'profile_privileges', 'apply_profile', 'check_access_change', 'revoke_from_everyone', 'library_health',
                   'begin_access_log_export', 'ocsf_event', 'clear_tenant_context', 'get_current_tenant', 'table_family',
                   'isolating_column', 'refuse_tenant_change', 'missing_isolation', 'check_isolation',
                   'enable_tenant_isolation', 'disable_tenant_isolation', 'is_rls_enabled', 'assert_tenant_ownership',
                   'tenant_isolation_report', 'destroy_app_secrets', 'release_apps', 'attach_app_table', 'detach_app_table',
                   'add_credential_reference', 'refer_to_credentials', 'attach_organization_integrations', 'create_organization_integrations',
                   'repair_organization_integrations', 'api_surface', 'check_api_schema', 'exposed_api', 'wrapper_source', 'expose_api',
                   'unexpose_api', 'guard_row', 'guardable_columns', 'check_guard', 'guard_table', 'unguard_table',
                   'drop_guard_triggers', 'guard_report', 'scan_table', 'scan_plaintext', 'import_query',
                   'import_legacy', 'scrub_imported')
               AS is_definer
          FROM pg_depend AS m
          JOIN pg_extension AS e ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid
          JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
         WHERE e.extname = 'tenant_vault' AND m.deptype = 'e'
    )
    SELECT 'functions', 'error', f.name || ' does not pin its search_path',
           format('ALTER ROUTINE %s RESET ALL; ALTER ROUTINE %1$s SET search_path = pg_catalog, vault, pg_temp;', f.name)
      FROM functions AS f
     WHERE NOT f.is_unpinned AND f.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, vault, pg_temp']
    UNION ALL
    SELECT 'functions', 'error', f.name || ' has settings of its own', format('ALTER ROUTINE %s RESET ALL;', f.name)
      FROM functions AS f
     WHERE f.is_unpinned AND f.proconfig IS NOT NULL
    UNION ALL
    SELECT 'functions', 'error',
           format('%s runs with the rights of its %s', f.name, CASE WHEN f.prosecdef THEN 'owner' ELSE 'caller' END),
           format('ALTER ROUTINE %s SECURITY %s;', f.name, CASE WHEN f.is_definer THEN 'DEFINER' ELSE 'INVOKER' END)
      FROM functions AS f
     WHERE f.prosecdef <> f.is_definer
    UNION ALL
    SELECT 'functions', 'error', format('%s runs other code than the library''s', f.name),
           'Find out who replaced it. Drop the extension in a copy of the database, create it anew and compare.'
      FROM functions AS f
      JOIN pg_language AS l ON l.oid = f.prolang
     WHERE l.lanname = 'c' AND (f.prosrc <> f.proname || '_wrapper' OR f.probin <> '$libdir/tenant_vault')
$find$),

('definer_role', 'role tenant_vault_owner has no power and no members', $find$
    SELECT 'definer_role', 'error', 'role tenant_vault_owner ' || f.problem,
           'Find out who did it; then take it away: whoever can become this role owns the vault.'
      FROM pg_roles AS r
      CROSS JOIN LATERAL (
          SELECT 'has attribute ' || a.name
            FROM (VALUES ('LOGIN', r.rolcanlogin), ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole),
                         ('CREATEDB', r.rolcreatedb), ('REPLICATION', r.rolreplication),
                         ('BYPASSRLS', r.rolbypassrls)) AS a (name, given)
           WHERE a.given
          UNION ALL
          SELECT 'has member ' || quote_ident(pg_get_userbyid(m.member))
            FROM pg_auth_members AS m WHERE m.roleid = r.oid
          UNION ALL
          SELECT 'is a member of ' || quote_ident(pg_get_userbyid(m.roleid))
            FROM pg_auth_members AS m WHERE m.member = r.oid) AS f (problem)
     WHERE r.rolname = 'tenant_vault_owner'
$find$),

('row_security', 'row security is forced where sealed values and keys stand', $find$
    WITH walled (name, oid) AS (
        SELECT t.name, to_regclass('vault.' || t.name)
          FROM unnest(ARRAY['credentials', 'credential_lifecycles', 'credential_version_notes', 'credential_versions',
                            'decoys', 'deleted_credentials', 'imported_items', 'integration_alerts', 'integration_verifications',
                            'tenant_integrations',
                            'wrapped_tenant_keys']) AS t (name)
    )
    SELECT 'row_security', 'error', format('row security of vault.%s is %s', w.name,
               CASE WHEN c.oid IS NULL THEN 'gone with its table'
                    WHEN NOT c.relrowsecurity THEN 'disabled' ELSE 'not forced on its owner' END),
           format('ALTER TABLE vault.%1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', w.name)
      FROM walled AS w
      LEFT JOIN pg_class AS c ON c.oid = w.oid
     WHERE c.oid IS NULL OR NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 'row_security', 'error', format('policy %I on vault.%s is not one of the vault''s', p.polname, w.name),
           format('DROP POLICY %I ON vault.%s;', p.polname, w.name)
      FROM pg_policy AS p
      JOIN walled AS w ON p.polrelid = w.oid
     WHERE NOT EXISTS (
           SELECT FROM pg_depend AS d
            WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND p.polname IN ('permitted_tenant', 'listing')
              AND p.polroles = ARRAY['tenant_vault_owner'::regrole::oid])
$find$),

('triggers', 'every session is told of changes to keys, locks and rules', $find$
    SELECT 'triggers', 'error',
           format('trigger key_rows_changed on vault.%s %s: other sessions are not told of changes', t.name,
                  CASE g.tgenabled WHEN 'D' THEN 'is disabled' WHEN 'O' THEN 'does not fire always'
                                   WHEN 'R' THEN 'fires for replication alone' ELSE 'is gone' END),
           CASE WHEN g.oid IS NULL THEN 'Create it again as sql/install/30_api/key_rows_changed.sql does.'
                ELSE format('ALTER TABLE vault.%s ENABLE ALWAYS TRIGGER key_rows_changed;', t.name) END
      FROM (VALUES ('access_grants'), ('access_policies'), ('decoys'), ('guard_rules'), ('integration_schemas'), ('jwt_keys'), ('rate_limits'), ('root_key_states'),
                   ('tenant_members'), ('tenants'),
                   ('wrapped_tenant_keys'))
           AS t (name)
      LEFT JOIN pg_trigger AS g ON g.tgrelid = to_regclass('vault.' || t.name) AND g.tgname = 'key_rows_changed'
     WHERE g.tgenabled IS DISTINCT FROM 'A'
$find$),

-- A table without any of these triggers is not attached; one with some of them is, and lets secrets outlive their apps.
('app_table', 'the table of apps, where one is attached, takes secrets with it', $find$
    WITH attached AS (
        SELECT DISTINCT t.tgrelid AS oid FROM pg_trigger AS t
         WHERE NOT t.tgisinternal
           AND t.tgfoid IN ('vault.app_rows_deleted()'::regprocedure, 'vault.app_row_moved()'::regprocedure,
                            'vault.app_table_emptied()'::regprocedure)
    ), problems AS (
        SELECT a.oid, format('trigger %s %s', w.name,
                   CASE t.tgenabled WHEN 'D' THEN 'is disabled' WHEN 'O' THEN 'does not fire always'
                                    WHEN 'R' THEN 'fires for replication alone' WHEN 'A' THEN 'fires always'
                                    ELSE 'is gone' END) AS problem
          FROM attached AS a
         CROSS JOIN (VALUES ('vault_apps_deleted', 'A'), ('vault_app_deleted_elsewhere', 'R'), ('vault_app_moved', 'A'),
                            ('vault_apps_emptied', 'A')) AS w (name, enabled)
          LEFT JOIN pg_trigger AS t ON t.tgrelid = a.oid AND t.tgname = w.name
         WHERE t.tgenabled::text IS DISTINCT FROM w.enabled
        UNION ALL
        SELECT a.oid, 'has partitions or children, or became one: rows can go past its triggers'
          FROM attached AS a
         WHERE EXISTS (SELECT FROM pg_inherits AS i WHERE a.oid IN (i.inhrelid, i.inhparent))
        UNION ALL
        SELECT t.tgrelid, format('the trigger names column %I, which is gone or is no uuid', o.name)
          FROM pg_trigger AS t
         CROSS JOIN LATERAL (SELECT pg_catalog.position(t.tgargs, decode('00', 'hex')) AS first) AS z
         CROSS JOIN LATERAL (VALUES (substring(t.tgargs, 1, GREATEST(z.first - 1, 0))),
                                    (substring(t.tgargs, z.first + 1, GREATEST(octet_length(t.tgargs) - z.first - 1, 0)))) AS x (bytes)
         CROSS JOIN LATERAL (SELECT convert_from(x.bytes, getdatabaseencoding())) AS o (name)
         WHERE t.tgname = 'vault_apps_deleted' AND t.tgrelid IN (SELECT a.oid FROM attached AS a) AND o.name <> ''
           AND NOT EXISTS (SELECT FROM pg_attribute AS c
                            WHERE c.attrelid = t.tgrelid AND c.attname = o.name AND NOT c.attisdropped
                              AND c.atttypid = 'uuid'::regtype)
        UNION ALL
        SELECT a.oid, 'is one of several tables that are attached' FROM attached AS a WHERE (SELECT count(*) FROM attached) > 1
    )
    SELECT 'app_table', 'error', format('%s: %s', p.oid::regclass, p.problem),
           format('SELECT vault.attach_app_table(%L, ...); or take it back: SELECT vault.detach_app_table(%1$L);',
                  p.oid::regclass::text)
      FROM problems AS p
$find$),

-- What stands in the guard's report as a wish, tables that are not guarded, is for whoever asks for that.
('guard', 'every guarded table is guarded whole, and no rule of the guard is about what is gone', $find$
    SELECT 'guard', r.severity, format('%s: %s', r.table_name, r.what), r.mend
      FROM vault.guard_report() AS r
     WHERE r.severity IN ('error', 'warning')
$find$),

('integration_services', 'every service of the catalogue can be used', $find$
    SELECT 'integration_services', 'error', format('service %I cannot be used: %s', s.service, f.fault),
           'Correct its row of vault.integration_services.'
      FROM vault.integration_services AS s
     CROSS JOIN LATERAL (
         SELECT vault.integration_service_fault(s.service, s.category, s.label, s.fields, s.webhook)) AS f (fault)
     WHERE f.fault IS NOT NULL
    UNION ALL
    SELECT 'integration_services', 'warning', 'trigger check_integration_service is gone or disabled: rows are not judged',
           'ALTER TABLE vault.integration_services ENABLE TRIGGER check_integration_service; if it is gone, create it again '
           || 'as sql/install/30_api/integration_services.sql does.'
     WHERE NOT EXISTS (SELECT FROM pg_trigger AS t
                        WHERE t.tgrelid = 'vault.integration_services'::regclass
                          AND t.tgname = 'check_integration_service' AND t.tgenabled <> 'D')
$find$),

('shield', NULL, $find$
    SELECT h.id, h.severity, h.what, h.mend FROM vault.library_health('shield') AS h
$find$),

-- Which values are harmless stands in the list alone; and which settings are, whatever their value, while the shield stands.
('logging', 'no setting writes secrets to the log', $find$
    WITH shield (stands) AS (
        SELECT h.severity = 'ok' FROM vault.library_health('shield') AS h
    ), risky (name, harmless, is_shielded, effect, remedy) AS (VALUES
        ('log_statement', ARRAY['none', 'ddl'], false,
         'statements are logged before they run; those of functions that the shield does not know, with their literals',
         'Set it to none or ddl, or name your functions that take secrets in tenant_vault.shield_functions.'),
        ('log_min_duration_statement', ARRAY['-1'], true, 'slow statements are logged with their literals',
         'Set it to -1, or preload the library and leave tenant_vault.shield on.'),
        ('log_min_duration_sample', ARRAY['-1'], true, 'slow statements are logged with their literals',
         'Set it to -1, or preload the library and leave tenant_vault.shield on.'),
        ('log_transaction_sample_rate', ARRAY['0'], true, 'sampled transactions are logged with their literals',
         'Set it to 0, or preload the library and leave tenant_vault.shield on.'),
        ('log_parameter_max_length_on_error', ARRAY['0', '0B'], true, 'bind parameters of failing statements are logged',
         'Set it to 0, or preload the library and leave tenant_vault.shield on.'),
        ('debug_print_parse', ARRAY['off', 'false', 'no', '0'], false, 'parse trees are logged with their constants',
         'Set it to off.'),
        ('debug_print_rewritten', ARRAY['off', 'false', 'no', '0'], false, 'parse trees are logged with their constants',
         'Set it to off.'),
        ('debug_print_plan', ARRAY['off', 'false', 'no', '0'], false, 'plans are logged with their constants',
         'Set it to off.'),
        ('auto_explain.log_min_duration', ARRAY['-1'], true, 'slow statements are logged with their literals',
         'Set it to -1, or preload the library and leave tenant_vault.shield on.'),
        ('pg_stat_statements.track_utility', ARRAY['off', 'false', 'no', '0'], false,
         'utility statements such as DO, CALL and COPY are kept with their literals',
         'Set it to off, or let no secret stand in such a statement.')
    ), given (place, name, value) AS (
        SELECT NULL, r.name, current_setting(r.name, true) FROM risky AS r
        UNION ALL
        SELECT ' for ' || concat_ws(' in ', 'role ' || quote_ident(o.rolname), 'database ' || quote_ident(d.datname)),
               lower(split_part(entry, '=', 1)), substr(entry, strpos(entry, '=') + 1)
          FROM pg_db_role_setting AS s
          CROSS JOIN LATERAL unnest(s.setconfig) AS entry
          LEFT JOIN pg_roles AS o ON o.oid = s.setrole
          LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
         WHERE s.setdatabase = 0 OR d.datname = current_database()
    )
    SELECT 'logging', 'warning', format('%s is %s%s: %s', g.name, g.value, g.place, r.effect), r.remedy
      FROM given AS g
      JOIN risky AS r ON r.name = g.name
      CROSS JOIN shield AS s
     WHERE g.value IS NOT NULL AND g.value <> ALL (r.harmless) AND NOT (r.is_shielded AND s.stands)
    UNION ALL
    SELECT 'logging', 'warning',
           'log_parameter_max_length is ' || current_setting('log_parameter_max_length')
           || ': bind parameters are logged with every statement that is',
           'Set it to 0, or preload the library and leave tenant_vault.shield on.'
      FROM shield AS s
     WHERE NOT s.stands AND current_setting('log_parameter_max_length') NOT IN ('0', '0B')
       AND (current_setting('log_statement') NOT IN ('none', 'ddl')
            OR current_setting('log_min_duration_statement') <> '-1'
            OR current_setting('log_min_duration_sample') <> '-1'
            OR current_setting('log_transaction_sample_rate') <> '0')
$find$),

('rate_limits', 'rate limits, where there are any, hold for the whole server', $find$
    SELECT 'rate_limits', 'warning', 'each session counts for itself: a role gets its rate once a connection',
           'Put tenant_vault into shared_preload_libraries and restart.'
      FROM vault.rate_limit_status() AS s
     WHERE s.kind = 'session' AND (s.rate IS NOT NULL OR EXISTS (SELECT FROM vault.rate_limits))
$find$),

('durability', 'what was acknowledged is on disk', $find$
    SELECT 'durability', 'error', format('%s is off: no promise about crashes holds', s.name),
           format('Set %s to on.', s.name)
      FROM unnest(ARRAY['fsync', 'full_page_writes']) AS s (name)
     WHERE current_setting(s.name) = 'off'
    UNION ALL
    SELECT 'durability', 'warning',
           'synchronous_commit is off in this session: a crash can lose the last records of the access log',
           'Leave it on for roles that read secrets.'
     WHERE current_setting('synchronous_commit') = 'off'
$find$)

    LOOP
        BEGIN
            RETURN QUERY EXECUTE v_find;
            IF NOT FOUND THEN
                RETURN QUERY SELECT v_id, 'ok', v_well, NULL::text;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
            RETURN QUERY SELECT v_id, 'error', 'the check itself failed: ' || SQLERRM,
                                COALESCE(NULLIF(v_hint, ''), 'Mend what the message names, then look again.');
        END;
    END LOOP;
END
$doctor$;
ALTER FUNCTION vault.doctor() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.doctor() FROM PUBLIC;
COMMENT ON FUNCTION vault.doctor() IS
    'Checks what can silently go wrong: preloading, versions, a standby''s mode; source, file and ring of the root keys, keys the database needs; a sample of sealed versions; the chain of the access log and its checkpoints; privileges, owners, functions, the definer role, row security, triggers, the table of apps, guarded tables, trusted gateways; settings that log secrets or lose records. A row a finding: severity is ok, warning or error, mend says what to do. Reads the source of the root keys anew, which runs root_key_command, and reads the access log once. Never fails as a whole. Profiles admin, auditor; not logged, since nothing secret is shown.';
