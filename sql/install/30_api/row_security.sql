-- The second wall between tenants, behind the predicates of the queries: the vault's own role sees the rows of the
-- one tenant that policy permitted to the running call, and none without a permit; the administration of keys alone is
-- permitted all. The function is called directly and not in a sub-select, which would be evaluated once a query: the
-- vault's statements touch one row, and setting up the sub-plan costs more than the call.

CREATE POLICY permitted_tenant ON vault.wrapped_tenant_keys TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.credentials TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.credential_versions TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.credential_version_notes TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.deleted_credentials TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.credential_lifecycles TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.decoys TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.integration_alerts TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.imported_items TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.tenant_integrations TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY permitted_tenant ON vault.integration_verifications TO tenant_vault_owner
    USING (vault.is_permitted(tenant_id));
CREATE POLICY listing ON vault.wrapped_tenant_keys FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.credentials FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.credential_versions FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.credential_version_notes FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.deleted_credentials FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.credential_lifecycles FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.decoys FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.integration_alerts FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.imported_items FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.tenant_integrations FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));
CREATE POLICY listing ON vault.integration_verifications FOR SELECT TO tenant_vault_owner
    USING ((SELECT vault.may_list())
       AND ((SELECT vault.lists_every_tenant()) OR tenant_id = (SELECT vault.listed_tenant())));

COMMENT ON POLICY permitted_tenant ON vault.tenant_integrations IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.tenant_integrations IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.integration_verifications IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.integration_verifications IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.wrapped_tenant_keys IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY permitted_tenant ON vault.credentials IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY permitted_tenant ON vault.credential_versions IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.wrapped_tenant_keys IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY listing ON vault.credentials IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY listing ON vault.credential_versions IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.credential_version_notes IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.credential_version_notes IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.deleted_credentials IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.deleted_credentials IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.credential_lifecycles IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.credential_lifecycles IS 'Metadata, through the views, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.decoys IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.decoys IS 'Through the view, which administrators alone may read.';
COMMENT ON POLICY permitted_tenant ON vault.integration_alerts IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.integration_alerts IS 'Through the view, for roles that may list.';
COMMENT ON POLICY permitted_tenant ON vault.imported_items IS 'One tenant at a time, also for the owner.';
COMMENT ON POLICY listing ON vault.imported_items IS 'Through the view, which administrators and auditors may read.';
