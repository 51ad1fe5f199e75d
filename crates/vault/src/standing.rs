//! What a user is in a tenant, and how far that goes.

/// In rising order: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Reads the tenant's rows in the application's tables, and changes none.
    Reader,
    /// Lists the tenant's credentials, and changes the application's rows.
    Member,
    /// Stores, rotates and deletes the tenant's credentials; adds and removes members and readers.
    Admin,
    /// Adds and removes anybody.
    Owner,
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::Reader, Self::Member, Self::Admin, Self::Owner];

    /// The word in vault.tenant_members.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.word() == word)
    }

    /// Whether somebody of this standing adds and removes people of the other one.
    pub fn appoints(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => other <= Self::Member,
            Self::Reader | Self::Member => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for standing in Standing::ALL {
            assert_eq!(Standing::parse(standing.word()), Some(standing));
        }
        assert_eq!(Standing::parse("Owner"), None);
    }

    #[test]
    fn nobody_appoints_above_himself() {
        for (who, whom) in [
            (Standing::Admin, Standing::Admin),
            (Standing::Admin, Standing::Owner),
            (Standing::Member, Standing::Reader),
            (Standing::Reader, Standing::Reader),
        ] {
            assert!(!who.appoints(whom), "{who:?} appoints {whom:?}");
        }
        assert!(Standing::Owner.appoints(Standing::Owner));
        assert!(Standing::Admin.appoints(Standing::Member));
    }
}
