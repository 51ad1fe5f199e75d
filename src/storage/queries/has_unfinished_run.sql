SELECT EXISTS (SELECT FROM vault.rotation_runs WHERE root_fingerprint = $1 AND phase <> 'finished')
