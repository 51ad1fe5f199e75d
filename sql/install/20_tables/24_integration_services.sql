-- Which services tenants have accounts at, and what their credentials look like: data, so that another service is one
-- INSERT. Nothing of a tenant's.

CREATE TABLE vault.integration_services (
    service    text        NOT NULL PRIMARY KEY,
    category   text        NOT NULL,
    label      text        NOT NULL,
    fields     jsonb       NOT NULL,
    webhook    jsonb,
    offered    boolean     NOT NULL DEFAULT true,
    origin     text        NOT NULL DEFAULT 'own' CHECK (origin IN ('shipped', 'changed', 'own')),
    changed_by name        NOT NULL DEFAULT SESSION_USER,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

COMMENT ON TABLE vault.integration_services IS
    'The catalogue of services. Profile admin writes it; a trigger judges each row (22023). A shipped row cannot be deleted, since CREATE EXTENSION makes it again: set offered to false.';
COMMENT ON COLUMN vault.integration_services.service IS 'What the functions are given: ^[a-z][a-z0-9_]*$.';
COMMENT ON COLUMN vault.integration_services.category IS 'For lists: payments, email, media, ai, commerce, or a word of yours.';
COMMENT ON COLUMN vault.integration_services.label IS 'For people.';
COMMENT ON COLUMN vault.integration_services.fields IS
    'Array of objects. name; label; secret (sealed, else readable); required; prefixes: how a value begins and which mode that tells, such as {"sk_live_": "live", "sk_test_": "test", "": null}; refused: how a value begins that is another thing, and which, such as {"pk_": "it is a publishable key"}; charset of what follows the prefix: hex, lower_hex, alnum, base64, base64url, uuid, printable, text, pem; min_length, max_length in characters.';
COMMENT ON COLUMN vault.integration_services.webhook IS
    'How the service signs what it sends: {"scheme": "stripe|svix|mux|shopify|wise", "field": the field with what that is verified with}. A new secret of that field leaves the former one open for tenant_vault.rotation_overlap. NULL: its webhooks are not verified here.';
COMMENT ON COLUMN vault.integration_services.offered IS 'Whether tenants can save credentials of it. What they have stays readable.';
COMMENT ON COLUMN vault.integration_services.origin IS
    'shipped: as CREATE EXTENSION made it, and not dumped; changed: shipped once; own: added here. Kept by the trigger.';
COMMENT ON COLUMN vault.integration_services.changed_by IS 'Who logged in and made the last change.';
COMMENT ON COLUMN vault.integration_services.changed_at IS 'When that was.';

ALTER TABLE vault.integration_services OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.integration_services', $$WHERE origin <> 'shipped'$$);

-- Formats as their services publish them, and no narrower: what they do not promise is not asked for.
INSERT INTO vault.integration_services (service, category, label, origin, webhook, fields) VALUES
    ('stripe', 'payments', 'Stripe', 'shipped', '{"scheme": "stripe", "field": "webhook_secret"}', '[
        {"name": "secret_key", "label": "secret key", "secret": true, "required": true, "charset": "alnum",
         "min_length": 18, "max_length": 255,
         "prefixes": {"sk_live_": "live", "sk_test_": "test", "rk_live_": "live", "rk_test_": "test"},
         "refused": {"pk_": "it is a publishable key; the secret key begins with sk_ or rk_",
                     "whsec_": "it is a webhook secret; the secret key begins with sk_ or rk_",
                     "acct_": "it is an account id; the secret key begins with sk_ or rk_"}},
        {"name": "publishable_key", "label": "publishable key", "secret": false, "charset": "alnum",
         "min_length": 18, "max_length": 255, "prefixes": {"pk_live_": "live", "pk_test_": "test"},
         "refused": {"sk_": "it is a secret key, which must never be published; the publishable key begins with pk_",
                     "rk_": "it is a restricted key, which must never be published; the publishable key begins with pk_"}},
        {"name": "webhook_secret", "label": "webhook signing secret", "secret": true, "charset": "base64",
         "min_length": 20, "max_length": 255, "prefixes": {"whsec_": null},
         "refused": {"we_": "it is the id of a webhook endpoint; the signing secret begins with whsec_"}}]'),
    ('wise', 'payments', 'Wise', 'shipped', '{"scheme": "wise", "field": "webhook_public_key"}', '[
        {"name": "api_key", "label": "API token", "secret": true, "required": true, "charset": "printable",
         "min_length": 20, "max_length": 8192},
        {"name": "profile_id", "label": "profile id", "secret": false, "charset": "alnum", "max_length": 64},
        {"name": "webhook_public_key", "label": "public key of Wise''s webhooks", "secret": false, "charset": "pem",
         "min_length": 100, "max_length": 4096}]'),
    ('resend', 'email', 'Resend', 'shipped', '{"scheme": "svix", "field": "webhook_secret"}', '[
        {"name": "api_key", "label": "API key", "secret": true, "required": true, "charset": "base64url",
         "min_length": 16, "max_length": 255, "prefixes": {"re_": null}},
        {"name": "from_email", "label": "sender address", "secret": false, "charset": "text", "min_length": 3, "max_length": 320},
        {"name": "from_name", "label": "sender name", "secret": false, "charset": "text", "max_length": 200},
        {"name": "reply_to", "label": "reply address", "secret": false, "charset": "text", "min_length": 3, "max_length": 320},
        {"name": "webhook_secret", "label": "webhook signing secret", "secret": true, "charset": "base64",
         "min_length": 20, "max_length": 255, "prefixes": {"whsec_": null}}]'),
    ('mux', 'media', 'Mux', 'shipped', '{"scheme": "mux", "field": "webhook_secret"}', '[
        {"name": "token_id", "label": "access token id", "secret": false, "required": true, "charset": "uuid",
         "min_length": 36, "max_length": 36},
        {"name": "token_secret", "label": "access token secret", "secret": true, "required": true, "charset": "base64",
         "min_length": 40, "max_length": 255},
        {"name": "webhook_secret", "label": "webhook signing secret", "secret": true, "charset": "printable",
         "min_length": 16, "max_length": 255}]'),
    ('assemblyai', 'ai', 'AssemblyAI', 'shipped', NULL, '[
        {"name": "api_key", "label": "API key", "secret": true, "required": true, "charset": "alnum",
         "min_length": 32, "max_length": 128}]'),
    ('anthropic', 'ai', 'Anthropic', 'shipped', NULL, '[
        {"name": "api_key", "label": "API key", "secret": true, "required": true, "charset": "base64url",
         "min_length": 40, "max_length": 255, "prefixes": {"sk-ant-": null}}]'),
    ('openai', 'ai', 'OpenAI', 'shipped', NULL, '[
        {"name": "api_key", "label": "API key", "secret": true, "required": true, "charset": "base64url",
         "min_length": 40, "max_length": 255, "prefixes": {"sk-": null},
         "refused": {"org-": "it is the id of an organization; the API key begins with sk-",
                     "proj_": "it is the id of a project; the API key begins with sk-"}},
        {"name": "organization_id", "label": "organization id", "secret": false, "charset": "alnum", "max_length": 64,
         "prefixes": {"org-": null}},
        {"name": "project_id", "label": "project id", "secret": false, "charset": "alnum", "max_length": 64,
         "prefixes": {"proj_": null}}]'),
    ('shopify', 'commerce', 'Shopify', 'shipped', '{"scheme": "shopify", "field": "client_secret"}', '[
        {"name": "client_id", "label": "client id", "secret": false, "required": true, "charset": "alnum",
         "min_length": 16, "max_length": 64},
        {"name": "client_secret", "label": "client secret", "secret": true, "required": true, "charset": "hex",
         "min_length": 32, "max_length": 64, "prefixes": {"shpss_": null, "": null},
         "refused": {"shpat_": "it is an access token; the client secret begins with shpss_",
                     "shpca_": "it is an access token; the client secret begins with shpss_"}},
        {"name": "access_token", "label": "Admin API access token", "secret": true, "charset": "hex",
         "min_length": 32, "max_length": 64, "prefixes": {"shpat_": null, "shpca_": null, "shppa_": null, "shpua_": null},
         "refused": {"shpss_": "it is the client secret; an access token begins with shpat_ or shpca_"}}]');
