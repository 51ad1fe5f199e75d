-- The schema that holds for a subject under version $2: the newest one up to it. None, where no subject has come to that version.
SELECT s.schema::text
  FROM vault.integration_schemas AS s
 WHERE s.subject = $1 AND s.version <= $2
   AND $2 <= (SELECT pg_catalog.max(m.version) FROM vault.integration_schemas AS m)
 ORDER BY s.version DESC
 LIMIT 1
