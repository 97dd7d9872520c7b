//! Paths as a server takes them apart: strings that may be anything. It knows no node.

use crate::{Code, Quirks};

/// The root. An empty path names it, too, where a path is not checked.
pub const ROOT: &str = "/";
/// The nodes of the server itself: they cannot be deleted.
pub(crate) const SYSTEM: [&str; 3] = ["/zookeeper", QUOTA, CONFIG];
/// Below it are the quotas.
pub(crate) const QUOTA: &str = "/zookeeper/quota";
/// The node of the ensemble's configuration.
pub(crate) const CONFIG: &str = "/zookeeper/config";

/// The path of a node for a path that was given: the empty one is an alias of the root.
pub(crate) const fn canonical(path: &str) -> &str {
    if path.is_empty() { ROOT } else { path }
}

/// Everything before the last `/`, and what follows it. Nothing when there is no `/`.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/').map(|(parent, name)| (canonical(parent), name))
}

/// The parent of a node that is to be created or deleted, after the check that a server makes first.
///
/// # Errors
///
/// [`Code::BadArguments`] for a path without a `/` or with a NUL.
pub(crate) fn parent(path: &str) -> Result<&str, Code> {
    let (parent, _) = split(path).ok_or(Code::BadArguments)?;
    if path.contains('\0') { Err(Code::BadArguments) } else { Ok(parent) }
}

/// Whether `path` is below `ancestor`, or is it.
pub(crate) fn is_within(path: &str, ancestor: &str) -> bool {
    ancestor == ROOT
        || path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks a path as writes do.
///
/// # Errors
///
/// [`Code::BadArguments`] for a path that no node can have.
pub fn validate(path: &str, quirks: &Quirks) -> Result<(), Code> {
    let Some(below) = path.strip_prefix('/') else { return Err(Code::BadArguments) };
    let good = below.is_empty() || below.split('/').all(|name| is_name(name, quirks));
    if good { Ok(()) } else { Err(Code::BadArguments) }
}

fn is_name(name: &str, quirks: &Quirks) -> bool {
    !["", ".", ".."].contains(&name) && !name.chars().any(|char| is_refused(char, quirks))
}

/// The server looks at UTF-16 units, so that a character of two units is always refused.
const fn is_refused(char: char, quirks: &Quirks) -> bool {
    let unit = char as u32;
    if quirks.path_edges_refused {
        matches!(unit, 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..)
    } else {
        matches!(unit, 0..=0x1e | 0x80..=0x9e | 0xd800..=0xf8fe | 0xfff1..=0xfffe | 0x1_0000..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;

    #[test]
    fn good_paths_are_taken_and_bad_ones_refused() {
        let quirks = Quirks::default();
        for good in ["/", "/a", "/a/...", "/.a/a.", "/a b", "/\u{feff}", "/ä/\u{2028}"] {
            assert_eq!(validate(good, &quirks), Ok(()), "{good:?}");
        }
        for bad in
            ["", "a", "a/b", "/a/", "//a", "/a//b", "/.", "/a/..", "/a/./b", "/\0", "/\u{1f}", "/\u{7f}"]
        {
            assert_eq!(validate(bad, &quirks), Err(Code::BadArguments), "{bad:?}");
        }
        for bad in ["/\u{e000}", "/\u{fffd}", "/\u{1f600}"] {
            assert_eq!(validate(bad, &quirks), Err(Code::BadArguments), "{bad:?}");
        }
    }

    #[test]
    fn the_edges_of_the_ranges_are_allowed_by_3_4() {
        for edge in ["/\u{1f}", "/\u{7f}", "/\u{9f}", "/\u{f8ff}", "/\u{fff0}", "/\u{ffff}"] {
            assert_eq!(validate(edge, &Quirks::of(Version::V3_4)), Ok(()), "{edge:?}");
            assert_eq!(validate(edge, &Quirks::default()), Err(Code::BadArguments), "{edge:?}");
        }
    }

    #[test]
    fn parents_are_found() {
        assert_eq!(parent("/a/b"), Ok("/a"));
        assert_eq!(parent("/a"), Ok("/"));
        assert_eq!(parent("/"), Ok("/"));
        assert_eq!(parent("a"), Err(Code::BadArguments));
        assert_eq!(parent("/a/\0"), Err(Code::BadArguments));
    }

    #[test]
    fn a_name_that_begins_alike_is_not_below() {
        assert!(is_within("/a/b", "/a") && is_within("/a", "/a") && is_within("/a", "/"));
        assert!(!is_within("/ab", "/a") && !is_within("/", "/a"));
    }
}
