//! The path of a node, valid from the moment it exists.
//!
//! The rules are those of servers since 3.5; older ones allow six characters more, at the edges of the forbidden ranges.
//! A server checks the paths of writes, but neither those of reads nor of persistent watches; here nothing gets by.

use alloc::string::String;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use crate::error::{Malformed, What};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::Kind;
use crate::text::lossy;
use crate::write::{Sink, put_length};

/// The absolute path of a node, such as `/config/limits`. Cheap to clone.
///
/// It starts with a slash and has no other slash at its end; no component is empty, `.` or `..`; control characters,
/// surrogates, private use characters, U+FFF0 to U+FFFF and everything above the basic plane are not in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

impl Path {
    /// The path with this text.
    ///
    /// # Errors
    ///
    /// [`PathError`] says which rule the text breaks, and where.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text == "/" {
            return Ok(Self::root());
        }
        let Some(components) = text.strip_prefix('/') else {
            let fault = if text.is_empty() { PathFault::Empty } else { PathFault::Relative };
            return Err(PathError { at: 0, fault });
        };
        validate(components).map_err(|error| PathError { at: error.at + 1, ..error })?;
        Ok(Self(text.into()))
    }

    /// The path `/`.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path of the node that holds the configuration of the ensemble.
    #[must_use]
    pub fn config() -> Self {
        Self("/zookeeper/config".into())
    }

    /// The node `relative` below this one: one or more components, without a slash in front.
    ///
    /// # Errors
    ///
    /// [`PathError`] as for [`Path::new`], with the offset in `relative`; an empty `relative` is an error.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        validate(relative)?;
        Ok(self.append(relative))
    }

    /// This path as the server sees it, when `chroot` is the client's root.
    #[must_use]
    pub fn below(&self, chroot: &Self) -> Self {
        if chroot.is_root() {
            self.clone()
        } else if self.is_root() {
            chroot.clone()
        } else {
            chroot.append(self.components())
        }
    }

    /// This path of a server as the client sees it, when `chroot` is the client's root: the reverse of
    /// [`Path::below`]. `None` if the node is not below `chroot`.
    #[must_use]
    pub fn strip(&self, chroot: &Self) -> Option<Self> {
        if chroot.is_root() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(chroot.as_str())? {
            "" => Some(Self::root()),
            rest if rest.starts_with('/') => Some(Self(rest.into())),
            _ => None,
        }
    }

    /// Whether this is `ancestor` or a node below it. `/ab` is not below `/a`.
    #[must_use]
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || self
                .0
                .strip_prefix(ancestor.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The node above; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self.0.rsplit_once('/')? {
            ("", "") => None,
            ("", _) => Some(Self::root()),
            (parent, _) => Some(Self(parent.into())),
        }
    }

    /// The last component, as its parent lists it; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without the slash in front.
    fn components(&self) -> &str {
        self.0.strip_prefix('/').unwrap_or_default()
    }

    /// Puts valid components below this path.
    fn append(&self, components: &str) -> Self {
        let above = if self.is_root() { "" } else { self.as_str() };
        let mut text = String::with_capacity(above.len() + 1 + components.len());
        text.push_str(above);
        text.push('/');
        text.push_str(components);
        Self(text.into())
    }
}

/// Why a text is not a path. It holds nothing of the text but a forbidden character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("at byte {at}: {fault}")]
pub struct PathError {
    /// The byte offset of the fault in the text.
    pub at: usize,
    /// The rule that is broken.
    pub fault: PathFault,
}

/// The rule that a text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathFault {
    /// There is no text.
    #[error("it is empty, the root is \"/\"")]
    Empty,
    /// A path starts with a slash.
    #[error("it does not start with a slash")]
    Relative,
    /// A slash is the last character.
    #[error("a slash at the end, leave it out")]
    TrailingSlash,
    /// Nothing stands where a component must be.
    #[error("a slash where a component should start")]
    EmptyComponent,
    /// A component is `.` or `..`.
    #[error("a component is \".\" or \"..\", which nothing resolves")]
    DotComponent,
    /// A character that no server since 3.5 takes.
    #[error("the character {0:?} is forbidden")]
    Forbidden(char),
}

/// Checks components that are separated by slashes. The first fault is reported.
fn validate(components: &str) -> Result<(), PathError> {
    if components.is_empty() {
        return Err(PathError { at: 0, fault: PathFault::Empty });
    }
    let mut start = 0;
    for component in components.split('/') {
        if component.is_empty() {
            return Err(if start == components.len() {
                PathError { at: start - 1, fault: PathFault::TrailingSlash }
            } else {
                PathError { at: start, fault: PathFault::EmptyComponent }
            });
        }
        if component == "." || component == ".." {
            return Err(PathError { at: start, fault: PathFault::DotComponent });
        }
        if let Some((at, character)) = component.char_indices().find(|(_, character)| forbidden(*character)) {
            return Err(PathError { at: start + at, fault: PathFault::Forbidden(character) });
        }
        start += component.len() + 1;
    }
    Ok(())
}

/// The ranges that servers since 3.5 refuse, found by trying the whole basic plane. The servers look at UTF-16 units,
/// so the surrogates of everything above the basic plane are refused with the rest.
const fn forbidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{10ffff}'
    )
}

impl Wire for Path {
    const LEN_MIN: usize = 5;

    const KIND: Kind = Kind::Text;

    fn encoded_len(&self) -> usize {
        4 + self.0.len()
    }

    fn encode(&self, out: &mut impl Sink) {
        put_length(out, self.0.len());
        out.put(self.0.as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        let bytes = input.string_bytes()?;
        // The character that stands for invalid UTF-8 is forbidden.
        Self::new(&lossy(bytes)).map_err(|error| input.malformed(at, What::Path(error)))
    }

    fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
        visit(self);
    }

    fn path(&self) -> Option<&Path> {
        Some(self)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Path {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::format;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn path(text: &str) -> Path {
        Path::new(text).unwrap()
    }

    /// The same rule in UTF-16 units, as the server has it.
    fn refused_by_the_server(unit: u32) -> bool {
        unit <= 0x1f || (0x7f..=0x9f).contains(&unit) || (0xd800..=0xf8ff).contains(&unit) || unit >= 0xfff0
    }

    #[test]
    fn every_character_is_judged_as_the_server_does() {
        for character in ('\0'..=char::MAX).filter(|character| *character != '/') {
            let refused = refused_by_the_server(u32::from(character));
            let fault = refused.then_some(PathError { at: 2, fault: PathFault::Forbidden(character) });
            assert_eq!(Path::new(&format!("/a{character}/b")).err(), fault, "{character:?}");
        }
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        for (text, at, fault) in [
            ("", 0, PathFault::Empty),
            ("a", 0, PathFault::Relative),
            ("a/b", 0, PathFault::Relative),
            (" /a", 0, PathFault::Relative),
            ("//", 1, PathFault::EmptyComponent),
            ("//a", 1, PathFault::EmptyComponent),
            ("/a/", 2, PathFault::TrailingSlash),
            ("/a//b", 3, PathFault::EmptyComponent),
            ("/a//", 3, PathFault::EmptyComponent),
            ("/.", 1, PathFault::DotComponent),
            ("/..", 1, PathFault::DotComponent),
            ("/a/./b", 3, PathFault::DotComponent),
            ("/ä/..", 4, PathFault::DotComponent),
            ("/ä\u{7f}", 3, PathFault::Forbidden('\u{7f}')),
            ("/😀", 1, PathFault::Forbidden('😀')),
        ] {
            assert_eq!(Path::new(text), Err(PathError { at, fault }), "{text:?}");
        }
        for text in ["/", "/a", "/...", "/.a", "/a..", "/a.", "/a b", "/\u{feff}", "/\u{2028}", "/ä/日本"]
        {
            assert_eq!(path(text).as_str(), text);
        }
        assert_eq!(
            path("/a/b").join("c\0").unwrap_err().to_string(),
            "at byte 1: the character '\\0' is forbidden"
        );
    }

    #[test]
    fn a_path_knows_its_parent_and_its_name() {
        for (text, parent, name) in [("/", None, ""), ("/a", Some("/"), "a"), ("/a/b", Some("/a"), "b")] {
            assert_eq!(path(text).parent(), parent.map(path));
            assert_eq!(path(text).name(), name);
            assert_eq!(path(text).is_root(), name.is_empty());
        }
        assert_eq!(Path::root(), path("/"));
    }

    #[test]
    fn joining_takes_components_only() {
        assert_eq!(path("/").join("a").map(|path| path.to_string()), Ok("/a".into()));
        assert_eq!(path("/a").join("b/c").map(|path| path.to_string()), Ok("/a/b/c".into()));
        for (relative, at, fault) in [
            ("", 0, PathFault::Empty),
            ("/b", 0, PathFault::EmptyComponent),
            ("/", 0, PathFault::EmptyComponent),
            ("b/", 1, PathFault::TrailingSlash),
            ("b//c", 2, PathFault::EmptyComponent),
            ("..", 0, PathFault::DotComponent),
        ] {
            assert_eq!(path("/a").join(relative), Err(PathError { at, fault }), "{relative:?}");
        }
    }

    #[test]
    fn a_chroot_is_put_on_and_taken_off_at_components() {
        for (client, chroot, server) in
            [("/", "/", "/"), ("/a", "/", "/a"), ("/", "/app", "/app"), ("/a/b", "/app/x", "/app/x/a/b")]
        {
            assert_eq!(path(client).below(&path(chroot)), path(server));
            assert_eq!(path(server).strip(&path(chroot)), Some(path(client)));
            assert!(path(server).starts_with(&path(chroot)));
        }
        for (server, chroot) in
            [("/application", "/app"), ("/zookeeper", "/app"), ("/", "/app"), ("/app", "/app/x")]
        {
            assert_eq!(path(server).strip(&path(chroot)), None);
            assert!(!path(server).starts_with(&path(chroot)));
        }
    }

    #[test]
    fn a_path_is_its_text() {
        let shown = path("/a \"b\"");
        assert_eq!(format!("{shown} {shown:?} {shown:>8}"), "/a \"b\" \"/a \\\"b\\\"\"   /a \"b\"");
        let mut sorted = Vec::from(["/b", "/a/b", "/", "/a"].map(path));
        sorted.sort();
        assert_eq!(sorted, ["/", "/a", "/a/b", "/b"].map(path));
        assert_eq!("/a".parse(), Ok(path("/a")));
        assert_eq!(AsRef::<str>::as_ref(&path("/a")), "/a");
        assert_eq!(BTreeSet::from([path("/a"), path("/b")]).get("/b"), Some(&path("/b")));
        assert_eq!(Path::try_from("/a"), Path::try_from(String::from("/a")));
    }
}
