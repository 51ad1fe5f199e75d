//! The offline verifier as somebody calls it: files in, one line and an exit status out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const INTACT: i32 = 0;
const BROKEN: i32 = 1;
const UNTOLD: i32 = 2;

/// A vector as the files of an export, in a folder of its own.
struct Export {
    folder: PathBuf,
    vector: Value,
}

impl Export {
    fn of(vector: &str, test: &str) -> Self {
        let path = testdata().join(format!("{vector}.json"));
        let vector: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let name = format!("auditchain-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let export = Self { folder, vector };
        export.write("log", &export.lines("lines"));
        export.write("checkpoints", &export.lines("checkpoints"));
        if export.vector["keys"].is_array() {
            export.write("ring", &export.ring());
        }
        export
    }

    fn lines(&self, name: &str) -> String {
        let lines = self.vector[name].as_array().into_iter().flatten();
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn ring(&self) -> String {
        let keys = self.vector["keys"].as_array().unwrap().iter().enumerate();
        keys.map(|(at, key)| {
            let state = if at == 0 { "primary" } else { "enabled" };
            format!(
                "{state} key-{at} hex:{}\n",
                key["root_key"].as_str().unwrap()
            )
        })
        .collect()
    }

    fn chain_keys(&self) -> String {
        let keys = self.vector["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            let part = |name| key[name].as_str().unwrap();
            format!("{} {}\n", part("fingerprint"), part("chain_key"))
        })
        .collect()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn point(&self, name: &str) -> String {
        let point = &self.vector[name];
        format!("{}:{}", point["seq"], point["link"].as_str().unwrap())
    }

    /// The exit status, and what was printed: on standard output, or if that is empty on standard error.
    fn verify(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_verify"))
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        let printed = if output.stdout.is_empty() {
            output.stderr
        } else {
            output.stdout
        };
        let code = output.status.code().unwrap();
        (code, String::from_utf8(printed).unwrap())
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn it_says_of_every_vector_what_the_vector_says() {
    let mut seen = 0;
    for entry in fs::read_dir(testdata()).unwrap() {
        let name = entry.unwrap().path();
        let name = name.file_stem().unwrap().to_str().unwrap();
        let export = Export::of(name, "vector");
        if export.vector["kind"] != "chain" {
            continue;
        }
        let (after, head) = (export.point("after"), export.point("head"));
        let mut arguments = vec!["--log", "log", "--root-keys", "ring", "--head", &head];
        arguments.extend(["--checkpoints", "checkpoints"]);
        if !after.starts_with("0:") {
            arguments.extend(["--after", &after]);
        }
        let (code, printed) = export.verify(&arguments);
        let result = &export.vector["result"];
        let said = match result.get("broken") {
            Some(broken) => (
                BROKEN,
                format!("broken at {} ({}): ", broken["at"], text(&broken["kind"])),
            ),
            None => (INTACT, "intact: records ".to_owned()),
        };
        assert_eq!(code, said.0, "{name}: {printed}");
        assert!(printed.starts_with(&said.1), "{name}: {printed}");
        seen += 1;
    }
    assert!(seen > 20);
}

#[test]
fn it_says_what_it_saw_and_what_it_could_not_see() {
    let export = Export::of("chain_through_checkpoints", "summary");
    let keys = ["--log", "log", "--root-keys", "ring"];
    let unseen = "note: no --checkpoint from elsewhere lies at 7 or later: whether more records followed cannot be seen\n";
    assert_eq!(
        export.verify(&keys),
        (
            INTACT,
            format!("intact: records 1 to 7, 2 unkeyed, 0 checkpoints\n{unseen}")
        )
    );
    let head = export.point("head");
    let with = ["--checkpoint", &head, "--checkpoints", "checkpoints"];
    assert_eq!(
        export.verify(&[&keys[..], &with].concat()),
        (
            INTACT,
            "intact: records 1 to 7, 2 unkeyed, 3 checkpoints\n".to_owned()
        )
    );
    let without = ["--log", "log", "--without-keys", "--checkpoint", &head];
    assert_eq!(
        export.verify(&without),
        (
            INTACT,
            "intact: records 1 to 7, 2 unkeyed, 1 checkpoints\n\
             note: without keys, a change of the 5 records under a key cannot be seen\n"
                .to_owned()
        )
    );

    let lines = export.lines("lines");
    let unkeyed: Vec<&str> = lines.lines().take(4).collect();
    export.write("log", &unkeyed.join("\n"));
    let (code, printed) = export.verify(&keys);
    assert_eq!(code, INTACT);
    assert!(
        printed.contains("note: records 3 to 4 are unkeyed and nothing under a key follows"),
        "{printed}"
    );
}

#[test]
fn a_part_of_the_log_begins_where_it_is_told() {
    let export = Export::of("chain_intact", "part");
    let lines = export.lines("lines");
    let part: String = lines.split_inclusive('\n').skip(2).collect();
    export.write("log", &part);
    let keys = ["--log", "log", "--root-keys", "ring"];
    let begins = |begin: &[&str]| export.verify(&[&keys[..], begin].concat());
    assert!(
        begins(&["--range"])
            .1
            .starts_with("intact: records 4 to 7, ")
    );
    assert_eq!(
        begins(&[]),
        (
            BROKEN,
            "broken at 1 (missing): records 1 to 2 are missing\n".to_owned()
        )
    );

    let second = &export.vector["lines"][1];
    let after = format!("2:{}", text(&second["link"]));
    assert!(
        begins(&["--after", &after])
            .1
            .starts_with("intact: records 3 to 7, ")
    );
    let wrong = format!("2:{}", "00".repeat(32));
    assert!(
        begins(&["--after", &wrong])
            .1
            .starts_with("broken at 3 (changed): ")
    );

    let stub = Export::of("stub", "part-stub");
    let pruned: Value = stub.vector["columns"].clone();
    export.write("stubs", &format!("{pruned}\n"));
    let part: String = lines.split_inclusive('\n').skip(3).collect();
    export.write("log", &part);
    // The stub is of another log: attested, and yet not what these records continue.
    assert!(
        begins(&["--stubs", "stubs"])
            .1
            .starts_with("broken at 4 (changed): ")
    );
    let mut forged = pruned;
    forged["last_seq"] = 4.into();
    export.write("stubs", &format!("{forged}\n"));
    assert_eq!(
        begins(&["--stubs", "stubs"]),
        (
            BROKEN,
            "broken at 4 (foreign): the stub of the records up to 4 was not made under the key it names\n".to_owned()
        )
    );
}

#[test]
fn chain_keys_are_all_that_an_auditor_needs() {
    let export = Export::of("chain_intact", "chain-keys");
    let written = export.verify(&["--root-keys", "ring", "--write-chain-keys", "auditor"]);
    assert_eq!(written, (INTACT, "2 chain keys written\n".to_owned()));
    let path = export.folder.join("auditor");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.split_once('\n').unwrap().1, export.chain_keys());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let (code, _) = export.verify(&["--log", "log", "--chain-keys", "auditor"]);
    assert_eq!(code, INTACT);
    let again = export.verify(&["--root-keys", "ring", "--write-chain-keys", "auditor"]);
    assert_eq!(again.0, UNTOLD, "it writes over nothing");
}

#[test]
fn a_key_that_the_ring_has_lost_is_found_among_the_kept_ones() {
    let export = Export::of("chain_intact", "kept");
    let ring = export.ring();
    let newest = ring.lines().nth(1).unwrap().replace("enabled", "primary");
    export.write("ring", &newest);
    let keys = ["--log", "log", "--root-keys", "ring"];
    let (code, printed) = export.verify(&keys);
    assert_eq!(code, BROKEN);
    assert!(printed.contains("record 1 names chain key "), "{printed}");

    let rings = envelope::KeyRing::parse(ring.as_bytes()).unwrap();
    let of = rings.fingerprints().next().unwrap().1;
    let by = rings.fingerprints().nth(1).unwrap().1;
    let lost = rings.by_fingerprint(&of).unwrap().chain_key();
    let wrapped = rings
        .by_fingerprint(&by)
        .unwrap()
        .wrap_chain_key(&of, lost, [9; 12]);
    let wrapped: String = wrapped.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = format!(r#"{{"fingerprint":"{of}","wrapped_by":"{by}","wrapped_key":"{wrapped}"}}"#);
    export.write("kept", &kept);
    let (code, printed) = export.verify(&[&keys[..], &["--kept-keys", "kept"]].concat());
    assert_eq!(code, INTACT, "{printed}");
    export.write("kept", &kept.replacen(&wrapped[..30], &wrapped[1..31], 1));
    let (code, printed) = export.verify(&[&keys[..], &["--kept-keys", "kept"]].concat());
    assert_eq!(code, UNTOLD, "{printed}");
}

#[test]
fn what_cannot_be_told_is_neither_intact_nor_broken() {
    let export = Export::of("chain_intact", "untold");
    let untold = |arguments: &[&str], said: &str| {
        let (code, printed) = export.verify(arguments);
        assert_eq!(code, UNTOLD, "{arguments:?}: {printed}");
        assert!(printed.contains(said), "{arguments:?}: {printed}");
    };
    untold(&[], "usage: verify");
    untold(&["--root-keys", "ring"], "--log is missing");
    untold(
        &["--log", "log"],
        "keys are missing; without any, say --without-keys",
    );
    untold(
        &["--log", "log", "--root-keys", "ring", "--without-keys"],
        "cannot stand beside keys",
    );
    untold(
        &["--log", "log", "--without-keys", "--kept-keys", "k"],
        "--kept-keys needs --root-keys",
    );
    untold(
        &["--log", "log", "--log", "log"],
        "--log can stand once only",
    );
    untold(
        &["--log", "log", "--after", "1:00", "--without-keys"],
        "--after must be a number",
    );
    untold(&["--range", "--stubs", "s"], "only one of");
    untold(&["--lag", "log"], "no such option: --lag");
    untold(&["--log"], "--log needs a value");
    untold(&["--log", "nowhere", "--root-keys", "ring"], "nowhere: ");
    untold(&["--log", ".", "--root-keys", "ring"], ". line 1: ");
    untold(
        &["--log", "log", "--root-keys", "log"],
        "log: key ring line 1: ",
    );
    untold(
        &["--log", "log", "--chain-keys", "ring"],
        "ring line 1: expected 32 and 64 hex digits",
    );
    export.write("empty", "");
    untold(
        &["--log", "empty", "--root-keys", "ring"],
        "empty: holds no record",
    );
    let lines = export.lines("lines");
    export.write("cut", &lines[..lines.len() - 9]);
    untold(
        &["--log", "cut", "--root-keys", "ring"],
        "cut line 7: not a line of an export",
    );
    export.write("blank", &lines.replacen('\n', "\n\n", 1));
    untold(&["--log", "blank", "--root-keys", "ring"], "blank line 2: ");
    let checkpoints = Export::of("chain_through_checkpoints", "untold-checkpoints");
    let lines = checkpoints.lines("checkpoints");
    let backwards: String = lines.split_inclusive('\n').rev().collect();
    export.write("backwards", &backwards);
    untold(
        &[
            "--log",
            "log",
            "--root-keys",
            "ring",
            "--checkpoints",
            "backwards",
        ],
        "backwards line 2: the checkpoints are not in order of seq",
    );
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn testdata() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/v1"))
}
