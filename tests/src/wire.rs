//! PostgreSQL's protocol, message by message, for what no driver sends: several messages before the first answer,
//! portals with names, parts of a result, a connection left in the middle of something.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use crate::Database;

/// One session, over the server's socket.
#[derive(Debug)]
pub struct Wire {
    stream: UnixStream,
    waiting: Vec<u8>,
}

impl Wire {
    pub fn open(db: &Database<'_>, user: &str) -> Self {
        let socket = db.dir().join(format!(".s.PGSQL.{}", db.port()));
        let mut stream = UnixStream::connect(socket).expect("the server's socket");
        let mut startup = 196_608_u32.to_be_bytes().to_vec();
        for text in ["user", user, "database", db.name(), ""] {
            startup.extend(text.as_bytes());
            startup.push(0);
        }
        stream.write_all(&length(startup.len())).expect("startup");
        stream.write_all(&startup).expect("startup");
        let mut wire = Self {
            stream,
            waiting: Vec::new(),
        };
        wire.answers();
        wire
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> &mut Self {
        self.waiting.push(kind);
        self.waiting.extend(length(body.len()));
        self.waiting.extend(body);
        self
    }

    pub fn query(&mut self, text: &str) -> &mut Self {
        self.message(b'Q', &[text.as_bytes(), &[0]].concat())
    }

    pub fn parse(&mut self, name: &str, text: &str) -> &mut Self {
        let body = [name.as_bytes(), &[0], text.as_bytes(), &[0, 0, 0]].concat();
        self.message(b'P', &body)
    }

    /// Parameters in text form.
    pub fn bind(&mut self, portal: &str, statement: &str, parameters: &[&str]) -> &mut Self {
        let mut body = [portal.as_bytes(), &[0], statement.as_bytes(), &[0, 0, 0]].concat();
        body.extend(u16::try_from(parameters.len()).expect("few").to_be_bytes());
        for parameter in parameters {
            body.extend(u32::try_from(parameter.len()).expect("short").to_be_bytes());
            body.extend(parameter.as_bytes());
        }
        body.extend([0, 0]);
        self.message(b'B', &body)
    }

    /// - `rows`: at most so many; 0 for all
    pub fn execute(&mut self, portal: &str, rows: u32) -> &mut Self {
        let body = [portal.as_bytes(), &[0], &rows.to_be_bytes()].concat();
        self.message(b'E', &body)
    }

    pub fn sync(&mut self) -> &mut Self {
        self.message(b'S', &[])
    }

    /// Sends what was said so far, without waiting for an answer.
    pub fn send(&mut self) -> &mut Self {
        self.stream.write_all(&self.waiting).expect("a live server");
        self.waiting.clear();
        self
    }

    /// Sends, and reads until the server is ready for a query; the SQLSTATEs of the errors on the way.
    pub fn answers(&mut self) -> Vec<String> {
        self.send();
        let mut errors = Vec::new();
        loop {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head).expect("an answer");
            let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; usize::try_from(size).expect("a length") - 4];
            self.stream.read_exact(&mut body).expect("an answer's body");
            match head[0] {
                b'Z' => return errors,
                b'E' => errors.extend(
                    body.split(|byte| *byte == 0)
                        .find_map(|field| field.strip_prefix(b"C"))
                        .map(|code| String::from_utf8_lossy(code).into_owned()),
                ),
                _ => {}
            }
        }
    }
}

/// Of a message that counts its own length.
fn length(body: usize) -> [u8; 4] {
    u32::try_from(body + 4)
        .expect("a short message")
        .to_be_bytes()
}
