//! The seven cases of the contract that the original vault kept, word for word, so that its callers can move over.

use uuid::Uuid;
use vault_tests::{Calls, refusal};

const SECRET: &str = "sk_live_51ContractCase";

on_both_adapters! {
    fn case_1_store_returns_a_uuid_and_authenticated_reads_neither_plaintext_nor_table(db) {
        let id: Uuid = db.service().store("stripe", SECRET).expect("service_role may store");
        assert_ne!(id, Uuid::nil());

        let mut visitor = db.through_authenticator("authenticated");
        refusal(visitor.retrieve(id), "42501");
        for relation in ["credentials", "credential_versions", "tenant_secrets", "credential_list", "vault_access_log"] {
            refusal(visitor.query(&format!("SELECT * FROM vault.{relation}"), &[]), "42501");
        }
        let stored: String = db.superuser().one("SELECT c::text FROM vault.credentials c WHERE id = $1", &[&id]);
        assert!(!stored.contains(SECRET));
        assert!(!stored.contains(&hex(SECRET.as_bytes())));
    }

    fn case_2_service_role_reads_back_what_it_stored(db) {
        let mut service = db.service();
        let id = service.store("stripe", SECRET).unwrap();
        assert_eq!(service.retrieve(id).unwrap(), SECRET);
    }

    fn case_3_authenticated_may_not_retrieve(db) {
        let id = db.service().store("stripe", SECRET).unwrap();
        refusal(db.through_authenticator("authenticated").retrieve(id), "42501");
        refusal(db.through_authenticator("anon").retrieve(id), "42501");
    }

    fn case_4_rotate_changes_the_value_under_the_same_id(db) {
        let mut service = db.service();
        let id = service.store("stripe", SECRET).unwrap();
        service.rotate(id, "sk_live_51Second").unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "sk_live_51Second");
        assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.list_credentials()", &[]), 1);
    }

    fn case_5_a_deleted_credential_is_not_found(db) {
        let mut service = db.service();
        let id = service.store("stripe", SECRET).unwrap();
        service.delete(id).unwrap();
        refusal(service.retrieve(id), "42704");
    }

    fn case_6_deleting_an_unknown_id_is_no_error(db) {
        let mut service = db.service();
        let unknown = service.random_uuid();
        service.delete(unknown).unwrap();
    }

    fn case_7_a_null_secret_is_refused(db) {
        let mut service = db.service();
        let refused = refusal(service.query("SELECT vault.store_credential('stripe', NULL)", &[]), "22004");
        assert!(refused.message().contains("p_secret"), "{refused:?}");
        assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.list_credentials()", &[]), 0);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
