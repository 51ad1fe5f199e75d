-- Takes every privilege on our objects from everyone but their owner, whoever gave it: default privileges reach past
-- PUBLIC, to roles that this script has never heard of. Two functions are then given back to PUBLIC.
CREATE FUNCTION vault.revoke_from_everyone()
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_grant record;
BEGIN
    FOR v_grant IN
        WITH ours AS (
            SELECT d.classid, d.objid
              FROM pg_depend AS d
              JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
             WHERE e.extname = 'tenant_vault' AND d.deptype = 'e'
        ), acls AS (
            SELECT 'ROUTINE' AS object_kind, p.oid::regprocedure::text AS object_name, p.proowner AS owner,
                   COALESCE(p.proacl, acldefault('f', p.proowner)) AS acl
              FROM ours JOIN pg_proc AS p ON ours.classid = 'pg_proc'::regclass AND ours.objid = p.oid
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, c.relacl
              FROM ours JOIN pg_class AS c ON ours.classid = 'pg_class'::regclass AND ours.objid = c.oid
             WHERE c.relkind IN ('r', 'v', 'S')
        )
        SELECT DISTINCT a.object_kind, a.object_name,
               CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee
          FROM acls AS a CROSS JOIN LATERAL aclexplode(a.acl) AS x
         WHERE x.grantee <> a.owner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE',
                       v_grant.object_kind, v_grant.object_name, v_grant.grantee);
    END LOOP;
    -- What policies of the application's tables ask, in the name of whoever queries them.
    GRANT EXECUTE ON FUNCTION vault.get_current_tenant(), vault.get_writable_tenant() TO PUBLIC;
END
$$;
ALTER FUNCTION vault.revoke_from_everyone() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.revoke_from_everyone() FROM PUBLIC;
COMMENT ON FUNCTION vault.revoke_from_everyone() IS
    'Takes every privilege on the vault''s objects from everyone but their owner; vault.get_current_tenant and vault.get_writable_tenant are then everybody''s. For the vault''s own functions; granted to nobody.';
