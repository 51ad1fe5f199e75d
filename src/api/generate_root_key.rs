//! `vault.generate_root_key`.

use pgrx::pg_extern;
use vault::GenerateRootKey;

use super::door::answer;
use crate::{pg, policy, session};

#[pg_extern(sql = false)]
fn generate_root_key() -> String {
    let id = answer::<GenerateRootKey, _>(|call| {
        call.writes("generate a root key")?;
        session::vault(|vault| vault.generate_root_key(&policy::for_administration()))
    });
    pg::report::notice(&format!(
        "root key {id} stands in the key ring file; for the other sessions run: SELECT pg_reload_conf();"
    ));
    id
}
