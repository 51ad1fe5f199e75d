//! Which texts concern the vault, and which only look a little like it.

use std::fs;
use std::time::Duration;

use scrubber::{DISTINCTIVE, Names, ORDINARY, executed};

fn concerns(text: &str) -> bool {
    Names::ours().mention(text.as_bytes()).ours
}

#[test]
fn every_function_is_known_in_its_schema_and_the_distinctive_ones_in_any() {
    for name in DISTINCTIVE.iter().chain(ORDINARY) {
        assert!(concerns(&format!("SELECT vault.{name}('x')")), "{name}");
        assert!(
            concerns(&format!("select VAULT.{}()", name.to_uppercase())),
            "{name}"
        );
    }
    for name in DISTINCTIVE {
        assert!(concerns(&format!("SELECT api.{name}('x')")), "{name}");
        assert!(concerns(name), "{name}");
        assert!(concerns(&format!("SELECT \"{name}\"('x')")), "{name}");
    }
    for name in ORDINARY {
        assert!(!concerns(&format!("SELECT {name}('x')")), "{name}");
        assert!(!concerns(&format!("SELECT my.{name}('x')")), "{name}");
    }
}

#[test]
fn however_a_call_is_written_it_is_seen() {
    for text in [
        "SELECT vault . store_credential ('n', 'x')",
        "SELECT vault /* a /* nested */ comment */ . /* another */ \"store_credential\" /**/ ('n', 'x')",
        "SELECT \"vault\".\"prune\"(1)",
        "SELECT vault -- a line\n . -- another\n prune -- and another\n (1)",
        "SELECT Vault.Store_Credential('n', 'x')",
        "SELECT U&\"store\\005fcredential\"('n', 'x')",
        "SELECT vault.U&\"\\0073\\+000074ore_credential\"('n', 'x')",
        "SELECT u&\"store!005fcredential\" UESCAPE '!' ('n', 'x')",
        "SELECT U&\"v\\0061ult\".prune(1)",
        "DO $$ BEGIN PERFORM vault.store_credential('n', 'x'); END $$",
        "DO $body$store_credential$body$",
        "DO E'BEGIN\\n\\tPERFORM\\nstore_credential(1); END'",
        "DO E'BEGIN PERFORM\\x0astore_credential(1); END'",
        "EXECUTE U&'SELECT store\\005fcredential(1)'",
        "SELECT 1 -- store_credential",
        "COPY (SELECT retrieve_credential(id) FROM t) TO STDOUT",
        "SELECT 1store_credential(2)",
        "SELECT vault.stor_credential('a misspelt name')",
        "{\"Query Text\": \"SELECT\\nstore_credential($1)\"}",
        "\"SELECT \\\"vault\\\".\\\"prune\\\"(1)\"",
    ] {
        assert!(concerns(text), "{text}");
    }
}

#[test]
fn settings_that_carry_keys_and_claims_are_known_where_they_are_given_a_value() {
    for text in [
        "SET tenant_vault.root_key = 'x'",
        "ALTER SYSTEM SET Tenant_Vault . Root_Key_Command TO 'x'",
        "SELECT set_config('tenant_vault.root_key', 'x', false)",
        "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
        "select set_config('request.headers', $1, true)",
        "SELECT pg_catalog.set_config ( E'request.cookies', $1, true)",
        "SET LOCAL \"request.jwt.claim.sub\" = 'x'",
        "SET request.jwt.claims TO 'x'",
        "SET SESSION request.headers TO 'x'",
        "EXECUTE 'SELECT set_config(''request.headers'', $1, true)'",
        "parameters: $1 = 'role', $2 = 'anon', $3 = 'request.jwt.claims', $4 = '{}'",
    ] {
        assert!(concerns(text), "{text}");
    }
    for text in [
        "SELECT current_setting('request.jwt.claims', true)",
        "CREATE POLICY p ON t USING (owner = current_setting('request.jwt.claims', true)::json ->> 'sub')",
        "SELECT request.headers FROM request",
        "RESET request.headers",
        "SELECT set_config('request.method', $1, true)",
        "SET tenant_vault.notify = off",
        "SELECT set_config('role', 'anon', true)",
    ] {
        assert!(!concerns(text), "{text}");
    }
}

#[test]
fn what_only_looks_alike_is_foreign() {
    for text in [
        "",
        "SELECT 1",
        "SELECT my_store_credential('x')",
        "SELECT store_credentials('x')",
        "SELECT store_credential2('x')",
        "SELECT store.credential('x')",
        "SELECT * FROM vault.credential_list WHERE name = 'x'",
        "SELECT vault FROM vaults WHERE prune(vault) = 'x'",
        "SELECT vault.name, (1) FROM vault",
        "SELECT U&\"d\\0061t\\+000061\"",
        "SELECT U&'d\\0061t\\+000061', E'\\nstore'",
        "PREPARE p AS SELECT $1",
        "INSERT INTO credentials (secret) VALUES ('x')",
        "SELECT 'Größe', U&\"\\00e4\"",
    ] {
        assert!(!concerns(text), "{text}");
    }
}

#[test]
fn further_names_are_known_like_ours() {
    let names = Names::and(b" app.save_key, \"Rotate\" ,, x.y . z ,");
    for text in [
        "SELECT app.save_key('x')",
        "select SAVE_KEY('x')",
        "SELECT \"Rotate\"('x')",
        "SELECT z(1)",
        "SELECT vault.store_credential('n', 'x')",
        "SELECT U&\"save\\005fkey\"('x')",
    ] {
        assert!(names.mention(text.as_bytes()).ours, "{text}");
    }
    for text in [
        "SELECT save_keys('x')",
        "SELECT app('x')",
        "SELECT y(1), \"\"",
    ] {
        assert!(!names.mention(text.as_bytes()).ours, "{text}");
    }
}

#[test]
fn names_of_prepared_statements_are_read_as_postgresql_keeps_them() {
    let names = |text: &str| -> Vec<String> {
        executed(text.as_bytes())
            .map(|name| String::from_utf8(name).expect("ASCII here"))
            .collect()
    };
    let mention = Names::ours().mention(b"EXPLAIN ANALYZE EXECUTE p(1)");
    assert!(mention.executes && !mention.ours);
    assert!(!Names::ours().mention(b"SELECT execution").executes);
    assert_eq!(names("EXECUTE p('x')"), ["p"]);
    assert_eq!(
        names("execute P$1; EXPLAIN EXECUTE /* c */ \"My \"\"p\" (1)"),
        ["p$1", "My \"p"]
    );
    assert_eq!(names("CREATE TABLE t AS EXECUTE -- c\n p"), ["p"]);
    assert_eq!(names("EXECUTE 'SELECT 1'"), [""; 0]);
    assert_eq!(names("EXECUTE"), [""; 0]);
    assert_eq!(
        names(&format!("EXECUTE {}", "n".repeat(100))),
        ["n".repeat(63)]
    );
}

/// A second's work for a quadratic search would be minutes.
#[test]
fn no_text_takes_more_than_linear_time() {
    for part in [
        "vault/*",
        "vault.",
        "U&\"",
        "U&\"\"\"",
        "U&'\\",
        "execute ",
        "execute\"",
        "$a$",
        "'",
        "\"",
        "/*",
        "vault--",
        "\\store_",
        "set_config('request.",
        "'\\",
        "'a'\n--x\n",
        "$$",
        "1e+",
        "request.jwt",
    ] {
        let text = part.repeat(4 << 20 >> part.len().ilog2());
        let before = processor_time();
        let _ = Names::ours().mention(text.as_bytes());
        let _ = executed(text.as_bytes()).count();
        let _ = scrubber::strip(text.as_bytes());
        let took = processor_time() - before;
        assert!(took < Duration::from_secs(5), "{part}: {took:?}");
    }
}

/// How long this thread was on a processor, whatever else the machine does.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("nanoseconds"))
}
