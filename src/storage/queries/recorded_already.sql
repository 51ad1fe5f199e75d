SELECT l.id
  FROM unnest($1) AS given (id)
  JOIN vault.vault_access_log AS l ON l.id = given.id
