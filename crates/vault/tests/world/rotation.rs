//! The world's side of [`KeyAdministration`].

use envelope::{Fingerprint, Header, WRAPPED_DEK_BYTES, WRAPPED_KEK_BYTES};
use vault::{
    HeldDek, HeldKey, KeptChainKey, KeyAdministration, KeyMark, Phase, Place, RootRow, RootState,
    Run, RunId, RunKind, Scope, TenantId, ValueMark, VaultError, WholeVault, Whose,
};

use super::{Port, Tables};

impl Tables {
    pub fn root_state(&self, root: &[u8; 16]) -> RootState {
        match self.root_states.get(root) {
            _ if self.active_root == Some(*root) => RootState::Active,
            Some((state, _)) => *state,
            None => RootState::Retiring,
        }
    }

    fn keys_where(&self, wanted: impl Fn(Fingerprint) -> bool) -> u64 {
        let needing = self
            .keys
            .values()
            .filter(|row| row.state != "destroyed" && wanted(row.root));
        needing.count() as u64
    }

    /// Every wrapped DEK of a place, in order.
    fn values(&self, place: Place) -> Vec<(ValueMark, Vec<u8>)> {
        let mut values = Vec::new();
        let live = self.rows.iter().map(|(id, row)| (id, row, false));
        let deleted = self.deleted.iter();
        let deleted = deleted.map(|(id, (row, _))| (id, row, true));
        for (id, row, is_deleted) in live.chain(deleted) {
            let mark = |version| ValueMark {
                id: *id,
                tenant: row.tenant,
                version,
            };
            match place {
                Place::Current | Place::Deleted => {
                    if is_deleted == (place == Place::Deleted) {
                        values.push((mark(row.version), row.sealed.wrapped_dek.to_vec()));
                    }
                }
                Place::Earlier => values.extend(
                    row.kept
                        .iter()
                        .map(|(version, kept)| (mark(*version), kept.sealed.wrapped_dek.to_vec())),
                ),
            }
        }
        values.sort();
        values
    }

    fn is_elsewhere(&self, whose: Whose, mark: &ValueMark, wrapped_dek: &[u8]) -> bool {
        let is_asked_for = match whose {
            Whose::Everybody => true,
            Whose::Tenant(tenant, tag) => mark.tenant == tenant && mark.id.tag() == tag,
        };
        let Some(primary) = self.primary(mark.tenant) else {
            return false;
        };
        is_asked_for
            && Header::parse(wrapped_dek)
                .is_ok_and(|header| header.kek_generation != primary.generation)
    }
}

impl KeyAdministration for Port {
    fn order_root_keys(&mut self) -> Result<(), VaultError> {
        self.call("order_root_keys").map(drop)
    }

    fn roots(&mut self) -> Result<Vec<RootRow>, VaultError> {
        self.read("roots", |tables| {
            let row = |root: &[u8; 16]| RootRow {
                fingerprint: Fingerprint::from_bytes(*root),
                id: tables.roots[root].clone(),
                state: tables.root_state(root),
                stamp: tables
                    .root_states
                    .get(root)
                    .map_or(String::new(), |(_, stamp)| stamp.to_string()),
            };
            tables.roots.keys().map(row).collect()
        })
    }

    fn put_root(
        &mut self,
        id: &str,
        fingerprint: Fingerprint,
        state: RootState,
    ) -> Result<(), VaultError> {
        self.write("put_root", |tables| {
            let root = *fingerprint.as_bytes();
            tables.roots.entry(root).or_insert_with(|| id.to_owned());
            let stamp = tables
                .root_states
                .values()
                .map(|(_, stamp)| stamp + 1)
                .max();
            tables.root_states.insert(root, (state, stamp.unwrap_or(1)));
            if state == RootState::Active {
                assert_eq!(tables.active_root, None, "one active root key at a time");
                tables.active_root = Some(root);
            } else if tables.active_root == Some(root) {
                tables.active_root = None;
            }
        })
    }

    fn has_written(&mut self) -> Result<bool, VaultError> {
        let state = self.call("has_written")?;
        Ok(*state.seen_by(self.backend) != state.committed)
    }

    fn await_key_writers(&mut self) -> Result<(), VaultError> {
        self.call("await_key_writers").map(drop)
    }

    fn await_value_writers(&mut self) -> Result<(), VaultError> {
        self.call("await_value_writers").map(drop)
    }

    fn count_keys_under(&mut self, _: &WholeVault, root: Fingerprint) -> Result<u64, VaultError> {
        self.read("count_keys_under", |tables| {
            tables.keys_where(|under| under == root)
        })
    }

    fn count_keys_elsewhere(
        &mut self,
        _: &WholeVault,
        root: Fingerprint,
    ) -> Result<u64, VaultError> {
        self.read("count_keys_elsewhere", |tables| {
            tables.keys_where(|under| under != root)
        })
    }

    fn hold_keys(
        &mut self,
        _: &WholeVault,
        after: KeyMark,
        before: Option<Fingerprint>,
        limit: u32,
    ) -> Result<Vec<HeldKey>, VaultError> {
        self.write("hold_keys", |tables| {
            let mut found: Vec<(KeyMark, HeldKey)> = tables
                .keys
                .iter()
                .filter(|(_, row)| row.state != "destroyed")
                .map(|((tenant, generation), row)| {
                    let mark = KeyMark {
                        root: *row.root.as_bytes(),
                        tenant: *tenant,
                        generation: *generation,
                    };
                    let held = HeldKey {
                        tenant: *tenant,
                        generation: *generation,
                        root: row.root,
                        wrapped: row.wrapped,
                    };
                    (mark, held)
                })
                .filter(|(mark, _)| {
                    *mark > after && before.is_none_or(|before| mark.root < *before.as_bytes())
                })
                .collect();
            found.sort_by_key(|(mark, _)| *mark);
            found
                .into_iter()
                .map(|(_, held)| held)
                .take(limit as usize)
                .collect()
        })
    }

    fn put_keys(
        &mut self,
        _: &WholeVault,
        root: Fingerprint,
        keys: &[(HeldKey, [u8; WRAPPED_KEK_BYTES])],
    ) -> Result<usize, VaultError> {
        self.write("put_keys", |tables| {
            for (key, wrapped) in keys {
                let row = tables.keys.get_mut(&(key.tenant, key.generation)).unwrap();
                row.root = root;
                row.wrapped = *wrapped;
            }
            keys.len()
        })
    }

    fn hold_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        self.write("hold_tenant", |tables| {
            scope.tenant() == TenantId::PLATFORM || tables.tags.contains_key(&scope.tenant())
        })
    }

    fn last_generation(&mut self, scope: &Scope) -> Result<Option<u32>, VaultError> {
        self.read("last_generation", |tables| {
            tables
                .keys
                .range((scope.tenant(), 0)..=(scope.tenant(), u32::MAX))
                .next_back()
                .map(|((_, generation), _)| *generation)
        })
    }

    fn demote_primary(&mut self, scope: &Scope) -> Result<(), VaultError> {
        self.write("demote_primary", |tables| {
            for row in tables
                .keys
                .range_mut((scope.tenant(), 0)..=(scope.tenant(), u32::MAX))
                .map(|(_, row)| row)
                .filter(|row| row.state == "primary")
            {
                row.state = "enabled".to_owned();
            }
        })
    }

    fn count_values_elsewhere(&mut self, _: &WholeVault, whose: Whose) -> Result<u64, VaultError> {
        self.read("count_values_elsewhere", |tables| {
            let all = Place::ALL
                .into_iter()
                .flat_map(|place| tables.values(place));
            all.filter(|(mark, dek)| tables.is_elsewhere(whose, mark, dek))
                .count() as u64
        })
    }

    fn hold_values(
        &mut self,
        _: &WholeVault,
        place: Place,
        whose: Whose,
        after: ValueMark,
        limit: u32,
    ) -> Result<Vec<HeldDek>, VaultError> {
        self.write("hold_values", |tables| {
            tables
                .values(place)
                .into_iter()
                .filter(|(mark, dek)| *mark > after && tables.is_elsewhere(whose, mark, dek))
                .map(|(mark, wrapped_dek)| HeldDek { mark, wrapped_dek })
                .take(limit as usize)
                .collect()
        })
    }

    fn put_values(
        &mut self,
        _: &WholeVault,
        place: Place,
        values: &[(ValueMark, [u8; WRAPPED_DEK_BYTES])],
    ) -> Result<usize, VaultError> {
        self.write("put_values", |tables| {
            for (mark, wrapped_dek) in values {
                let row = match tables.rows.get_mut(&mark.id) {
                    Some(row) => row,
                    None => &mut tables.deleted.get_mut(&mark.id).unwrap().0,
                };
                let sealed = match place {
                    Place::Current | Place::Deleted => &mut row.sealed,
                    Place::Earlier => &mut row.kept.get_mut(&mark.version).unwrap().sealed,
                };
                sealed.wrapped_dek = *wrapped_dek;
            }
            values.len()
        })
    }

    fn kept_chain_keys(&mut self) -> Result<Vec<KeptChainKey>, VaultError> {
        self.read("kept_chain_keys", |tables| tables.chain_keys.clone())
    }

    fn put_chain_key(&mut self, key: &KeptChainKey) -> Result<(), VaultError> {
        self.write("put_chain_key", |tables| {
            tables.chain_keys.retain(|kept| kept.of != key.of);
            tables.chain_keys.push(key.clone());
        })
    }

    fn begin_run(&mut self, kind: &RunKind, _: u64) -> Result<RunId, VaultError> {
        self.write("begin_run", |tables| {
            let id = (tables.runs.len() as u128 + 1).to_be_bytes();
            let run = Run {
                id,
                kind: kind.clone(),
                phase: Phase::Rewrapping,
                place: 0,
                mark: ValueMark::start(),
                done: 0,
                moved: 0,
                failed: 0,
            };
            tables.runs.insert(id, run);
            id
        })
    }

    fn has_unfinished_run(&mut self, root: Fingerprint) -> Result<bool, VaultError> {
        self.read("has_unfinished_run", |tables| {
            tables.runs.values().any(|run| {
                run.phase != Phase::Finished
                    && matches!(&run.kind, RunKind::RootKey(_, to) if *to == root)
            })
        })
    }

    fn run(&mut self, id: RunId) -> Result<Option<Run>, VaultError> {
        self.read("run", |tables| {
            let run = tables.runs.get(&id);
            run.filter(|run| run.phase != Phase::Finished).cloned()
        })
    }

    fn advance_run(&mut self, run: &Run) -> Result<(), VaultError> {
        self.write("advance_run", |tables| {
            tables.runs.insert(run.id, run.clone());
        })
    }
}
