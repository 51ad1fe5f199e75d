//! A key ring from a program's standard output: the door to a KMS, an HSM, a keystore of the operating system.

use envelope::KeyRing;
use vault::VaultError;

use super::{RING_MAX_BYTES, parse, unavailable};
use crate::config;
use crate::pg::program::{self, NoAnswer};

const SETTING: &str = "tenant_vault.root_key_command";
const HINT: &str =
    "Run it by hand as the server's user; mend it, then run: SELECT pg_reload_conf();";
/// All that the program finds in its environment.
const ENVIRONMENT: [(&str, &str); 2] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("LC_ALL", "C"),
];

pub fn read(line: &str) -> Result<KeyRing, VaultError> {
    let malformed = |rule: &str| unavailable(format!("the command of {SETTING} {rule}"), HINT);
    let argv = shell_words::split(line).map_err(|_| malformed("ends inside of quotes"))?;
    match argv.first() {
        None => return Err(malformed("is blank")),
        Some(program) if !program.starts_with('/') => {
            return Err(malformed("does not begin with a program's absolute path"));
        }
        Some(_) => {}
    }
    let limit = config::root_key_command_timeout();
    let text = program::answer_of(&argv, &ENVIRONMENT, limit, RING_MAX_BYTES)
        .map_err(|why| malformed(&ending(why, limit.as_millis())))?;
    parse(&text, SETTING, HINT)
}

fn ending(why: NoAnswer, limit_ms: u128) -> String {
    match why {
        NoAnswer::NotStarted(kind) => format!("cannot be started: {kind}"),
        NoAnswer::Unreadable(kind) => format!("cannot be read: {kind}"),
        NoAnswer::TimedOut => format!("was killed after {limit_ms} ms"),
        NoAnswer::TooLong => format!("wrote more than {RING_MAX_BYTES} bytes"),
        NoAnswer::Exited(code) => format!("ended with status {code}"),
        NoAnswer::Killed(signal) => format!("was ended by signal {signal}"),
    }
}
