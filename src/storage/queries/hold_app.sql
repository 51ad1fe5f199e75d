-- Against its deletion, to the end of the transaction.
SELECT tenant_id FROM vault.apps WHERE app_id = $1 FOR KEY SHARE
