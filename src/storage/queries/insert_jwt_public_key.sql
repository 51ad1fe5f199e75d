INSERT INTO vault.jwt_keys (issuer, kid, algorithm, jwk, audience, added_by)
VALUES ($1, $2, $3, $4::jsonb, $5,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
