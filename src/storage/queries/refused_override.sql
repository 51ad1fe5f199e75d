-- A source of root keys that was given to this database or to who logged in: the setting, and the command that takes it back.
SELECT o.name,
       pg_catalog.format(
           CASE WHEN s.setrole = 0 AND s.setdatabase = 0 THEN 'ALTER ROLE ALL RESET %3$s'
                WHEN s.setrole = 0 THEN 'ALTER DATABASE %2$I RESET %3$s'
                WHEN s.setdatabase = 0 THEN 'ALTER ROLE %1$I RESET %3$s'
                ELSE 'ALTER ROLE %1$I IN DATABASE %2$I RESET %3$s' END,
           r.rolname, d.datname, o.name)
  FROM pg_catalog.pg_db_role_setting AS s
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS entry (text)
  CROSS JOIN LATERAL pg_catalog.lower(pg_catalog.split_part(entry.text, '=', 1)) AS o (name)
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
 WHERE o.name IN ('tenant_vault.root_key', 'tenant_vault.root_key_command', 'tenant_vault.root_key_file')
   AND (s.setrole = 0 OR r.rolname = SESSION_USER)
   AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
 ORDER BY s.setdatabase DESC, s.setrole DESC
 LIMIT 1
