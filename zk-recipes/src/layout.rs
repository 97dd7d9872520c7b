//! How contenders name their nodes, so that different clients wait for each other.
//!
//! A layout reads and writes names. It decides nothing about who comes first.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use zk_session::{Path, proto::PathFault};

/// Sixteen random bytes that make a name ours.
pub(crate) type Token = [u8; 16];

/// The sequence number after which a server has no further ones: new servers repeat it, old ones go on below zero.
const SEQUENCE_LAST: i64 = i32::MAX as i64;

/// The digits that a server appends to a name, at least.
const SEQUENCE_LENGTH: usize = 10;

/// How contenders name their nodes. All clients that share a directory must recognise each other's names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    prefix: String,
    style: TokenStyle,
    infix: String,
    patterns: Vec<Pattern>,
    strangers: Strangers,
    identified: bool,
}

/// How the sixteen bytes of a token are written in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenStyle {
    /// 32 hexadecimal digits.
    Plain,
    /// 32 hexadecimal digits with hyphens, in groups of 8, 4, 4, 4 and 12.
    Hyphenated,
}

/// What to make of children that are no contenders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strangers {
    /// They are somebody else's business, unless they follow the protected names of Curator.
    Ignored,
    /// Peers would count them: the attempt fails.
    Refused,
}

/// What a contender wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// To be alone.
    Writer,
    /// To be there with other readers.
    Reader,
}

/// A name that a layout made sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Contender { kind: Kind, sequence: i64 },
    Ignored,
    Foreign,
}

/// Why a layout cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A name is one component of a path.
    #[error("a prefix or an infix has a slash")]
    Slash,
    /// A server would not take the name.
    #[error("a prefix or an infix has a character that no node name may have: {0:?}")]
    Forbidden(PathFault),
    /// Without an infix nothing tells a contender from another child.
    #[error("an infix is empty")]
    EmptyInfix,
    /// With a digit at its end an infix could not be told from the sequence number.
    #[error("an infix ends with a digit")]
    DigitAtEnd,
}

/// A literal text between whatever comes first and the sequence number at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pattern {
    infix: String,
    kind: Kind,
    head: Head,
}

/// What stands before the infix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Head {
    Any,
    /// `_c_` and a token.
    Protected(TokenStyle),
}

impl Layout {
    /// The names of Kazoo, the default: `<token>__lock__<sequence>`. Kazoo and Go clients with default settings take part;
    /// a directory with Curator's names is refused, since Curator would not wait for us.
    #[must_use]
    pub fn kazoo() -> Self {
        Self {
            prefix: String::new(),
            style: TokenStyle::Plain,
            infix: "__lock__".into(),
            patterns: [Pattern::kazoo(), alloc::vec![Pattern::go()]].concat(),
            strangers: Strangers::Ignored,
            identified: true,
        }
    }

    /// The names of Curator's mutex: `_c_<token>-lock-<sequence>`. Curator and Go clients take part; any other child is
    /// refused, since Curator would count it.
    #[must_use]
    pub fn curator() -> Self {
        Self {
            prefix: "_c_".into(),
            style: TokenStyle::Hyphenated,
            infix: "-lock-".into(),
            patterns: alloc::vec![Pattern::new("lock-", Kind::Writer)],
            strangers: Strangers::Refused,
            identified: false,
        }
    }

    /// The names of the Go client: like Curator's, with a token without hyphens. Go, Curator and Kazoo names are
    /// recognised; any other child is refused, since the Go client fails on it.
    #[must_use]
    pub fn go() -> Self {
        Self {
            style: TokenStyle::Plain,
            patterns: [alloc::vec![Pattern::new("lock-", Kind::Writer)], Pattern::kazoo()].concat(),
            identified: true,
            ..Self::curator()
        }
    }

    /// Curator's names, for a directory shared with Kazoo clients that were told to look for `-lock-`. No Java client may
    /// take part: it would order Kazoo's names wrongly.
    #[must_use]
    pub fn curator_sees_kazoo() -> Self {
        Self {
            patterns: [alloc::vec![Pattern::new("lock-", Kind::Writer)], Pattern::kazoo()].concat(),
            ..Self::curator()
        }
    }

    /// Names of one's own: `<prefix><token><infix><sequence>`. Names that end with one of the infixes in `recognised` and
    /// a sequence number are contenders, too.
    ///
    /// # Errors
    /// [`LayoutError`] says what makes the names useless.
    pub fn custom(
        prefix: &str,
        style: TokenStyle,
        infix: &str,
        recognised: &[(&str, Kind)],
        strangers: Strangers,
    ) -> Result<Self, LayoutError> {
        let infixes = recognised.iter().map(|(infix, _)| *infix).chain([infix]);
        for text in infixes.clone().chain([prefix]) {
            if text.contains('/') {
                return Err(LayoutError::Slash);
            }
            let name = alloc::format!("{text}0");
            Path::root().join(&name).map_err(|error| LayoutError::Forbidden(error.fault))?;
        }
        for infix in infixes {
            match infix.chars().next_back() {
                None => return Err(LayoutError::EmptyInfix),
                Some(last) if last.is_ascii_digit() => return Err(LayoutError::DigitAtEnd),
                Some(_) => {}
            }
        }
        let mut patterns = alloc::vec![Pattern::new(infix, Kind::Writer)];
        patterns.extend(recognised.iter().map(|(infix, kind)| Pattern::new(infix, *kind)));
        Ok(Self { prefix: prefix.into(), style, infix: infix.into(), patterns, strangers, identified: true })
    }

    /// The name to create, without the sequence number.
    pub(crate) fn name(&self, token: &Token) -> String {
        let mut name = self.prefix.clone();
        for (at, byte) in token.iter().enumerate() {
            if self.style == TokenStyle::Hyphenated && matches!(at, 4 | 6 | 8 | 10) {
                name.push('-');
            }
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push_str(&self.infix);
        name
    }

    /// The sequence number of a name that was made from [`Layout::name`] with this token.
    pub(crate) fn own(&self, name: &str, token: &Token) -> Option<i64> {
        sequence(name.strip_prefix(self.name(token).as_str())?)
    }

    /// What a child of the directory is.
    pub(crate) fn see(&self, name: &str) -> Seen {
        for pattern in &self.patterns {
            if let Some(sequence) = pattern.sequence(name) {
                return Seen::Contender { kind: pattern.kind, sequence };
            }
        }
        match self.strangers {
            Strangers::Refused => Seen::Foreign,
            Strangers::Ignored if is_protected(name, TokenStyle::Hyphenated) => Seen::Foreign,
            Strangers::Ignored => Seen::Ignored,
        }
    }

    /// What a node of ours holds.
    pub(crate) fn data(&self, identifier: &str) -> bytes::Bytes {
        if self.identified { identifier.as_bytes().to_vec().into() } else { bytes::Bytes::new() }
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::kazoo()
    }
}

impl Pattern {
    fn new(infix: &str, kind: Kind) -> Self {
        Self { infix: infix.into(), kind, head: Head::Any }
    }

    fn kazoo() -> Vec<Self> {
        alloc::vec![Self::new("__lock__", Kind::Writer), Self::new("__rlock__", Kind::Reader)]
    }

    fn go() -> Self {
        Self { head: Head::Protected(TokenStyle::Plain), ..Self::new("-lock-", Kind::Writer) }
    }

    fn sequence(&self, name: &str) -> Option<i64> {
        let (head, tail) = name.rsplit_once(self.infix.as_str())?;
        let fits = match self.head {
            Head::Any => true,
            Head::Protected(style) => is_protected(head, style) && head.len() == "_c_".len() + style.length(),
        };
        if fits { sequence(tail) } else { None }
    }
}

impl TokenStyle {
    const fn length(self) -> usize {
        match self {
            Self::Plain => 32,
            Self::Hyphenated => 36,
        }
    }
}

/// Whether no order is left at this sequence number.
pub(crate) const fn is_exhausted(sequence: i64) -> bool {
    sequence < 0 || sequence >= SEQUENCE_LAST
}

/// The number that a server appended, if that is what the text is.
fn sequence(tail: &str) -> Option<i64> {
    let digits = tail.strip_prefix('-').unwrap_or(tail);
    if tail.len() < SEQUENCE_LENGTH || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    tail.parse().ok()
}

/// Whether a name starts like those that Curator protects: `_c_`, a token, and perhaps more.
fn is_protected(name: &str, style: TokenStyle) -> bool {
    let Some(token) = name.strip_prefix("_c_").and_then(|rest| rest.get(..style.length())) else {
        return false;
    };
    token.bytes().enumerate().all(|(at, byte)| {
        if style == TokenStyle::Hyphenated && matches!(at, 8 | 13 | 18 | 23) {
            byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = [0xab; 16];
    const PLAIN: &str = "abababababababababababababababab";
    const HYPHENATED: &str = "abababab-abab-abab-abab-abababababab";

    fn contender(kind: Kind, sequence: i64) -> Seen {
        Seen::Contender { kind, sequence }
    }

    #[test]
    fn each_layout_writes_the_names_of_its_peers() {
        assert_eq!(Layout::kazoo().name(&TOKEN), alloc::format!("{PLAIN}__lock__"));
        assert_eq!(Layout::go().name(&TOKEN), alloc::format!("_c_{PLAIN}-lock-"));
        assert_eq!(Layout::curator().name(&TOKEN), alloc::format!("_c_{HYPHENATED}-lock-"));
        assert_eq!(Layout::curator_sees_kazoo().name(&TOKEN), alloc::format!("_c_{HYPHENATED}-lock-"));
        let custom = Layout::custom("x-", TokenStyle::Plain, "-", &[], Strangers::Ignored);
        assert_eq!(custom.map(|layout| layout.name(&TOKEN)), Ok(alloc::format!("x-{PLAIN}-")));
    }

    #[test]
    fn each_layout_reads_what_it_writes() {
        let layouts = [Layout::kazoo(), Layout::go(), Layout::curator(), Layout::curator_sees_kazoo()];
        for layout in layouts {
            let name = alloc::format!("{}0000000007", layout.name(&TOKEN));
            assert_eq!(layout.own(&name, &TOKEN), Some(7));
            assert_eq!(layout.own(&name, &[0; 16]), None);
            assert_eq!(layout.see(&name), contender(Kind::Writer, 7));
        }
    }

    #[test]
    fn kazoo_waits_for_readers_and_go_and_refuses_curator() {
        let layout = Layout::kazoo();
        assert_eq!(layout.see("x__rlock__0000000003"), contender(Kind::Reader, 3));
        let go = alloc::format!("_c_{PLAIN}-lock-0000000004");
        assert_eq!(layout.see(&go), contender(Kind::Writer, 4));
        let curator = alloc::format!("_c_{HYPHENATED}-latch-0000000004");
        assert_eq!(layout.see(&curator), Seen::Foreign);
        for other in ["lease_holder", "x__lock__", "x__lock__12", "x__lock__000000000a", "-lock-0000000001"] {
            assert_eq!(layout.see(other), Seen::Ignored, "{other}");
        }
    }

    #[test]
    fn curator_counts_every_child() {
        assert_eq!(Layout::curator().see("lock-0000000003"), contender(Kind::Writer, 3));
        assert_eq!(Layout::curator().see("x__lock__0000000003"), Seen::Foreign);
        assert_eq!(Layout::curator_sees_kazoo().see("x__lock__0000000003"), contender(Kind::Writer, 3));
        assert_eq!(Layout::go().see("lease_holder"), Seen::Foreign);
    }

    #[test]
    fn a_sequence_number_may_be_used_up() {
        let layout = Layout::kazoo();
        for (name, number) in
            [("x__lock__2147483647", 2_147_483_647), ("x__lock__-2147483648", -2_147_483_648)]
        {
            assert_eq!(layout.see(name), contender(Kind::Writer, number));
            assert!(is_exhausted(number));
        }
        assert!(!is_exhausted(0) && !is_exhausted(2_147_483_646));
    }

    #[test]
    fn useless_names_are_refused() {
        let custom =
            |prefix, infix| Layout::custom(prefix, TokenStyle::Plain, infix, &[], Strangers::Ignored);
        assert_eq!(custom("a/", "-"), Err(LayoutError::Slash));
        assert_eq!(custom("", ""), Err(LayoutError::EmptyInfix));
        assert_eq!(custom("", "-7"), Err(LayoutError::DigitAtEnd));
        assert!(matches!(custom("", "\0"), Err(LayoutError::Forbidden(_))));
        assert!(custom("", "-").is_ok());
    }
}
