//! The SQL surface: reads arguments, asks policy, calls the vault, answers. Signatures stand in sql/install/30_api.

mod argument;
mod delete_credential;
mod door;
mod record_access_change;
mod retrieve_credential;
mod root_keys;
mod rotate_credential;
mod rotate_tenant_key;
mod rotation_run;
mod row_security;
mod store_credential;
mod tenant_secret;
