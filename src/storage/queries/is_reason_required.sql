SELECT EXISTS (SELECT FROM vault.access_policies AS p WHERE p.reason_required)
