-- The limit of the role in force where a row says one: its own, else the widest of those of its profiles, which
-- it may hold as a member of another role.
WITH me AS (
    SELECT CASE pg_catalog.current_setting('role')
               WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END AS name
)
SELECT l.rate
  FROM vault.rate_limits AS l
 CROSS JOIN me
 WHERE l.kind = 'role' AND l.subject = me.name
    OR l.kind = 'profile' AND l.subject IN (SELECT h.profile FROM vault.held_profiles() AS h
                                             WHERE pg_catalog.pg_has_role(me.name, h.role_name, 'USAGE'))
 ORDER BY l.kind = 'role' DESC, l.rate = 'none' DESC, l.calls_per_hour DESC
 LIMIT 1
