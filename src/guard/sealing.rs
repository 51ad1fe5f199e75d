//! Mode store: what the guard finds is sealed, and a reference takes its place. All of a row or nothing.
//!
//! The credential is stored by `vault.store_credential`, as if the caller had called it: for the tenant that the transaction
//! acts for, counted, recorded, and only where the caller may call it. A table's owner cannot lend what he may not do.

use uuid::Uuid;
use vault::TenantId;

use super::look::Stands;
use super::watched::{Watch, Watched};
use super::{Key, Why, refuse};
use crate::pg::attempt::ServerError;
use crate::pg::columns::Column;
use crate::pg::function::Function;
use crate::pg::trigger::{Passed, Row};
use crate::tenancy;

/// What a reference begins with; the guard's detectors let it pass.
const SCHEME: &str = "vault://credential/";

/// What stands where a secret stood.
pub fn reference(id: [u8; 16]) -> String {
    format!("{SCHEME}{}", Uuid::from_bytes(id))
}

const REFERENCE_CHARS: u32 = SCHEME.len() as u32 + 36;

/// As long as a credential's name may be.
const NAME_MAX_CHARS: usize = 256;

pub fn seal(row: Row<'_>, watched: &Watched, keys: &[Key<'_>]) -> Result<Passed, ServerError> {
    let keys = distinct(keys);
    // What comes of one column comes together, and its document is read once.
    let mut read: Option<(i16, bool)> = None;
    let mut is_legible = |column: &Column| match read {
        Some((number, is_legible)) if number == column.number => is_legible,
        _ => read.insert((column.number, row.text(column).is_some())).1,
    };
    for key in &keys {
        let problem = match (&key.whole, key.stands) {
            (_, Stands::Fixed) => Some(Why::Fixed),
            // A text that cannot be read as it is cannot be written again.
            (_, Stands::Within(..)) if !is_legible(&key.watch.column) => Some(Why::Fixed),
            (None, _) => Some(Why::NotWhole),
            (Some(_), Stands::Alone) => key
                .watch
                .column
                .max_chars
                .filter(|chars| *chars < REFERENCE_CHARS)
                .map(|_| Why::NoRoom),
            // In a column of limited length nobody knows how long the document becomes.
            (Some(_), Stands::Within(..)) => key.watch.column.max_chars.map(|_| Why::NoRoom),
        };
        if let Some(why) = problem.or_else(|| not_for_this_tenant(&row, watched)) {
            return Err(refuse(watched, key, why));
        }
    }
    let store = Function::of_texts(c"vault", c"store_credential", 3)?;
    if !store.is_permitted() {
        return Err(refuse(watched, keys[0], Why::MayNotStore));
    }
    let mut replaced: Vec<(&Watch, String)> = Vec::new();
    let mut documents: Vec<(&Watch, Vec<Reference>)> = Vec::new();
    for key in &keys {
        let Some(secret) = &key.whole else { continue };
        let name = name(&key.place(watched.table));
        let reference = reference(store.uuid(&[&name, secret, "Found by the guard of a table."]));
        match key.stands {
            Stands::Within(start, end) => {
                let place = (start, end, reference);
                let of = key.watch.column.number;
                match documents
                    .iter_mut()
                    .find(|(watch, _)| watch.column.number == of)
                {
                    Some((_, places)) => places.push(place),
                    None => documents.push((key.watch, vec![place])),
                }
            }
            Stands::Alone | Stands::Fixed => replaced.push((key.watch, reference)),
        }
    }
    for (watch, places) in documents {
        let document = row.text(&watch.column).unwrap_or_default();
        replaced.push((watch, with_references(&document, places)));
    }
    let replaced: Vec<_> = replaced
        .into_iter()
        .map(|(watch, text)| (&watch.column, text))
        .collect();
    row.pass_with(&replaced)
}

/// One for each text: two detectors may know the same, or one may know a part of what another knows the whole of. What is
/// found in one text comes one after another.
fn distinct<'k, 'w>(keys: &'k [Key<'w>]) -> Vec<&'k Key<'w>> {
    let mut one_each: Vec<&Key<'_>> = Vec::new();
    for key in keys {
        match one_each.last_mut() {
            Some(known) if known.is_of_the_text_of(key) => {
                if known.whole.is_none() {
                    *known = key;
                }
            }
            _ => one_each.push(key),
        }
    }
    one_each
}

/// Where the table says whose a row is, the transaction must act for that tenant.
fn not_for_this_tenant(row: &Row<'_>, watched: &Watched) -> Option<Why> {
    let tenant = TenantId::from_bytes(row.uuid(watched.tenant?)?);
    match tenancy::tenant() {
        None if tenant == TenantId::PLATFORM => None,
        None => Some(Why::NoContext),
        Some(own) if own == tenant => None,
        Some(_) => Some(Why::OtherTenant),
    }
}

/// A place as a credential's name.
fn name(place: &str) -> String {
    let letters = place.chars().filter(|letter| !letter.is_control());
    letters.take(NAME_MAX_CHARS).collect()
}

/// Between which bytes of a document it stands, and what it says.
type Reference = (usize, usize, String);

/// A document with references in place of the strings that stand between these bytes of it.
fn with_references(document: &str, mut places: Vec<Reference>) -> String {
    places.sort_by_key(|(start, ..)| *start);
    let mut text = String::with_capacity(document.len());
    let mut at = 0;
    for (start, end, reference) in places {
        text.push_str(document.get(at..start).unwrap_or_default());
        text.push_str(&reference);
        at = end;
    }
    text.push_str(document.get(at..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::with_references;

    #[test]
    fn references_stand_between_the_quotes() {
        let document = r#"{"a":"one","b":["two"]}"#;
        let places = vec![(17, 20, "2".to_owned()), (6, 9, "1".to_owned())];
        assert_eq!(with_references(document, places), r#"{"a":"1","b":["2"]}"#);
    }
}
