//! A log in memory, made by the rules, and the verification of it in two passes as a caller does it.

use auditchain::{
    Body, Broken, ChainKey, Fingerprint, HASH_BYTES, Keys, Link, Point, Row, Summary, Verifier,
    unkeyed_link,
};

/// How many keys there are to make records under.
pub const KEYS: usize = 2;

#[derive(Clone, Debug)]
pub struct Log {
    pub rows: Vec<Row>,
    pub head: Point,
    pub keys: Keys,
}

pub fn key(number: usize) -> ChainKey {
    let mut bytes = [0x5a; HASH_BYTES];
    bytes[0] = number as u8;
    ChainKey::new(&bytes)
}

pub fn fingerprint(number: usize) -> Fingerprint {
    Fingerprint::from_bytes([number as u8; 16])
}

/// A body that no other number has.
pub fn body(number: u64) -> Body {
    let mut bytes = [0xb0; HASH_BYTES];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Body::from_bytes(bytes)
}

impl Log {
    /// One record for each element: the key it is made under, or none.
    pub fn made_under(makers: &[Option<usize>]) -> Self {
        let mut keys = Keys::default();
        for number in 0..KEYS {
            keys.add(fingerprint(number), key(number));
        }
        let mut log = Self {
            rows: Vec::new(),
            head: Point::START,
            keys,
        };
        for maker in makers {
            log.append(*maker);
        }
        log
    }

    fn append(&mut self, maker: Option<usize>) {
        let seq = self.head.seq + 1;
        let body = body(seq);
        let link = match maker {
            Some(number) => key(number).link(seq, &self.head.link, &body),
            None => unkeyed_link(seq, &self.head.link, &body),
        };
        self.rows.push(Row {
            seq: seq as i64,
            link,
            key: maker.map(fingerprint),
            body,
        });
        self.head = Point { seq, link };
    }

    pub fn point(&self, seq: u64) -> Point {
        let link = self.rows[seq as usize - 1].link;
        Point { seq, link }
    }

    /// As a table is read.
    pub fn in_order(mut self) -> Self {
        self.rows.sort_by_key(|row| row.seq);
        self
    }

    pub fn verify(&self) -> Result<Summary, Broken> {
        self.verify_with(Point::START, &[])
    }

    pub fn verify_with(&self, after: Point, checkpoints: &[Point]) -> Result<Summary, Broken> {
        let mut verifier = Verifier::new(after);
        match self.first_pass(&mut verifier, after, checkpoints) {
            Ok(()) => verifier.finish(Some(&self.head)),
            Err(broken) => Err(self.second_pass(&verifier).unwrap_or(broken)),
        }
    }

    fn first_pass(
        &self,
        verifier: &mut Verifier,
        after: Point,
        checkpoints: &[Point],
    ) -> Result<(), Broken> {
        let mut checkpoints = checkpoints.iter().peekable();
        for row in self
            .rows
            .iter()
            .filter(|row| row.seq > after.seq as i64 || after.seq == 0)
        {
            verifier.push(row, self.keys.of(row.key))?;
            while let Some(checkpoint) =
                checkpoints.next_if(|checkpoint| checkpoint.seq as i64 <= row.seq)
            {
                verifier.meet(checkpoint)?;
            }
        }
        checkpoints.try_for_each(|checkpoint| verifier.meet(checkpoint))
    }

    fn second_pass(&self, verifier: &Verifier) -> Option<Broken> {
        let mut diagnosis = verifier.diagnosis()?;
        for row in &self.rows {
            if !diagnosis.push(row, self.keys.of(row.key)) {
                break;
            }
        }
        Some(diagnosis.finish())
    }
}

/// What nobody has made.
pub fn forged(seq: i64) -> Row {
    Row {
        seq,
        link: Link::from_bytes([0xee; HASH_BYTES]),
        key: Some(fingerprint(0)),
        body: Body::from_bytes([0xdd; HASH_BYTES]),
    }
}
