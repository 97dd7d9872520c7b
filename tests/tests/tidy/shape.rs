//! The shape of a file: how it opens, and how long it and its functions are.

use crate::source::{Source, item_end, words};

/// Lines of a file, without its tests.
const FILE_LINES_MAX: usize = 400;

/// Lines of a function: a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// What is over its limit for a reason: the thing measured, and its length. It may only shrink, and this list with it.
pub(crate) const RATCHET: &[(&str, usize)] = &[];

/// A file, or a function as `file:function`.
#[derive(Debug)]
pub(crate) struct Measured {
    name: String,
    line: usize,
    length: usize,
    limit: usize,
}

pub(crate) fn opening(source: &Source) -> Vec<String> {
    if source.text.starts_with("//!") { vec![] } else { vec![source.breach(0, "a file opens with `//!`")] }
}

pub(crate) fn lengths(source: &Source) -> Vec<Measured> {
    let tested =
        source.code.lines().zip(source.shipped.lines()).filter(|(code, shipped)| code != shipped).count();
    let file = Measured {
        name: source.name.clone(),
        line: 1,
        length: source.text.lines().count() - tested,
        limit: FILE_LINES_MAX,
    };
    let functions = words(&source.shipped, "fn").filter_map(|at| function(source, at));
    std::iter::once(file).chain(functions).collect()
}

fn function(source: &Source, at: usize) -> Option<Measured> {
    let item = &source.shipped[at..];
    // Without a name it is a type.
    let name =
        item["fn".len()..].trim_start().split(|char: char| !char.is_alphanumeric() && char != '_').next()?;
    let length = item[..item_end(item)].lines().count();
    let line = source.shipped[..at].matches('\n').count() + 1;
    let name = (!name.is_empty()).then(|| format!("{}:{name}", source.name))?;
    Some(Measured { name, line, length, limit: FUNCTION_LINES_MAX })
}

/// What is too long and not on the list, and what on the list is not as long as it says.
pub(crate) fn over_limit(measured: &[Measured], ratchet: &[(&str, usize)]) -> Vec<String> {
    let too_long = measured.iter().filter(|thing| thing.length > thing.limit).filter_map(|thing| {
        let allowed =
            ratchet.iter().find(|(name, _)| *name == thing.name).map_or(thing.limit, |(_, length)| *length);
        let Measured { name, line, length, .. } = thing;
        let file = name.split(':').next().unwrap_or_default();
        (*length > allowed)
            .then(|| format!("{file}:{line}: {name} has {length} lines; {allowed} are allowed"))
    });
    let stale = ratchet.iter().filter_map(|(name, allowed)| {
        let longest = measured.iter().filter(|thing| thing.name == *name).max_by_key(|thing| thing.length);
        match longest {
            None => Some(format!("{name}: on the ratchet's list, but gone; take it off")),
            Some(thing) if thing.length <= thing.limit => Some(format!(
                "{name}: {} lines are within the limit; take it off the ratchet's list",
                thing.length
            )),
            Some(thing) if thing.length < *allowed => {
                Some(format!("{name}: has shrunk; write {} into the ratchet's list", thing.length))
            }
            Some(_) => None,
        }
    });
    too_long.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(lines: usize) -> Source {
        let body = "    x();\n".repeat(lines - 2);
        Source::sample("p/src/a.rs", &format!("fn long() {{\n{body}}}\n#[cfg(test)]\nmod tests {{\n\n\n}}\n"))
    }

    fn breaches(lines: usize, ratchet: &[(&str, usize)]) -> Vec<String> {
        over_limit(&lengths(&long(lines)), ratchet)
    }

    #[test]
    fn a_file_without_its_purpose_is_seen() {
        assert!(opening(&Source::sample("p/src/a.rs", "//! A.\nuse b;")).is_empty());
        assert_eq!(
            opening(&Source::sample("p/src/a.rs", "use b;\n//! A.")),
            ["p/src/a.rs:1: a file opens with `//!`"]
        );
    }

    #[test]
    fn a_long_function_is_seen() {
        assert!(breaches(70, &[]).is_empty());
        assert_eq!(breaches(71, &[]), ["p/src/a.rs:1: p/src/a.rs:long has 71 lines; 70 are allowed"]);
    }

    #[test]
    fn a_long_file_is_seen_without_its_tests() {
        let listed = |lines| breaches(lines, &[("p/src/a.rs:long", lines)]);
        // The lines within the test module that are empty have nothing to hide.
        assert!(listed(396).is_empty(), "{:?}", listed(396));
        assert_eq!(listed(401).len(), 1);
        assert!(listed(401)[0].starts_with("p/src/a.rs:1: p/src/a.rs has "), "{:?}", listed(401));
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        assert!(breaches(80, &[("p/src/a.rs:long", 80)]).is_empty());
        assert!(breaches(81, &[("p/src/a.rs:long", 80)])[0].ends_with("has 81 lines; 80 are allowed"));
        assert!(
            breaches(79, &[("p/src/a.rs:long", 80)])[0]
                .ends_with("has shrunk; write 79 into the ratchet's list")
        );
        assert!(breaches(70, &[("p/src/a.rs:long", 80)])[0].contains("take it off"));
        assert!(breaches(70, &[("p/src/b.rs", 500)])[0].contains("but gone"));
    }

    #[test]
    fn a_function_is_measured_to_its_last_brace() {
        let source =
            Source::sample("p/src/a.rs", "fn a(b: fn(u8) -> [u8; 3],\n) where\n{\n if c {\n }\n}\nfn d();\n");
        let lengths: Vec<_> =
            lengths(&source).into_iter().map(|thing| (thing.name, thing.line, thing.length)).collect();
        let expected = [("p/src/a.rs", 1, 7), ("p/src/a.rs:a", 1, 6), ("p/src/a.rs:d", 7, 1)];
        assert_eq!(lengths, expected.map(|(name, line, length)| (name.to_owned(), line, length)));
    }
}
