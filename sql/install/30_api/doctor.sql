-- How it stands with the vault: each check in a block of its own, so that one that fails is a finding like others.
CREATE FUNCTION vault.doctor()
    RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    BEGIN
        RETURN QUERY SELECT h.check_name, h.status, h.detail, h.hint FROM vault.root_key_health() AS h;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'root_keys', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            SELECT 'root_key_settings', 'failed',
                   format('%s was given to %s, where every role can read it', split_part(entry, '=', 1),
                          concat_ws(' in ', 'role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname))),
                   format('Take it back with ALTER ... RESET %s. If it held a key, replace that key.',
                          split_part(entry, '=', 1))
              FROM pg_db_role_setting AS s
              CROSS JOIN LATERAL unnest(s.setconfig) AS entry
              LEFT JOIN pg_roles AS r ON r.oid = s.setrole
              LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
             WHERE lower(entry) LIKE 'tenant\_vault.root\_key%';
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'root_key_settings', 'ok', 'no database or role was given a source of root keys', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'root_key_settings', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            WITH ours AS (
                SELECT m.classid, m.objid
                  FROM pg_depend AS m JOIN pg_extension AS e
                    ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid
                 WHERE e.extname = 'tenant_vault' AND m.deptype = 'e'
            ), objects AS (
                SELECT 'ROUTINE' AS kind, p.oid,
                       format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, oidvectortypes(p.proargtypes)) AS name, p.proowner AS owner, COALESCE(p.proacl, acldefault('f', p.proowner)) AS acl
                  FROM ours AS o JOIN pg_proc AS p ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid
                UNION ALL
                SELECT 'TABLE', c.oid, format('%s.%I', c.relnamespace::regnamespace, c.relname), c.relowner,
                       COALESCE(c.relacl, acldefault('r', c.relowner))
                  FROM ours AS o JOIN pg_class AS c ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
                 WHERE c.relkind IN ('r', 'v')
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
            )
            SELECT 'privileges', 'failed',
                   format('%s has %s on %s, which no profile gives it',
                          CASE f.grantee WHEN 0 THEN 'PUBLIC' ELSE 'role ' || quote_ident(pg_get_userbyid(f.grantee)) END,
                          f.privilege, f.name),
                   'Make privileges what vault.access_grants says: SELECT vault.reapply_access();'
              FROM found AS f
             WHERE NOT EXISTS (SELECT FROM wanted AS w
                                WHERE (w.grantee, w.kind, w.oid, w.privilege) = (f.grantee, f.kind, f.oid, f.privilege))
            UNION ALL
            SELECT 'privileges', 'warning',
                   format('role %I lacks %s on %s, which its profile gives', pg_get_userbyid(w.grantee), w.privilege, w.name),
                   'Make privileges what vault.access_grants says: SELECT vault.reapply_access();'
              FROM wanted AS w
             WHERE NOT EXISTS (SELECT FROM found AS f
                                WHERE (w.grantee, w.kind, w.oid, w.privilege) = (f.grantee, f.kind, f.oid, f.privilege))
            UNION ALL
            SELECT 'ownership', 'failed',
                   format('%s belongs to %I instead of tenant_vault_owner', b.name, pg_get_userbyid(b.owner)),
                   format('ALTER %s %s OWNER TO tenant_vault_owner;', b.kind, b.name)
              FROM objects AS b
             WHERE b.kind <> 'COLUMN' AND b.owner <> 'tenant_vault_owner'::regrole;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'privileges', 'ok', 'owners and privileges are what vault.access_grants says', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'privileges', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            SELECT 'definer_role', 'failed', 'role tenant_vault_owner ' || f.problem,
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
             WHERE r.rolname = 'tenant_vault_owner';
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'definer_role', 'ok', 'role tenant_vault_owner has no power and no members', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'definer_role', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            WITH walled (name, oid) AS (
                SELECT t.name, to_regclass('vault.' || t.name)
                  FROM unnest(ARRAY['credentials', 'credential_lifecycles', 'credential_version_notes', 'credential_versions',
                                    'deleted_credentials', 'wrapped_tenant_keys']) AS t (name)
            )
            SELECT 'row_security', 'failed', format('row security of vault.%s is %s', w.name,
                       CASE WHEN c.oid IS NULL THEN 'gone with its table'
                            WHEN NOT c.relrowsecurity THEN 'disabled' ELSE 'not forced on its owner' END),
                   format('ALTER TABLE vault.%1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', w.name)
              FROM walled AS w
              LEFT JOIN pg_class AS c ON c.oid = w.oid
             WHERE c.oid IS NULL OR NOT (c.relrowsecurity AND c.relforcerowsecurity)
            UNION ALL
            SELECT 'row_security', 'failed', format('policy %I on vault.%s is not one of the vault''s', p.polname, w.name),
                   format('DROP POLICY %I ON vault.%s;', p.polname, w.name)
              FROM pg_policy AS p
              JOIN walled AS w ON p.polrelid = w.oid
             WHERE NOT EXISTS (
                   SELECT FROM pg_depend AS d
                    WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND p.polname IN ('permitted_tenant', 'listing')
                      AND p.polroles = ARRAY['tenant_vault_owner'::regrole::oid]);
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'row_security', 'ok', 'row security is forced where sealed values and keys stand', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'row_security', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            SELECT 'triggers', 'failed',
                   format('trigger key_rows_changed on vault.%s %s: other sessions are not told of changes', t.name,
                          CASE g.tgenabled WHEN 'D' THEN 'is disabled' WHEN 'O' THEN 'does not fire always'
                                           WHEN 'R' THEN 'fires for replication alone' ELSE 'is gone' END),
                   CASE WHEN g.oid IS NULL THEN 'Create it again as sql/install/30_api/key_rows_changed.sql does.'
                        ELSE format('ALTER TABLE vault.%s ENABLE ALWAYS TRIGGER key_rows_changed;', t.name) END
              FROM (VALUES ('root_key_states'), ('tenants'), ('wrapped_tenant_keys')) AS t (name)
              LEFT JOIN pg_trigger AS g ON g.tgrelid = to_regclass('vault.' || t.name) AND g.tgname = 'key_rows_changed'
             WHERE g.tgenabled IS DISTINCT FROM 'A';
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'triggers', 'ok', 'every session is told of changes to keys and locks', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'triggers', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            SELECT 'logging', 'warning', format('%s is %s: %s', s.name, s.value, s.effect), s.remedy
              FROM (VALUES
                ('log_statement', ARRAY['none', 'ddl'], 'statements are logged with their literals before they run',
                 'Set it to none or ddl.'),
                ('log_min_duration_statement', ARRAY['-1'], 'slow statements are logged with their literals',
                 'Set it to -1, or make sure that secrets come as bind parameters.'),
                ('log_min_duration_sample', ARRAY['-1'], 'slow statements are logged with their literals',
                 'Set it to -1, or make sure that secrets come as bind parameters.'),
                ('log_transaction_sample_rate', ARRAY['0'], 'sampled transactions are logged with their literals',
                 'Set it to 0, or make sure that secrets come as bind parameters.'),
                ('log_parameter_max_length_on_error', ARRAY['0', '0B'], 'bind parameters of failing statements are logged',
                 'Set it to 0.'),
                ('debug_print_parse', ARRAY['off'], 'parse trees are logged with their constants', 'Set it to off.'),
                ('debug_print_rewritten', ARRAY['off'], 'parse trees are logged with their constants', 'Set it to off.'),
                ('debug_print_plan', ARRAY['off'], 'plans are logged with their constants', 'Set it to off.'),
                ('auto_explain.log_min_duration', ARRAY['-1'], 'slow statements are logged with their literals',
                 'Set it to -1.'),
                ('tenant_vault.shield', ARRAY['on'], 'calls to the vault are logged and shown with their literals, as others are',
                 'Set it to on.')
              ) AS w (name, harmless, effect, remedy)
              CROSS JOIN LATERAL (SELECT w.name, current_setting(w.name, true) AS value, w.effect, w.remedy) AS s
             WHERE s.value IS NOT NULL AND s.value <> ALL (w.harmless)
            UNION ALL
            SELECT 'logging', 'warning',
                   'log_parameter_max_length is ' || current_setting('log_parameter_max_length')
                   || ': bind parameters are logged with every statement that is', 'Set it to 0.'
             WHERE current_setting('log_parameter_max_length') NOT IN ('0', '0B')
               AND (current_setting('log_statement') NOT IN ('none', 'ddl')
                    OR current_setting('log_min_duration_statement') <> '-1'
                    OR current_setting('log_min_duration_sample') <> '-1'
                    OR current_setting('log_transaction_sample_rate') <> '0');
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'logging', 'ok', 'no setting of this session writes statements or parameters to the log', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'logging', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;

    BEGIN
        RETURN QUERY
            SELECT 'durability', 'failed', format('%s is off: no promise about crashes holds', s.name),
                   format('Set %s to on.', s.name)
              FROM unnest(ARRAY['fsync', 'full_page_writes']) AS s (name)
             WHERE current_setting(s.name) = 'off'
            UNION ALL
            SELECT 'durability', 'warning',
                   'synchronous_commit is off in this session: a crash can lose the last records of the access log',
                   'Leave it on for roles that read secrets.'
             WHERE current_setting('synchronous_commit') = 'off';
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'durability', 'ok', 'what was acknowledged is on disk', NULL::text;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'durability', 'failed', 'the check itself failed: ' || SQLERRM, NULL::text;
    END;
END
$$;
ALTER FUNCTION vault.doctor() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.doctor() FROM PUBLIC;
COMMENT ON FUNCTION vault.doctor() IS
    'Checks what can silently go wrong: source, file and ring of the root keys, keys the database needs, privileges, the definer role, row security, triggers, settings that log secrets or lose records. A row a finding; status is ok, warning or failed; the hint says what to do. Reads the source of the root keys anew, which runs root_key_command. Never fails as a whole. Profiles admin, auditor; not logged, since nothing secret is shown.';
