//! The SQL surface: reads arguments, asks policy, calls the vault, answers. Signatures stand in sql/install/30_api.

mod access_log;
mod argument;
mod authenticate;
mod census;
mod credential_life;
mod credential_versions;
mod delete_credential;
mod door;
mod erasure_record;
mod generate_root_key;
mod import_standby_log;
mod jwt_keys;
mod library_health;
mod rate_limits;
mod record_access_change;
mod retrieve_credential;
mod root_keys;
mod rotate_credential;
mod rotate_tenant_key;
mod rotation_run;
mod row_security;
mod store_credential;
mod store_decoy;
mod tenant;
mod tenant_secret;
