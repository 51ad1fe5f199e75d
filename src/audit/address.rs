//! A client's address as it is hashed, from the two forms in which PostgreSQL gives it.

use std::net::IpAddr;

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

    pub fn of_ip(address: IpAddr) -> Self {
        let (family, bits, address) = match address {
            IpAddr::V4(address) => (INET4, 32, address.octets().to_vec()),
            IpAddr::V6(address) => (INET6, 128, address.octets().to_vec()),
        };
        Self::new(family, bits, &address).expect("an address has the length of its family")
    }

    /// As a whole datum of type inet, with a header of four bytes.
    pub fn inet(&self) -> Vec<u8> {
        let family = if self.bytes[0] == 4 { INET4 } else { INET6 };
        let size = (4 + self.length) as u32;
        let mut datum = (size << 2).to_le_bytes().to_vec();
        datum.push(family);
        datum.extend_from_slice(&self.bytes[1..self.length]);
        datum
    }

    /// Without its prefix, which a client's address has none of.
    pub fn ip(&self) -> IpAddr {
        match <[u8; 4]>::try_from(&self.bytes[2..self.length]) {
            Ok(address) => address.into(),
            Err(_) => <[u8; 16]>::try_from(&self.bytes[2..])
                .expect("the longer of the two families")
                .into(),
        }
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
