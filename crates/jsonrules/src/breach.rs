//! What is said of a value that breaks a rule: where, and which.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;

/// A name of a member in a path. Longer ones are cut: they may be anything. So are those from here on that have a digit,
/// as keys have: some have no more than 32 characters.
const NAME_MAX_CHARS: usize = 32;
const NAME_WITH_DIGITS_MAX_CHARS: usize = 16;
const NAME_SHOWN_CHARS: usize = 8;
const PATH_MAX_CHARS: usize = 256;
const RULE_MAX_CHARS: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// A JSON pointer (RFC 6901); the whole value is "".
    pub path: String,
    /// What the schema says, never what the value is.
    pub rule: String,
}

impl Breach {
    pub(crate) fn of_all(rule: String) -> Self {
        Self {
            path: String::new(),
            rule,
        }
    }

    pub(crate) fn of(error: &ValidationError<'_>) -> Self {
        use ValidationErrorKind as Kind;
        let kind = error.kind();
        let rule = match kind {
            // These would name members of the value.
            Kind::AdditionalProperties { unexpected } => {
                format!("{} members that the schema does not know", unexpected.len())
            }
            Kind::PropertyNames { .. } => "a name of a member is not as the schema says".to_owned(),
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                "fits none of the forms that the schema knows".to_owned()
            }
            Kind::Type { .. }
            | Kind::Enum { .. }
            | Kind::Constant { .. }
            | Kind::Pattern { .. }
            | Kind::Format { .. }
            | Kind::Required { .. }
            | Kind::Minimum { .. }
            | Kind::Maximum { .. }
            | Kind::ExclusiveMinimum { .. }
            | Kind::ExclusiveMaximum { .. }
            | Kind::MultipleOf { .. }
            | Kind::MinLength { .. }
            | Kind::MaxLength { .. }
            | Kind::MinItems { .. }
            | Kind::MaxItems { .. }
            | Kind::MinProperties { .. }
            | Kind::MaxProperties { .. }
            | Kind::UniqueItems => error.masked().to_string(),
            _ => format!("not as the schema's {} says", kind.keyword()),
        };
        Self {
            path: path(error.instance_path()),
            rule: cut(&rule, RULE_MAX_CHARS),
        }
    }
}

pub fn path(location: &Location) -> String {
    let names = location.as_str().split('/').map(|name| {
        let most = match name.contains(|c: char| c.is_ascii_digit()) {
            true => NAME_WITH_DIGITS_MAX_CHARS,
            false => NAME_MAX_CHARS,
        };
        if name.chars().count() <= most {
            name.to_owned()
        } else {
            cut(name, NAME_SHOWN_CHARS)
        }
    });
    cut(&names.collect::<Vec<_>>().join("/"), PATH_MAX_CHARS)
}

/// At most so many characters of a text, which says that it was cut.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}
