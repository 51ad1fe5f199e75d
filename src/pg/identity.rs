//! Who is at the other end, as far as the server knows.

use std::cell::{Cell, OnceCell};
use std::ffi::CStr;

use pgrx::{pg_guard, pg_sys};

use super::raw;

thread_local! {
    /// Role names by oid, for the three roles that matter; emptied when any role changes.
    static NAMES: Cell<[Option<(pg_sys::Oid, Name)>; 3]> = const { Cell::new([None; 3]) };
    static ROLES: Cell<Roles> = const { Cell::new(Roles(0)) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static CLIENT_ADDRESS: OnceCell<Option<&'static [u8]>> = const { OnceCell::new() };
}

/// The first members of struct Port of PostgreSQL 15 (libpq-be.h), which pgrx leaves opaque.
#[repr(C)]
struct Port {
    socket: pg_sys::pgsocket,
    is_nonblocking: bool,
    protocol: u32,
    own: pg_sys::SockAddr,
    peer: pg_sys::SockAddr,
}

/// A role's name in the database's encoding.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; pg_sys::NAMEDATALEN as usize],
    length: u8,
}

impl Name {
    /// Of another server's role, or made up: cut where no role's name is so long.
    pub fn from_bytes(text: &[u8]) -> Self {
        let mut bytes = [0; pg_sys::NAMEDATALEN as usize];
        let length = text.len().min(bytes.len() - 1);
        bytes[..length].copy_from_slice(&text[..length]);
        Self {
            bytes,
            length: length as u8,
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Who logged in, or became somebody else by SET SESSION AUTHORIZATION.
pub fn session_user() -> Name {
    // SAFETY: reads backend state; raises nothing.
    name(0, unsafe { raw::GetSessionUserId() })
}

/// The role that SET ROLE put in force, from outside of any SECURITY DEFINER function.
pub fn effective_role() -> Name {
    // SAFETY: reads backend state; raises nothing.
    name(1, unsafe { raw::GetOuterUserId() })
}

/// The same as below, by number.
pub fn authenticated_user_oid() -> u32 {
    // SAFETY: as below.
    unsafe { (*pg_sys::MyProc).roleId }.to_u32()
}

/// Who was authenticated when the session began, whatever SET SESSION AUTHORIZATION and SET ROLE have made of it since.
pub fn authenticated_user() -> Name {
    // SAFETY: set when a session's user is known (InitializeSessionUserId), before any statement runs.
    name(2, unsafe { (*pg_sys::MyProc).roleId })
}

/// A role by its oid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role(pg_sys::Oid);

impl Role {
    /// As PostgreSQL's bigint of it.
    pub fn from_long(oid: i64) -> Option<Self> {
        u32::try_from(oid)
            .ok()
            .map(|oid| Self(pg_sys::Oid::from(oid)))
    }
}

/// Whether the effective role is this one or a member of it; of a superuser that is not taken for granted.
pub fn effective_role_is(role: Role) -> bool {
    // SAFETY: reads the catalog's caches, inside a function call with a transaction open.
    unsafe { pg_sys::is_member_of_role_nosuper(raw::GetOuterUserId(), role.0) }
}

/// Whether the effective role may do what this role may: it is this one, or inherits from it. A superuser may do what
/// everybody may.
pub fn effective_role_has_rights_of(role: Role) -> bool {
    // SAFETY: as above.
    unsafe { pg_sys::has_privs_of_role(raw::GetOuterUserId(), role.0) }
}

/// Whether PostgreSQL runs code of a table's owner here as that owner, for somebody who has only to do with the table (index
/// expressions in ANALYZE, also by autovacuum; a materialized view's query). The effective role is then somebody who has not
/// asked for anything.
pub fn is_restricted() -> bool {
    // SAFETY: reads backend state; raises nothing.
    unsafe { raw::InSecurityRestrictedOperation() }
}

/// Whether this is the action of a foreign key, or a trigger that it fires, for which PostgreSQL lifts forced row security.
pub fn is_in_cascade() -> bool {
    // SAFETY: as above.
    unsafe { raw::InNoForceRLSOperation() }
}

pub fn effective_role_is_superuser() -> bool {
    // SAFETY: as above.
    unsafe { pg_sys::superuser_arg(raw::GetOuterUserId()) }
}

/// Counts the times that any role was made, altered, dropped, or made or unmade a member of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u64);

pub fn roles() -> Roles {
    watch();
    ROLES.get()
}

/// Who logged in, by number.
pub fn session_user_oid() -> u32 {
    // SAFETY: reads backend state; raises nothing.
    unsafe { raw::GetSessionUserId() }.to_u32()
}

/// What [`client_address`] answers, made without asking PostgreSQL for memory, for a moment at which that must not be.
pub fn peer_address() -> Option<Vec<u8>> {
    // SAFETY: the connection to this backend's client, where it has one, begins as Port below. The address is a sockaddr of
    // the family that it names, in a buffer large enough for any.
    unsafe {
        let port = pg_sys::MyProcPort.cast::<Port>();
        if port.is_null() {
            return None;
        }
        let peer = (&raw const (*port).peer.addr).cast::<u8>();
        // What PostgreSQL calls the families in a datum (inet.h), and where the address begins (in.h).
        let (family, start, length) = match i32::from((*peer.cast::<libc::sockaddr>()).sa_family) {
            libc::AF_INET => (2, std::mem::offset_of!(libc::sockaddr_in, sin_addr), 4),
            libc::AF_INET6 => (3, std::mem::offset_of!(libc::sockaddr_in6, sin6_addr), 16),
            _ => return None,
        };
        let size = pg_sys::VARHDRSZ + 2 + length;
        let mut datum = ((size as u32) << 2).to_le_bytes().to_vec();
        datum.extend([family, length as u8 * 8]);
        datum.extend_from_slice(std::slice::from_raw_parts(peer.add(start), length));
        Some(datum)
    }
}

/// The same role, by number.
pub fn effective_role_oid() -> u32 {
    // SAFETY: reads backend state; raises nothing.
    unsafe { raw::GetOuterUserId() }.to_u32()
}

/// The name of some role; its number, in digits, where it was dropped.
pub fn role(oid: u32) -> Name {
    let name = looked_up(pg_sys::Oid::from(oid));
    if name.length > 0 {
        return name;
    }
    Name::from_bytes(oid.to_string().as_bytes())
}

/// As the client gave it, in the database's encoding; empty when it gave none.
pub fn application_name() -> &'static [u8] {
    // SAFETY: a NUL-terminated string that the setting keeps; valid until the setting changes, which cannot happen
    // while our caller, which copies it, runs.
    unsafe {
        if pg_sys::application_name.is_null() {
            &[]
        } else {
            CStr::from_ptr(pg_sys::application_name).to_bytes()
        }
    }
}

/// The client's address as a datum of type inet, header included; `None` for a unix socket. Kept for the backend's
/// life, as its connection is.
pub fn client_address() -> Option<&'static [u8]> {
    CLIENT_ADDRESS.with(|address| {
        *address.get_or_init(|| {
            // SAFETY: inet_client_addr takes no arguments and, where it does not answer NULL, returns a palloc'd
            // varlena, which is copied with its header.
            unsafe {
                let datum = pgrx::direct_function_call_as_datum(pg_sys::inet_client_addr, &[])?;
                let inet: *const pg_sys::varlena = datum.cast_mut_ptr();
                let size = pgrx::varsize_any(inet);
                let copy = std::slice::from_raw_parts(inet.cast::<u8>(), size).to_vec();
                Some(&*copy.leak())
            }
        })
    })
}

fn name(slot: usize, role: pg_sys::Oid) -> Name {
    let mut names = NAMES.get();
    if let Some((known, name)) = names[slot]
        && known == role
    {
        return name;
    }
    watch();
    let name = looked_up(role);
    names[slot] = Some((role, name));
    NAMES.set(names);
    name
}

/// Empty for a role that was dropped.
fn looked_up(role: pg_sys::Oid) -> Name {
    // SAFETY: with noerr a dropped role gives NULL; else a palloc'd name shorter than NAMEDATALEN.
    unsafe {
        let text = pg_sys::GetUserNameFromId(role, true);
        if text.is_null() {
            return Name::from_bytes(&[]);
        }
        let name = Name::from_bytes(CStr::from_ptr(text).to_bytes());
        pg_sys::pfree(text.cast());
        name
    }
}

fn watch() {
    if !WATCHING.replace(true) {
        use pg_sys::SysCacheIdentifier::{AUTHMEMROLEMEM, AUTHOID};
        for cache in [AUTHOID, AUTHMEMROLEMEM] {
            // SAFETY: a static function, registered once a backend and cache.
            unsafe {
                pg_sys::CacheRegisterSyscacheCallback(
                    cache as i32,
                    Some(role_changed),
                    pg_sys::Datum::null(),
                );
            }
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn role_changed(_arg: pg_sys::Datum, _cache: std::ffi::c_int, _hash: u32) {
    NAMES.set([None; 3]);
    ROLES.set(Roles(ROLES.get().0.wrapping_add(1)));
}
