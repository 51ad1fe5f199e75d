SELECT m.role
  FROM vault.tenant_members AS m
 WHERE m.tenant_id = $1
   AND CASE m.kind
       WHEN 'jwt_subject' THEN m.member = $2
       ELSE EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                     WHERE r.rolname = m.member AND pg_catalog.pg_has_role($3::oid, r.oid, 'USAGE')) END
