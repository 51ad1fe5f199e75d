//! Arbitrary texts: no panic, foreign text unchanged, nothing grown. And statements with marked literals: no mark comes
//! through.
//!
//! Input: `choice[1]`, then either a text, or parts that end with 0xff: `notation[1] || content`, the notation being
//! that of a literal, a comment, a quoted name, or code without quotes. An even choice of those is written for sessions
//! in which a backslash in a plain literal is a character like any other, an odd one for those in which it escapes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scrubber::{Names, REMARK, Stripped, blank, executed, scrub, strip};

const MARK: &[u8] = b"MARK";

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((0..128, text)) => arbitrary(text),
        Some((choice, parts)) => marked(parts, choice % 2 == 1),
        None => {}
    }
});

fn arbitrary(text: &[u8]) {
    let names = Names::ours();
    let shown = scrub(&names, text);
    assert!(shown.len() <= text.len().max(REMARK.len()));
    if !names.mention(text).ours {
        assert_eq!(&*shown, text, "foreign text is changed");
    }
    let half = text.len() / 2;
    let _ = Names::and(&text[..half]).mention(&text[half..]);
    let _ = executed(text).count();
    let _ = blank(text);
}

fn marked(parts: &[u8], escapes: bool) {
    let mut text = b"SELECT vault.store_credential( ".to_vec();
    for part in parts.split(|byte| *byte == 0xff).filter(|part| !part.is_empty()) {
        write(&mut text, part[0], &part[1..], escapes);
        // A comma keeps one literal from being the continuation of another.
        text.extend(b" , ");
    }
    let shown = match strip(&text) {
        Stripped::Unchanged => text.clone(),
        Stripped::Text(shown) => shown,
        Stripped::Nothing => return,
    };
    assert!(
        !shown.windows(MARK.len()).any(|window| window == MARK),
        "{:?}\n{:?}",
        String::from_utf8_lossy(&text),
        String::from_utf8_lossy(&shown)
    );
}

fn write(text: &mut Vec<u8>, notation: u8, content: &[u8], escapes: bool) {
    let (before, after) = content.split_at(content.len() / 2);
    let inside = [before, MARK, after].concat();
    let without = |unwanted: &[u8]| -> Vec<u8> {
        inside.iter().copied().filter(|byte| !unwanted.contains(byte)).collect()
    };
    let doubled = |bytes: &[u8], which: &[u8]| -> Vec<u8> {
        bytes.iter().flat_map(|byte| vec![*byte; 1 + usize::from(which.contains(byte))]).collect()
    };
    let plain: &[u8] = if escapes { b"'\\" } else { b"'" };
    let (open, inside, close): (&[u8], Vec<u8>, &[u8]) = match notation % 12 {
        0 => (b"'", doubled(&inside, plain), b"'"),
        1 => (b"E'", doubled(&inside, b"'\\"), b"'"),
        2 => (b"N'", doubled(&inside, plain), b"'"),
        3 => (b"x'", doubled(&inside, b"'"), b"'"),
        // Sessions in which backslashes escape have no U&'...'.
        4 if !escapes => (b"U&'", doubled(&inside, b"'"), b"'"),
        5 => (b"\"", doubled(&inside, b"\""), b"\""),
        6 => (b"U&\"", doubled(&inside, b"\""), b"\""),
        7 => (b"$tag$", without(b"$"), b"$tag$"),
        8 => (b"$$", without(b"$"), b"$$"),
        9 => (b"/* /* */ ", without(b"/*"), b" */"),
        10 => (b"-- ", without(b"\n\r"), b"\n"),
        _ => {
            // Code: whatever could open a literal or a comment is left out, and so is the mark.
            let code = content.to_ascii_lowercase();
            text.extend(code.iter().filter(|byte| !b"'\"$\\/-*".contains(byte)));
            return;
        }
    };
    text.extend([open, &inside, close].concat());
}
