-- pgcrypto's own function, wherever its schema: a member of the extension, and code of its library, which only a superuser
-- can name. The owner of an extension can add functions to it that are none of either.
SELECT p.oid::bigint
  FROM pg_catalog.pg_extension AS e
  JOIN pg_catalog.pg_depend AS d
    ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid AND d.deptype = 'e'
   AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
  JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
 WHERE e.extname = 'pgcrypto' AND l.lanname = 'c' AND p.probin = '$libdir/pgcrypto'
   AND p.prosrc = 'pgp_sym_decrypt_bytea' AND NOT p.prosecdef
   AND p.proargtypes = '17 25'::pg_catalog.oidvector AND p.prorettype = 'pg_catalog.bytea'::pg_catalog.regtype
