//! A value that lives as long as the part of a transaction in which it was set.

/// What was set at which depth, the innermost last. A transaction is depth 1, each savepoint one more.
///
/// **Invariant:** depths rise strictly.
#[derive(Debug)]
pub struct Layers<T> {
    layers: Vec<(u32, T)>,
}

impl<T> Default for Layers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Layers<T> {
    pub const fn new() -> Self {
        Self { layers: Vec::new() }
    }

    pub fn current(&self) -> Option<&T> {
        self.layers.last().map(|(_, value)| value)
    }

    pub fn set(&mut self, depth: u32, value: T) {
        match self.layers.last_mut() {
            Some((set_at, current)) if *set_at >= depth => *current = value,
            _ => self.layers.push((depth, value)),
        }
    }

    /// A savepoint was rolled back: what was set since is gone, what stood before stands again.
    pub fn rolled_back(&mut self, depth: u32) {
        while self.layers.last().is_some_and(|(at, _)| *at >= depth) {
            self.layers.pop();
        }
    }

    /// A savepoint was released: what was set since belongs to the part around it.
    pub fn released(&mut self, depth: u32) {
        let Some((at, value)) = self.layers.pop() else {
            return;
        };
        if at >= depth {
            self.set(depth.saturating_sub(1), value);
        } else {
            self.layers.push((at, value));
        }
    }

    /// The transaction is over.
    pub fn end(&mut self) {
        self.layers.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Set(u8),
        Savepoint,
        RollBack,
        Release,
        End,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<u8>().prop_map(Step::Set),
            4 => Just(Step::Savepoint),
            3 => Just(Step::RollBack),
            3 => Just(Step::Release),
            1 => Just(Step::End),
        ]
    }

    proptest! {
        /// Against a model that copies the value at each savepoint.
        #[test]
        fn it_follows_savepoints(steps in prop::collection::vec(step(), 0..200)) {
            let mut layers = Layers::new();
            let mut model: Vec<Option<u8>> = vec![None];
            for step in steps {
                let depth = model.len() as u32;
                match step {
                    Step::Set(value) => {
                        layers.set(depth, value);
                        *model.last_mut().unwrap() = Some(value);
                    }
                    Step::Savepoint => model.push(*model.last().unwrap()),
                    Step::RollBack if depth > 1 => {
                        layers.rolled_back(depth);
                        model.pop();
                    }
                    Step::Release if depth > 1 => {
                        layers.released(depth);
                        let value = model.pop().unwrap();
                        *model.last_mut().unwrap() = value;
                    }
                    Step::RollBack | Step::Release | Step::End => {
                        layers.end();
                        model = vec![None];
                    }
                }
                prop_assert_eq!(layers.current().copied(), *model.last().unwrap());
            }
        }
    }
}
