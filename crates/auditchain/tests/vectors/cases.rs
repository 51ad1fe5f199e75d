//! The vectors as they are built: records, and chains with one thing wrong each, named for it.

use auditchain::{Body, ChainKey, HASH_BYTES, Point, export, unkeyed_link};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;

#[derive(Serialize, Deserialize)]
pub struct Vector {
    pub name: String,
    pub shows: String,
    #[serde(flatten)]
    pub subject: Subject,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    Record(RecordCase),
    Chain(ChainCase),
    Stub(StubCase),
}

/// The columns of one record, as they are exported, and the hash of its canonical bytes.
#[derive(Serialize, Deserialize)]
pub struct RecordCase {
    pub columns: Map<String, Value>,
    pub body: String,
}

/// An exported log, and what a verifier says of it.
#[derive(Serialize, Deserialize)]
pub struct ChainCase {
    pub keys: Vec<KeyCase>,
    pub after: PointCase,
    pub head: PointCase,
    pub checkpoints: Vec<Map<String, Value>>,
    pub lines: Vec<Map<String, Value>>,
    pub result: Outcome,
}

#[derive(Serialize, Deserialize)]
pub struct StubCase {
    pub keys: Vec<KeyCase>,
    pub columns: Map<String, Value>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct KeyCase {
    pub root_key: String,
    pub fingerprint: String,
    pub chain_key: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct PointCase {
    pub seq: u64,
    pub link: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Intact {
        records: u64,
        unkeyed: u64,
        checkpoints: u64,
    },
    Broken {
        kind: String,
        at: i64,
    },
}

pub fn to_json(vector: &Vector) -> String {
    let json = serde_json::to_string_pretty(vector).expect("a vector has nothing that JSON lacks");
    json + "\n"
}

pub fn all() -> Vec<Vector> {
    let mut vectors = records();
    vectors.extend(chains());
    vectors.push(stub());
    vectors
}

// Records.

fn records() -> Vec<Vector> {
    let record = |name: &str, shows: &str, columns: &[(&str, Value)]| {
        let columns = with(typical(1), columns);
        let body = hex(body(&columns).as_bytes());
        vector(name, shows, Subject::Record(RecordCase { columns, body }))
    };
    let nullable = [
        "secret_id",
        "sqlstate",
        "tenant_id",
        "secret_key",
        "claims_subject",
        "claims_tenant",
        "claims_trusted",
        "application_name",
        "client_addr",
        "xid",
        "correlation_id",
        "access_reason",
        "lane",
        "platform_account",
        "origin",
    ];
    let all = |value: &Value| -> Vec<(&str, Value)> {
        nullable.iter().map(|name| (*name, value.clone())).collect()
    };
    let texts = [
        "session_user",
        "action",
        "outcome",
        "sqlstate",
        "secret_key",
        "effective_role",
        "claims_subject",
        "claims_tenant",
        "application_name",
        "correlation_id",
        "access_reason",
        "lane",
        "platform_account",
        "origin",
    ];
    vec![
        record("record_typical", "a read through PostgREST", &[]),
        record(
            "record_nulls",
            "NULL wherever it can be",
            &all(&Value::Null),
        ),
        record(
            "record_empty_texts",
            "texts without a byte are not NULL",
            &texts.map(|name| (name, json!(""))),
        ),
        record(
            "record_full",
            "a value in every column",
            &[
                ("sqlstate", json!("42704")),
                ("outcome", json!("not_found")),
                ("secret_key", json!("version 3")),
                ("correlation_id", json!("req-7f3a")),
                ("access_reason", json!("nightly billing run")),
                ("lane", json!("api")),
                ("platform_account", json!("acct_1")),
                ("origin", json!("standby-1")),
                ("claims_trusted", json!(false)),
            ],
        ),
        record(
            "record_unicode",
            "texts of two, three and four bytes a character, and what JSON escapes",
            &[("secret_key", json!("clé 鍵 🔑 \" \\ \u{1f}"))],
        ),
        record(
            "record_other_encoding",
            "bytes that are not UTF-8, from a database of another encoding",
            &[("session_user", json!({"hex": "6a6f7267e9"}))],
        ),
        record(
            "record_address_ipv6",
            "an address of 16 bytes",
            &[("client_addr", json!("2001:db8::ff00:42:8329"))],
        ),
        record(
            "record_address_prefix",
            "a prefix shorter than the address",
            &[("client_addr", json!("10.1.2.0/24"))],
        ),
        record(
            "record_before_1970",
            "a negative time, and a negative process number",
            &[
                ("accessed_at", json!("1969-12-31T23:59:59.999999Z")),
                ("backend_pid", json!(-1)),
            ],
        ),
        record(
            "record_greatest_numbers",
            "the greatest transaction id and process number, and a year of five digits, in February of a leap year",
            &[
                ("xid", json!("18446744073709551615")),
                ("backend_pid", json!(i32::MAX)),
                ("accessed_at", json!("12000-02-29T23:59:59.999999Z")),
            ],
        ),
    ]
}

fn typical(seq: u64) -> Map<String, Value> {
    let columns = json!({
        "seq": seq,
        "id": format!("019a6f2e-8c40-7d31-8000-{seq:012x}"),
        "secret_id": "5f0c3a52-0000-4a7e-9b1d-2f6c8e9a4d10",
        "accessed_at": format!("2026-11-21T11:05:{:02}.123456Z", seq % 60),
        "session_user": "authenticator",
        "action": "retrieve",
        "outcome": "ok",
        "sqlstate": null,
        "tenant_id": "00000000-0000-0000-0000-000000000000",
        "secret_key": null,
        "effective_role": "service_role",
        "claims_subject": "9b2f0d5e-user",
        "claims_tenant": "acme",
        "claims_trusted": true,
        "application_name": "PostgREST 12.0.2",
        "client_addr": "10.0.0.7",
        "backend_pid": 4711,
        "xid": "1234567",
        "correlation_id": null,
        "access_reason": null,
        "lane": null,
        "platform_account": null,
        "origin": null,
        "link": "0".repeat(64),
        "chain_key": null,
    });
    match columns {
        Value::Object(columns) => columns,
        _ => unreachable!("it was written as an object"),
    }
}

// Chains.

/// Makes a log by the rules; what is done to it afterwards is the case.
struct Log {
    lines: Vec<Map<String, Value>>,
    points: Vec<Point>,
}

/// Bytes that count up: a key ring refuses keys whose bytes are all equal.
const ROOT_KEYS: [[u8; HASH_BYTES]; 2] = [counting_from(0x00), counting_from(0x80)];
const MADE_AT_US: i64 = 1_795_258_860_000_000;
const MADE_AT: &str = "2026-11-21T11:01:00.000000Z";

const fn counting_from(first: u8) -> [u8; HASH_BYTES] {
    let mut bytes = [first; HASH_BYTES];
    let mut at = 0;
    while at < HASH_BYTES {
        bytes[at] += at as u8;
        at += 1;
    }
    bytes
}

impl Log {
    fn made_under(makers: &[Option<usize>]) -> Self {
        let mut log = Self {
            lines: Vec::new(),
            points: vec![Point::START],
        };
        for (index, maker) in makers.iter().enumerate() {
            let seq = index as u64 + 1;
            let line = typical(seq);
            let before = log.points[index].link;
            let link = match maker {
                Some(key) => chain_key(*key).link(seq, &before, &body(&line)),
                None => unkeyed_link(seq, &before, &body(&line)),
            };
            let name = maker.map(|key| key_case(&ROOT_KEYS[key]).fingerprint);
            log.lines.push(with(
                line,
                &[
                    ("link", json!(hex(link.as_bytes()))),
                    ("chain_key", json!(name)),
                ],
            ));
            log.points.push(Point { seq, link });
        }
        log
    }

    fn checkpoint(&self, seq: usize) -> Map<String, Value> {
        let Point { seq, link } = self.points[seq];
        let mac = chain_key(0).checkpoint_mac(seq, &link, MADE_AT_US);
        with(
            Map::new(),
            &[
                ("seq", json!(seq)),
                ("link", json!(hex(link.as_bytes()))),
                ("made_at", json!(MADE_AT)),
                ("chain_key", json!(key_case(&ROOT_KEYS[0]).fingerprint)),
                ("mac", json!(hex(&mac))),
            ],
        )
    }
}

fn chains() -> Vec<Vector> {
    let log = || Log::made_under(&[Some(0), Some(0), None, None, Some(1), Some(1), Some(1)]);
    let keys = || ROOT_KEYS.iter().map(key_case).collect();
    let case = |edit: &dyn Fn(&Log, &mut ChainCase)| {
        let log = log();
        let mut case = ChainCase {
            keys: keys(),
            after: point_case(&Point::START),
            head: point_case(&log.points[7]),
            checkpoints: Vec::new(),
            lines: log.lines.clone(),
            result: Outcome::Intact {
                records: 7,
                unkeyed: 2,
                checkpoints: 0,
            },
        };
        edit(&log, &mut case);
        case
    };
    let intact = |name: &str, shows: &str, edit: &dyn Fn(&Log, &mut ChainCase)| {
        vector(name, shows, Subject::Chain(case(edit)))
    };
    let broken =
        |name: &str, shows: &str, kind: &str, at: i64, edit: &dyn Fn(&Log, &mut ChainCase)| {
            let mut case = case(edit);
            let kind = kind.to_owned();
            case.result = Outcome::Broken { kind, at };
            vector(name, shows, Subject::Chain(case))
        };
    vec![
        intact(
            "chain_intact",
            "seven records under two keys, two of them unkeyed",
            &|_, _| {},
        ),
        intact("chain_empty", "a log without records", &|_, case| {
            case.lines.clear();
            case.head = point_case(&Point::START);
            case.result = Outcome::Intact {
                records: 0,
                unkeyed: 0,
                checkpoints: 0,
            };
        }),
        intact(
            "chain_after_a_stub",
            "the first two records were pruned",
            &|log, case| {
                case.lines.drain(..2);
                case.after = point_case(&log.points[2]);
                case.result = Outcome::Intact {
                    records: 5,
                    unkeyed: 2,
                    checkpoints: 0,
                };
            },
        ),
        intact(
            "chain_through_checkpoints",
            "two checkpoints, one of them at the end",
            &|log, case| {
                case.checkpoints = vec![log.checkpoint(2), log.checkpoint(7)];
                case.result = Outcome::Intact {
                    records: 7,
                    unkeyed: 2,
                    checkpoints: 2,
                };
            },
        ),
        broken(
            "content_changed",
            "another outcome",
            "changed",
            2,
            &|_, case| {
                set(&mut case.lines[1], "outcome", json!("denied"));
            },
        ),
        broken(
            "null_became_empty",
            "an empty text where there was NULL",
            "changed",
            6,
            &|_, case| {
                set(&mut case.lines[5], "lane", json!(""));
            },
        ),
        broken(
            "link_changed",
            "one bit of a link",
            "changed",
            5,
            &|log, case| {
                let mut link = *log.points[5].link.as_bytes();
                link[31] ^= 1;
                set(&mut case.lines[4], "link", json!(hex(&link)));
            },
        ),
        broken(
            "key_relabelled",
            "the other key's name",
            "changed",
            2,
            &|_, case| {
                set(
                    &mut case.lines[1],
                    "chain_key",
                    json!(key_case(&ROOT_KEYS[1]).fingerprint),
                );
            },
        ),
        broken(
            "key_taken_away",
            "a record under a key, said to be unkeyed",
            "changed",
            6,
            &|_, case| {
                set(&mut case.lines[5], "chain_key", Value::Null);
            },
        ),
        broken(
            "unkeyed_made_anew",
            "an unkeyed record was changed and its link made anew: the next one under a key gives it away",
            "changed",
            5,
            &|log, case| {
                set(&mut case.lines[3], "outcome", json!("denied"));
                let link = unkeyed_link(4, &log.points[3].link, &body(&case.lines[3]));
                set(&mut case.lines[3], "link", json!(hex(link.as_bytes())));
            },
        ),
        broken(
            "record_missing",
            "number 3 is not there",
            "missing",
            3,
            &|_, case| {
                case.lines.remove(2);
            },
        ),
        broken(
            "record_missing_closed_up",
            "number 3 is gone, and the rest was renumbered",
            "missing",
            3,
            &|_, case| {
                case.lines.remove(2);
                for (index, line) in case.lines.iter_mut().enumerate() {
                    set(line, "seq", json!(index + 1));
                }
            },
        ),
        broken(
            "numbers_exchanged",
            "records 2 and 6 have each other's number",
            "reordered",
            2,
            &|_, case| {
                case.lines.swap(1, 5);
                set(&mut case.lines[1], "seq", json!(2));
                set(&mut case.lines[5], "seq", json!(6));
            },
        ),
        broken(
            "neighbours_exchanged",
            "records 6 and 7 have each other's number",
            "reordered",
            6,
            &|_, case| {
                case.lines.swap(5, 6);
                set(&mut case.lines[5], "seq", json!(6));
                set(&mut case.lines[6], "seq", json!(7));
            },
        ),
        broken(
            "contents_exchanged",
            "records 5 and 7 have each other's content",
            "reordered",
            5,
            &|log, case| {
                case.lines.swap(4, 6);
                for at in [4, 6] {
                    set(&mut case.lines[at], "seq", json!(at + 1));
                    set(&mut case.lines[at], "link", log.lines[at]["link"].clone());
                }
            },
        ),
        broken(
            "lines_exchanged",
            "lines 2 and 3 are not in order",
            "reordered",
            2,
            &|_, case| {
                case.lines.swap(1, 2);
            },
        ),
        broken(
            "slipped_in",
            "a record nobody made, the rest renumbered",
            "foreign",
            4,
            &|_, case| {
                let mut line = case.lines[3].clone();
                set(
                    &mut line,
                    "id",
                    json!("019a6f2e-8c40-7d31-8000-ffffffffffff"),
                );
                set(&mut line, "link", json!("ab".repeat(32)));
                case.lines.insert(3, line);
                for (index, line) in case.lines.iter_mut().enumerate() {
                    set(line, "seq", json!(index + 1));
                }
                case.head.seq += 1;
            },
        ),
        broken(
            "number_twice",
            "the same record a second time",
            "foreign",
            4,
            &|_, case| {
                let line = case.lines[3].clone();
                case.lines.insert(3, line);
            },
        ),
        broken(
            "number_zero",
            "a record before the first one",
            "foreign",
            0,
            &|_, case| {
                let line = with(case.lines[0].clone(), &[("seq", json!(0))]);
                case.lines.insert(0, line);
            },
        ),
        broken(
            "number_past_the_head",
            "the head was set back",
            "foreign",
            7,
            &|log, case| {
                case.head = point_case(&log.points[6]);
            },
        ),
        broken(
            "key_unknown",
            "the fingerprint of no key of ours",
            "foreign",
            5,
            &|_, case| {
                set(&mut case.lines[4], "chain_key", json!("0f".repeat(16)));
            },
        ),
        broken(
            "link_truncated",
            "a link of 31 bytes",
            "foreign",
            5,
            &|_, case| {
                set(&mut case.lines[4], "link", json!("ab".repeat(31)));
            },
        ),
        broken(
            "truncated_before_the_head",
            "the last two are gone",
            "truncated",
            6,
            &|_, case| {
                case.lines.truncate(5);
            },
        ),
        broken(
            "truncated_before_a_checkpoint",
            "the last two are gone and the head was set back; a checkpoint remembers",
            "truncated",
            6,
            &|log, case| {
                case.lines.truncate(5);
                case.head = point_case(&log.points[5]);
                case.checkpoints = vec![log.checkpoint(2), log.checkpoint(7)];
            },
        ),
        broken(
            "rewritten_before_a_checkpoint",
            "every link was made anew under the key of the chain; a checkpoint remembers",
            "rewritten",
            7,
            &|log, case| {
                let anew = Log::made_under(&[Some(0); 7]);
                case.lines = anew.lines;
                case.head = point_case(&anew.points[7]);
                case.checkpoints = vec![log.checkpoint(2), log.checkpoint(7)];
            },
        ),
        broken(
            "rewritten_before_the_head",
            "the head has another link",
            "rewritten",
            7,
            &|log, case| {
                case.head.link = hex(log.points[6].link.as_bytes());
            },
        ),
        broken(
            "checkpoint_forged",
            "a checkpoint whose time was changed",
            "foreign",
            2,
            &|log, case| {
                case.checkpoints = vec![log.checkpoint(2)];
                set(
                    &mut case.checkpoints[0],
                    "made_at",
                    json!("2026-11-21T11:01:00.000001Z"),
                );
            },
        ),
    ]
}

fn stub() -> Vector {
    let link = Log::made_under(&[Some(0); 3]).points[3].link;
    let mac = chain_key(0).stub_mac(1, 3, &link, MADE_AT_US);
    let key = key_case(&ROOT_KEYS[0]);
    let columns = with(
        Map::new(),
        &[
            ("first_seq", json!(1)),
            ("last_seq", json!(3)),
            ("link", json!(hex(link.as_bytes()))),
            ("pruned_at", json!(MADE_AT)),
            ("chain_key", json!(key.fingerprint)),
            ("mac", json!(hex(&mac))),
        ],
    );
    let keys = vec![key];
    let case = StubCase { keys, columns };
    vector(
        "stub",
        "what stands for records 1 to 3 after they were pruned",
        Subject::Stub(case),
    )
}

fn vector(name: &str, shows: &str, subject: Subject) -> Vector {
    Vector {
        name: name.to_owned(),
        shows: shows.to_owned(),
        subject,
    }
}

fn with(mut columns: Map<String, Value>, others: &[(&str, Value)]) -> Map<String, Value> {
    for (name, value) in others {
        columns.insert((*name).to_owned(), value.clone());
    }
    columns
}

fn set(columns: &mut Map<String, Value>, name: &str, value: Value) {
    columns.insert(name.to_owned(), value);
}

fn body(columns: &Map<String, Value>) -> Body {
    let line = serde_json::to_vec(columns).expect("the columns are JSON");
    export::record(&line)
        .expect("the columns are a record's")
        .body
}

fn chain_key(number: usize) -> ChainKey {
    let key = expand(&ROOT_KEYS[number], b"tv1/chan");
    ChainKey::new(&key)
}

fn key_case(root_key: &[u8; HASH_BYTES]) -> KeyCase {
    KeyCase {
        root_key: hex(root_key),
        fingerprint: hex(&expand(root_key, b"tv1/fing")[..16]),
        chain_key: hex(&expand(root_key, b"tv1/chan")),
    }
}

/// HKDF-Expand of one block (RFC 5869, section 2.3).
fn expand(root_key: &[u8; HASH_BYTES], info: &[u8; 8]) -> [u8; HASH_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(root_key).expect("HMAC takes a key of any length");
    mac.update(info);
    mac.update(&[1]);
    mac.finalize().into_bytes().into()
}

fn point_case(point: &Point) -> PointCase {
    PointCase {
        seq: point.seq,
        link: hex(point.link.as_bytes()),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
