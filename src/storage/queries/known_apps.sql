SELECT app_id, tenant_id FROM vault.apps
