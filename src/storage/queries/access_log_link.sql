SELECT link FROM vault.vault_access_log WHERE seq = $1
