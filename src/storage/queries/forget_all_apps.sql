DELETE FROM vault.apps
