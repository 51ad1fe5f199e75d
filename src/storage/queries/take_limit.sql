DELETE FROM vault.rate_limits WHERE kind = $1 AND subject = $2
