SELECT credential_id FROM vault.decoys
