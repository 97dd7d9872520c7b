//! What no file leaves behind: open ends, and lints or tests that are switched off without a word.

use crate::source::{Source, words};

pub(crate) fn leftovers(source: &Source) -> Vec<String> {
    let found = ["todo", "unimplemented", "dbg"].into_iter().flat_map(|name| {
        words(&source.code, name)
            .filter(|at| source.code[at + name.len()..].starts_with('!'))
            .map(move |at| (at, name))
    });
    found.map(|(at, name)| source.breach(at, &format!("`{name}!` is left over"))).collect()
}

/// Ignored tests without a reason, and allowed lints without one.
pub(crate) fn unreasoned(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    for (at, attribute) in attributes(&source.code) {
        for word in words(attribute, "ignore") {
            if !attribute[word + "ignore".len()..].trim_start().starts_with('=') {
                breaches.push(source.breach(at + word, "an ignored test says why: `ignore = \"…\"`"));
            }
        }
        for word in words(attribute, "allow").chain(words(attribute, "expect")) {
            let list = &attribute[word..];
            if list.contains('(') && words(list, "reason").next().is_none() {
                breaches.push(source.breach(at + word, "an allowed lint says why: `reason = \"…\"`"));
            }
        }
    }
    breaches
}

/// What stands between the brackets of each attribute, with its place.
fn attributes(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices('#').filter_map(|(at, _)| {
        let open = code[at + 1..].strip_prefix('!').unwrap_or(&code[at + 1..]).strip_prefix('[')?;
        let start = code.len() - open.len();
        let mut depth = 1_usize;
        let end = code[start..].find(|char| {
            match char {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some((start, &code[start..start + end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Source {
        Source::sample("p/tests/a.rs", text)
    }

    #[test]
    fn leftovers_are_seen() {
        assert_eq!(leftovers(&sample("fn a() {\n    todo!()\n}")), ["p/tests/a.rs:2: `todo!` is left over"]);
        assert_eq!(leftovers(&sample("unimplemented!(\"x\"); dbg!(x)")).len(), 2);
        assert!(leftovers(&sample("// todo!\nlet todo = \"dbg!\"; x.dbg(); my_todo!()")).is_empty());
    }

    #[test]
    fn an_ignored_test_without_a_reason_is_seen() {
        let expected = ["p/tests/a.rs:2: an ignored test says why: `ignore = \"…\"`"];
        assert_eq!(unreasoned(&sample("#[test]\n#[ignore]\nfn a() {}")), expected);
        assert_eq!(unreasoned(&sample("#[cfg_attr(not(x), ignore)]")).len(), 1);
        assert!(
            unreasoned(&sample("#[ignore = \"slow\"]\n#[cfg_attr(x, ignore = \"y\")]\nlet ignore = 1;"))
                .is_empty()
        );
    }

    #[test]
    fn an_allowed_lint_without_a_reason_is_seen() {
        let expected = ["p/tests/a.rs:1: an allowed lint says why: `reason = \"…\"`"];
        assert_eq!(unreasoned(&sample("#[allow(dead_code)]")), expected);
        assert_eq!(unreasoned(&sample("#![cfg_attr(test, allow(clippy::x))]\n#[expect(y)]")).len(), 2);
        assert!(
            unreasoned(&sample("#[allow(\n    x,\n    reason = \"y\"\n)]\nx.allow(y); // #[allow(x)]"))
                .is_empty()
        );
    }
}
