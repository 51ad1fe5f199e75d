//! Arbitrary texts: no panic, findings that lie in the text and show nothing of it, and the first of all is the first.
//! The same text as a document: no panic, and paths that can be printed.
//!
//! Input: `choice[1] || text`; an odd choice gives the text the name of a secret.
#![no_main]

use std::ops::ControlFlow;
use std::sync::LazyLock;

use keyguard::Guard;
use libfuzzer_sys::fuzz_target;

static GUARD: LazyLock<Guard> = LazyLock::new(Guard::new);

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let name = (choice % 2 == 1).then_some("api_key");
    let mut first = None;
    GUARD.all(text, name, &mut |finding| {
        let value = text.get(finding.start..finding.start + finding.length).expect("a finding lies in the text");
        assert!(value.len() < 16 || !format!("{finding:?}").contains(value));
        first.get_or_insert(finding);
        ControlFlow::Continue(())
    });
    assert_eq!(GUARD.first(text, name), first);
    GUARD.json(text, name, &mut |path, _| {
        let _ = path.to_string();
        ControlFlow::Continue(())
    });
});
