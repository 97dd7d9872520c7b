//! What the crates below the adapters must not know: a system, a clock, a socket, an order that differs between runs.

use crate::source::{Source, words};

/// What an adapter does, and nobody below it.
const ADAPTER_VERBS: [&str; 9] =
    ["connect", "dial", "read", "write", "send", "recv", "spawn", "sleep", "now"];

pub(crate) fn roots(source: &Source) -> Vec<String> {
    if !source.name.ends_with("src/lib.rs") {
        return vec![];
    }
    let missing =
        ["#![no_std]", "#![forbid(unsafe_code)]"].into_iter().filter(|line| !source.code.contains(line));
    missing.map(|line| source.breach(0, &format!("an engine crate says `{line}`"))).collect()
}

pub(crate) fn system(source: &Source) -> Vec<String> {
    let code = &source.shipped;
    let paths = words(code, "std").filter(|at| code[at + "std".len()..].trim_start().starts_with("::"));
    let linked = words(code, "std").filter(|at| code[..*at].trim_end().ends_with("extern crate"));
    paths.chain(linked).map(|at| source.breach(at, "no `std` below the adapters")).collect()
}

pub(crate) fn verbs(source: &Source) -> Vec<String> {
    let code = &source.shipped;
    let is_name =
        |at: &usize| words(&code[..*at], "fn").any(|start| code[start + "fn".len()..*at].trim().is_empty());
    let found = ADAPTER_VERBS
        .into_iter()
        .flat_map(|verb| words(code, verb).filter(is_name).map(move |at| (at, verb)));
    found.map(|(at, verb)| source.breach(at, &format!("`{verb}` is a verb of the adapters"))).collect()
}

pub(crate) fn hashes(source: &Source) -> Vec<String> {
    let found = ["HashMap", "HashSet"].into_iter().flat_map(|name| words(&source.shipped, name));
    found.map(|at| source.breach(at, "the order of a hash differs from run to run; take a BTree")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lib(text: &str) -> Source {
        Source::sample("zk-proto/src/lib.rs", text)
    }

    #[test]
    fn a_root_without_its_attributes_is_seen() {
        assert!(roots(&lib("#![no_std]\n#![forbid(unsafe_code)]")).is_empty());
        assert_eq!(roots(&lib("//! #![no_std]\n#![forbid(unsafe_code)]")).len(), 1);
        assert_eq!(roots(&lib("#![cfg_attr(not(test), no_std)]")).len(), 2);
        assert!(roots(&Source::sample("zk-proto/src/a.rs", "")).is_empty());
    }

    #[test]
    fn std_is_seen_outside_of_tests() {
        assert_eq!(system(&lib("\nuse std::fmt;")), ["zk-proto/src/lib.rs:2: no `std` below the adapters"]);
        assert_eq!(system(&lib("extern crate std;")).len(), 1);
        assert_eq!(system(&lib("x(::std::mem::swap)")).len(), 1);
        assert!(
            system(&lib("// std::fmt\n#[cfg(test)]\nmod tests {\n use std::fmt;\n}\nuse core::fmt;"))
                .is_empty()
        );
    }

    #[test]
    fn a_verb_of_the_adapters_is_seen_as_the_name_of_a_function() {
        let expected = ["zk-proto/src/lib.rs:1: `read` is a verb of the adapters"];
        assert_eq!(verbs(&lib("pub fn read(x: u8) {}")), expected);
        assert_eq!(verbs(&lib("pub const fn now<T>() {}")).len(), 1);
        assert!(verbs(&lib("fn read_to(now: u8) { read(now) } let now = connect;")).is_empty());
    }

    #[test]
    fn hashes_are_seen() {
        assert_eq!(hashes(&lib("use x::{HashMap, HashSet};")).len(), 2);
        assert!(hashes(&lib("use x::{BTreeMap, NoHashMap};")).is_empty());
    }
}
