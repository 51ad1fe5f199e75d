//! PostgREST in front of a database, and a client of it that speaks just enough HTTP.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::free_port;
use crate::companion::Companion;
use crate::issuer::hs256;
use crate::pgbouncer::uri;
use crate::{Database, Pgbouncer};

/// Signs the tokens that PostgREST believes.
const JWT_SECRET: &[u8] = b"the tests' own secret, 32 bytes or more";

/// pgbouncer in transaction mode cannot follow prepared statements, nor somebody who listens.
const POOLED: &str = "db-prepared-statements = false\ndb-channel-enabled = false\n";

/// As Supabase runs it: logs in as `authenticator`, takes the role that the token names, else `anon`; and calls
/// `vault.begin_request` before each request.
#[derive(Debug)]
pub struct Postgrest {
    companion: Companion,
    door: Door,
}

/// Where it listens.
#[derive(Clone, Debug)]
enum Door {
    Socket(PathBuf),
    /// On 127.0.0.1.
    Port(u16),
}

/// Both kinds of connections.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// An answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Postgrest {
    pub fn start(db: &Database<'_>) -> Self {
        Self::connected_by(&direct(db), "", false)
    }

    /// With a pooler in between, which must not see prepared statements, nor somebody who listens.
    pub fn through(pooler: &Pgbouncer) -> Self {
        Self::connected_by(&pooler.uri("authenticator"), POOLED, false)
    }

    /// The same two for clients that know nothing but addresses.
    pub fn start_on_loopback(db: &Database<'_>) -> Self {
        Self::connected_by(&direct(db), "", true)
    }

    pub fn through_on_loopback(pooler: &Pgbouncer) -> Self {
        Self::connected_by(&pooler.uri("authenticator"), POOLED, true)
    }

    fn connected_by(uri: &str, more: &str, on_loopback: bool) -> Self {
        let folder = Companion::folder("postgrest");
        let door = if on_loopback {
            Door::Port(free_port())
        } else {
            Door::Socket(folder.join("http"))
        };
        let listens = match &door {
            Door::Port(port) => format!("server-host = \"127.0.0.1\"\nserver-port = {port}\n"),
            Door::Socket(path) => format!(
                "server-unix-socket = \"{}\"\nserver-unix-socket-mode = \"600\"\n",
                path.display()
            ),
        };
        Companion::write(
            &folder,
            "postgrest.conf",
            &format!(
                "db-uri = \"{uri}\"\n\
                 db-schemas = \"public\"\n\
                 db-anon-role = \"anon\"\n\
                 db-pre-request = \"vault.begin_request\"\n\
                 db-pool = 20\n\
                 db-pool-acquisition-timeout = 60\n\
                 jwt-secret = \"{secret}\"\n\
                 {listens}{more}",
                secret = String::from_utf8_lossy(JWT_SECRET),
            ),
        );
        let ready = {
            let door = door.clone();
            move || {
                // 503 as long as it has not read the schema.
                try_request(&door, "GET", "/", &[], None).is_ok_and(|answer| answer.status != 503)
            }
        };
        Self {
            companion: Companion::start(folder, "postgrest", "postgrest.conf", ready),
            door,
        }
    }

    /// Of one that listens on 127.0.0.1.
    pub fn url(&self) -> String {
        match &self.door {
            Door::Port(port) => format!("http://127.0.0.1:{port}"),
            Door::Socket(path) => panic!("{} has no address", path.display()),
        }
    }

    /// A good token that says this.
    pub fn token(claims: &Value) -> String {
        hs256(JWT_SECRET, claims)
    }

    /// Somebody with a good token.
    pub fn with_claims(&self, claims: &Value) -> Requests {
        self.with_token(Self::token(claims))
    }

    /// A user `subject` of `tenant`, in the role `authenticated`.
    pub fn user(&self, tenant: uuid::Uuid, subject: &str) -> Requests {
        self.with_claims(
            &json!({"role": "authenticated", "sub": subject, "app_metadata": {"tenant_id": tenant.to_string()}}),
        )
    }

    /// Somebody with a text that says it is a token.
    pub fn with_token(&self, token: String) -> Requests {
        Requests {
            door: self.door.clone(),
            headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
        }
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.companion.log()
    }

    pub fn anonymous(&self) -> Requests {
        Requests {
            door: self.door.clone(),
            headers: Vec::new(),
        }
    }
}

/// What one caller asks. Each request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Requests {
    door: Door,
    headers: Vec<(String, String)>,
}

impl Requests {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path, Some(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Response {
        self.request("PATCH", path, Some(body))
    }

    pub fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path, None)
    }

    /// Rows that are inserted, changed or deleted are answered.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        try_request(&self.door, method, path, &self.headers, body)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {self:?}"))
    }

    /// The answer to a request that must succeed.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The SQLSTATE of a request that must have been refused by `status`.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn direct(db: &Database<'_>) -> String {
    uri(db.dir(), db.port(), "authenticator", db.name())
}

fn try_request(
    door: &Door,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Option<&Value>,
) -> std::io::Result<Response> {
    let patience = Some(Duration::from_secs(120));
    let mut stream: Box<dyn Stream> = match door {
        Door::Socket(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(patience)?;
            Box::new(stream)
        }
        Door::Port(port) => {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
            stream.set_read_timeout(patience)?;
            Box::new(stream)
        }
    };
    // Of HTTP/1.0 the answer comes in one piece, and its end is the connection's.
    let mut message = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n");
    let body = body.map(Value::to_string);
    if let Some(body) = &body {
        write!(
            message,
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )
        .expect("writing to a String");
    }
    for (name, value) in headers {
        write!(message, "{name}: {value}\r\n").expect("writing to a String");
    }
    write!(message, "Prefer: return=representation\r\n\r\n").expect("writing to a String");
    message.push_str(body.as_deref().unwrap_or_default());
    stream.write_all(message.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let parsed = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let (first, headers) = head.split_once("\r\n")?;
        Some(Response {
            status: first.split(' ').nth(1)?.parse().ok()?,
            headers: headers.to_owned(),
            body: body.to_owned(),
        })
    });
    parsed.ok_or_else(|| std::io::Error::other(format!("not an answer: {answer:?}")))
}
