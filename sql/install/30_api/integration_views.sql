-- What tenants have of services, without a secret: with the owner's rights on the tables below, whose row security asks
-- vault.may_list().

CREATE VIEW vault.tenant_stripe_config WITH (security_barrier = true) AS
    SELECT i.tenant_id, i.mode, i.public_fields ->> 'publishable_key' AS publishable_key,
           k.description AS secret_key_hint, w.id IS NOT NULL AS has_webhook_secret, i.settings, i.account, i.version,
           i.verification_state, i.verified_at, i.verification_message, i.created_at, i.updated_at
      FROM vault.tenant_integrations AS i
      LEFT JOIN vault.credentials AS k
        ON k.tenant_id = i.tenant_id AND k.kind = 'i' AND k.name = 'stripe/secret_key'
      LEFT JOIN vault.credentials AS w
        ON w.tenant_id = i.tenant_id AND w.kind = 'i' AND w.name = 'stripe/webhook_secret'
     WHERE i.service = 'stripe'
       AND ((SELECT vault.lists_every_tenant()) OR i.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.tenant_stripe_config OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_stripe_config FROM PUBLIC;
COMMENT ON VIEW vault.tenant_stripe_config IS 'Tenants'' Stripe accounts without their secrets. Profiles service, auditor, admin, tenant_user (its own tenant''s).';
COMMENT ON COLUMN vault.tenant_stripe_config.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN vault.tenant_stripe_config.mode IS 'live or test, as the keys tell.';
COMMENT ON COLUMN vault.tenant_stripe_config.publishable_key IS 'No secret.';
COMMENT ON COLUMN vault.tenant_stripe_config.secret_key_hint IS 'Its last four characters; NULL: there is none.';
COMMENT ON COLUMN vault.tenant_stripe_config.has_webhook_secret IS 'Whether webhooks can be verified.';
COMMENT ON COLUMN vault.tenant_stripe_config.settings IS 'What the application keeps beside it.';
COMMENT ON COLUMN vault.tenant_stripe_config.account IS 'What Stripe said of the account at the last verdict.';
COMMENT ON COLUMN vault.tenant_stripe_config.version IS 'Counts saves.';
COMMENT ON COLUMN vault.tenant_stripe_config.verification_state IS 'unverified, queued, ok or failed.';
COMMENT ON COLUMN vault.tenant_stripe_config.verified_at IS 'When the last verdict came.';
COMMENT ON COLUMN vault.tenant_stripe_config.verification_message IS 'What was said with it.';
COMMENT ON COLUMN vault.tenant_stripe_config.created_at IS 'When it was first saved.';
COMMENT ON COLUMN vault.tenant_stripe_config.updated_at IS 'When it was last saved.';

CREATE VIEW vault.tenant_resend_config WITH (security_barrier = true) AS
    SELECT i.tenant_id, i.public_fields ->> 'from_email' AS from_email, i.public_fields ->> 'from_name' AS from_name,
           i.public_fields ->> 'reply_to' AS reply_to, k.description AS api_key_hint,
           w.id IS NOT NULL AS has_webhook_secret, i.settings, i.account, i.version,
           i.verification_state, i.verified_at, i.verification_message, i.created_at, i.updated_at
      FROM vault.tenant_integrations AS i
      LEFT JOIN vault.credentials AS k
        ON k.tenant_id = i.tenant_id AND k.kind = 'i' AND k.name = 'resend/api_key'
      LEFT JOIN vault.credentials AS w
        ON w.tenant_id = i.tenant_id AND w.kind = 'i' AND w.name = 'resend/webhook_secret'
     WHERE i.service = 'resend'
       AND ((SELECT vault.lists_every_tenant()) OR i.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.tenant_resend_config OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_resend_config FROM PUBLIC;
COMMENT ON VIEW vault.tenant_resend_config IS 'Tenants'' Resend accounts without their secrets. Profiles service, auditor, admin, tenant_user (its own tenant''s).';
COMMENT ON COLUMN vault.tenant_resend_config.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN vault.tenant_resend_config.from_email IS 'The sender''s address.';
COMMENT ON COLUMN vault.tenant_resend_config.from_name IS 'The sender''s name.';
COMMENT ON COLUMN vault.tenant_resend_config.reply_to IS 'Where answers go.';
COMMENT ON COLUMN vault.tenant_resend_config.api_key_hint IS 'Its last four characters; NULL: there is none.';
COMMENT ON COLUMN vault.tenant_resend_config.has_webhook_secret IS 'Whether webhooks can be verified.';
COMMENT ON COLUMN vault.tenant_resend_config.settings IS 'What the application keeps beside it.';
COMMENT ON COLUMN vault.tenant_resend_config.account IS 'What Resend said of the account at the last verdict.';
COMMENT ON COLUMN vault.tenant_resend_config.version IS 'Counts saves.';
COMMENT ON COLUMN vault.tenant_resend_config.verification_state IS 'unverified, queued, ok or failed.';
COMMENT ON COLUMN vault.tenant_resend_config.verified_at IS 'When the last verdict came.';
COMMENT ON COLUMN vault.tenant_resend_config.verification_message IS 'What was said with it.';
COMMENT ON COLUMN vault.tenant_resend_config.created_at IS 'When it was first saved.';
COMMENT ON COLUMN vault.tenant_resend_config.updated_at IS 'When it was last saved.';

CREATE VIEW vault.tenant_wise_config WITH (security_barrier = true) AS
    SELECT i.tenant_id, i.mode, i.public_fields ->> 'profile_id' AS profile_id, k.description AS api_key_hint,
           i.public_fields ? 'webhook_public_key' AS has_webhook_public_key, i.settings, i.account, i.version,
           i.verification_state, i.verified_at, i.verification_message, i.created_at, i.updated_at
      FROM vault.tenant_integrations AS i
      LEFT JOIN vault.credentials AS k
        ON k.tenant_id = i.tenant_id AND k.kind = 'i' AND k.name = 'wise/api_key'
     WHERE i.service = 'wise'
       AND ((SELECT vault.lists_every_tenant()) OR i.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.tenant_wise_config OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_wise_config FROM PUBLIC;
COMMENT ON VIEW vault.tenant_wise_config IS 'Tenants'' Wise accounts without their secrets. Profiles service, auditor, admin, tenant_user (its own tenant''s).';
COMMENT ON COLUMN vault.tenant_wise_config.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN vault.tenant_wise_config.mode IS 'live or test, as the settings say: Wise''s tokens do not.';
COMMENT ON COLUMN vault.tenant_wise_config.profile_id IS 'The profile that payments are made for.';
COMMENT ON COLUMN vault.tenant_wise_config.api_key_hint IS 'The token''s last four characters; NULL: there is none.';
COMMENT ON COLUMN vault.tenant_wise_config.has_webhook_public_key IS 'Whether the tenant has a key of its own to verify webhooks with.';
COMMENT ON COLUMN vault.tenant_wise_config.settings IS 'What the application keeps beside it.';
COMMENT ON COLUMN vault.tenant_wise_config.account IS 'What Wise said of the account at the last verdict.';
COMMENT ON COLUMN vault.tenant_wise_config.version IS 'Counts saves.';
COMMENT ON COLUMN vault.tenant_wise_config.verification_state IS 'unverified, queued, ok or failed.';
COMMENT ON COLUMN vault.tenant_wise_config.verified_at IS 'When the last verdict came.';
COMMENT ON COLUMN vault.tenant_wise_config.verification_message IS 'What was said with it.';
COMMENT ON COLUMN vault.tenant_wise_config.created_at IS 'When it was first saved.';
COMMENT ON COLUMN vault.tenant_wise_config.updated_at IS 'When it was last saved.';

CREATE VIEW vault.tenant_api_credentials WITH (security_barrier = true) AS
    SELECT i.tenant_id, i.service, i.mode, i.public_fields, h.hints, i.settings, i.account, i.version,
           i.verification_state, i.verified_at, i.verification_message, i.created_at, i.updated_at
      FROM vault.tenant_integrations AS i
      CROSS JOIN LATERAL (
          SELECT COALESCE(pg_catalog.jsonb_object_agg(pg_catalog.split_part(c.name, '/', 2), c.description), '{}') AS hints
            FROM vault.credentials AS c
           WHERE c.tenant_id = i.tenant_id AND c.kind = 'i'
             AND c.name OPERATOR(pg_catalog.~>=~) (i.service || '/') AND c.name OPERATOR(pg_catalog.~<~) (i.service || '0')) AS h
     WHERE i.service NOT IN ('stripe', 'resend', 'wise')
       AND ((SELECT vault.lists_every_tenant()) OR i.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.tenant_api_credentials OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_api_credentials FROM PUBLIC;
COMMENT ON VIEW vault.tenant_api_credentials IS 'Tenants'' accounts at all other services without their secrets. Profiles service, auditor, admin, tenant_user (its own tenant''s).';
COMMENT ON COLUMN vault.tenant_api_credentials.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN vault.tenant_api_credentials.service IS 'As in vault.integration_services.';
COMMENT ON COLUMN vault.tenant_api_credentials.mode IS 'live or test, as the keys tell, else as the settings say; NULL: nobody says.';
COMMENT ON COLUMN vault.tenant_api_credentials.public_fields IS 'Fields that are no secret, by name.';
COMMENT ON COLUMN vault.tenant_api_credentials.hints IS 'The last four characters of each secret, by the name of its field.';
COMMENT ON COLUMN vault.tenant_api_credentials.settings IS 'What the application keeps beside it.';
COMMENT ON COLUMN vault.tenant_api_credentials.account IS 'What the service said of the account at the last verdict.';
COMMENT ON COLUMN vault.tenant_api_credentials.version IS 'Counts saves.';
COMMENT ON COLUMN vault.tenant_api_credentials.verification_state IS 'unverified, queued, ok or failed.';
COMMENT ON COLUMN vault.tenant_api_credentials.verified_at IS 'When the last verdict came.';
COMMENT ON COLUMN vault.tenant_api_credentials.verification_message IS 'What was said with it.';
COMMENT ON COLUMN vault.tenant_api_credentials.created_at IS 'When it was first saved.';
COMMENT ON COLUMN vault.tenant_api_credentials.updated_at IS 'When it was last saved.';
