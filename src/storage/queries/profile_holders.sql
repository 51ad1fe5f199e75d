SELECT r.oid::bigint, h.profile, COALESCE(p.reason_required, false)
  FROM vault.held_profiles() AS h
  JOIN pg_roles AS r ON r.rolname = h.role_name
  LEFT JOIN vault.access_policies AS p ON p.profile = h.profile
