//! `vault.hmac_with_credential`: a secret is used, and stays.

use pgrx::{Uuid, pg_extern};
use vault::{Hmac, VaultError};
use webhook::{Algorithm, mac};

use super::argument::{required, text};
use super::door::answer;
use crate::pg::reply;
use crate::session;

#[pg_extern(sql = false)]
fn hmac_with_credential(
    p_secret_id: Option<Uuid>,
    p_payload: Option<&[u8]>,
    p_algorithm: Option<&[u8]>,
) -> reply::Varlena {
    answer::<Hmac, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let payload = required(p_payload, "p_payload")?;
        let algorithm = algorithm(required(p_algorithm, "p_algorithm")?)?;
        let permit = call.permit::<Hmac>(id)?;
        let made = session::vault(|vault| {
            vault.sign(permit, id, algorithm.word(), |secret| {
                mac(algorithm, secret.expose(), &[payload])
            })
        })?;
        Ok(reply::varlena(&made))
    })
}

fn algorithm(word: &[u8]) -> Result<Algorithm, VaultError> {
    Algorithm::parse(&text(word, "p_algorithm")?).ok_or_else(|| VaultError::InvalidArgument {
        argument: "p_algorithm",
        rule: format!(
            "It is one of {}.",
            Algorithm::ALL.map(Algorithm::word).join(", ")
        ),
    })
}
