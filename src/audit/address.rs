//! A client's address as it is hashed, from the two forms in which PostgreSQL gives it.

/// `family[1] || prefix[1] || address`, the family 4 or 6.
pub struct Address {
    bytes: [u8; 18],
    length: usize,
}

/// What PostgreSQL calls the families (inet.h): AF_INET and the number after it.
const INET4: u8 = 2;
const INET6: u8 = 3;

impl Address {
    /// A whole datum of type inet, its header of four bytes included.
    pub fn of_inet(datum: &[u8]) -> Option<Self> {
        let [family, prefix, address @ ..] = datum.get(4..)? else {
            return None;
        };
        Self::new(*family, *prefix, address)
    }

    /// What inet_send gives: family, prefix, whether it is a cidr, the address's length, the address.
    pub fn of_wire(bytes: &[u8]) -> Option<Self> {
        let [family, prefix, _, _, address @ ..] = bytes else {
            return None;
        };
        Self::new(*family, *prefix, address)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn new(family: u8, prefix: u8, address: &[u8]) -> Option<Self> {
        let (family, length) = match family {
            INET4 => (4, 4),
            INET6 => (6, 16),
            _ => return None,
        };
        let mut bytes = [0; 18];
        bytes[..2].copy_from_slice(&[family, prefix]);
        bytes[2..2 + length].copy_from_slice(address.get(..length)?);
        Some(Self {
            bytes,
            length: 2 + length,
        })
    }
}
