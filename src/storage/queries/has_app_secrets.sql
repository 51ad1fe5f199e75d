-- Of all tenants.
SELECT EXISTS (SELECT FROM vault.credentials WHERE kind = 'a')
       OR EXISTS (SELECT FROM vault.deleted_credentials WHERE kind = 'a')
