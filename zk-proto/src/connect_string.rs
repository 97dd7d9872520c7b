//! The text by which users name an ensemble: servers, and perhaps the node that is to be their root.
//!
//! The grammar is that of the Java client: `host[:port],host[:port]/chroot`. Names are not resolved here.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::path::{Path, PathError};
use crate::server::Server;

/// The servers of an ensemble and the client's root, as in `one:2181,two:2181,[::1]:2181/app`.
///
/// The port is 2181 unless it is given. Spaces around servers are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectString {
    /// The servers in the order of the text; at least one after parsing.
    pub servers: Vec<Server>,
    /// The node below which the client lives; the root if none was given.
    pub chroot: Path,
}

impl FromStr for ConnectString {
    type Err = ConnectStringError;

    fn from_str(text: &str) -> Result<Self, ConnectStringError> {
        let slash = text.find('/').unwrap_or(text.len());
        let (hosts, chroot) = text.split_at(slash);
        if hosts.trim().is_empty() {
            return Err(ConnectStringError { at: 0, fault: ConnectStringFault::Empty });
        }
        let mut servers = Vec::new();
        let mut at = 0;
        for part in hosts.split(',') {
            let spaces = part.len() - part.trim_start().len();
            let server = parse_server(part.trim())
                .map_err(|(offset, fault)| ConnectStringError { at: at + spaces + offset, fault })?;
            servers.push(server);
            at += part.len() + 1;
        }
        let chroot = if chroot.is_empty() { "/" } else { chroot };
        let chroot = Path::new(chroot).map_err(|error| ConnectStringError {
            at: slash + error.at,
            fault: ConnectStringFault::Chroot(error),
        })?;
        Ok(Self { servers, chroot })
    }
}

impl fmt::Display for ConnectString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, server) in self.servers.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}{server}")?;
        }
        if self.chroot.is_root() { Ok(()) } else { write!(out, "{}", self.chroot) }
    }
}

/// Why a text does not name an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("connect string at byte {at}: {fault}")]
pub struct ConnectStringError {
    /// The byte offset of the fault in the text.
    pub at: usize,
    /// What is wrong.
    pub fault: ConnectStringFault,
}

/// What is wrong with a connect string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectStringFault {
    /// There is no server.
    #[error("it names no server, write host:port")]
    Empty,
    /// A comma has no server on one side, or a port has no host.
    #[error("a host is missing")]
    EmptyHost,
    /// What follows the colon is not a port.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A bracket is opened and not closed.
    #[error("the bracket is not closed")]
    UnclosedBracket,
    /// An IPv6 address without brackets: its end and a port cannot be told apart.
    #[error("more than one colon, write an IPv6 address in brackets")]
    AmbiguousV6,
    /// What stands in brackets is not an IPv6 address.
    #[error("brackets hold something other than an IPv6 address")]
    NotV6,
    /// A character that is in no host name.
    #[error("the character {0:?} is not part of a host name")]
    ForbiddenCharacter(char),
    /// What follows the first slash is not a path.
    #[error("the chroot is not a path: {}", .0.fault)]
    Chroot(PathError),
}

/// A fault, and its offset in the text of one server.
type Fault = (usize, ConnectStringFault);

fn parse_server(text: &str) -> Result<Server, Fault> {
    let (host, rest) = if text.starts_with('[') { parse_v6(text)? } else { parse_host(text)? };
    let Some(port) = rest.strip_prefix(':') else {
        return Ok(Server { host: host.to_owned(), port: Server::PORT_DEFAULT });
    };
    match parse_port(port) {
        Some(port) => Ok(Server { host: host.to_owned(), port }),
        None => Err((text.len() - port.len(), ConnectStringFault::Port)),
    }
}

/// Splits an IPv6 address in brackets, with or without a zone, from what follows: nothing, or a colon and a port.
fn parse_v6(text: &str) -> Result<(&str, &str), Fault> {
    let Some((inside, rest)) = text.split_once(']') else {
        return Err((0, ConnectStringFault::UnclosedBracket));
    };
    let host = inside.strip_prefix('[').unwrap_or_default();
    let (address, zone) = host.split_once('%').unwrap_or((host, "0"));
    if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() || !zone.chars().all(in_host) {
        return Err((1, ConnectStringFault::NotV6));
    }
    match rest.chars().next() {
        None | Some(':') => Ok((host, rest)),
        Some(other) => Err((text.len() - rest.len(), ConnectStringFault::ForbiddenCharacter(other))),
    }
}

/// Splits a name or an IPv4 address from what follows: nothing, or a colon and a port.
fn parse_host(text: &str) -> Result<(&str, &str), Fault> {
    let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
    if rest.matches(':').count() > 1 {
        return Err((host.len(), ConnectStringFault::AmbiguousV6));
    }
    if host.is_empty() {
        return Err((0, ConnectStringFault::EmptyHost));
    }
    match host.char_indices().find(|(_, character)| !in_host(*character)) {
        Some((at, character)) => Err((at, ConnectStringFault::ForbiddenCharacter(character))),
        None => Ok((host, rest)),
    }
}

/// Letters of every script, because a resolver may take international names.
fn in_host(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-' | '_')
}

/// A port is written in digits only; the number parser alone would take a plus sign.
fn parse_port(text: &str) -> Option<u16> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_text_names_servers_and_a_root() {
        for (text, shown) in [
            ("one", "one:2181"),
            ("one:1", "one:1"),
            ("one:65535,two", "one:65535,two:2181"),
            (" one:2182 ,\ttwo\n", "one:2182,two:2181"),
            ("one/", "one:2181"),
            ("one/app", "one:2181/app"),
            ("one,two:3/app/a,b:c", "one:2181,two:3/app/a,b:c"),
            ("[::1]", "[::1]:2181"),
            ("[::1]:7/x", "[::1]:7/x"),
            ("[fe80::1%eth0]:7", "[fe80::1%eth0]:7"),
            ("10.0.0.1:2181", "10.0.0.1:2181"),
            ("zk-1.b\u{fc}ro_x", "zk-1.b\u{fc}ro_x:2181"),
            ("one:0002181", "one:2181"),
        ] {
            let parsed: ConnectString = text.parse().unwrap();
            assert_eq!(parsed.to_string(), shown, "{text:?}");
            assert_eq!(shown.parse(), Ok(parsed), "{text:?}");
        }
        let parsed: ConnectString = "[::1]:7".parse().unwrap();
        assert_eq!(parsed.servers, [Server { host: "::1".to_owned(), port: 7 }]);
        assert!(parsed.chroot.is_root());
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        use ConnectStringFault::*;
        for (text, at, fault) in [
            ("", 0, Empty),
            ("   ", 0, Empty),
            ("/app", 0, Empty),
            ("one,,two", 4, EmptyHost),
            ("one,", 4, EmptyHost),
            (",one", 0, EmptyHost),
            ("one, :2181", 5, EmptyHost),
            ("one:", 4, Port),
            ("one:0", 4, Port),
            ("one:65536", 4, Port),
            ("one:+80", 4, Port),
            ("one:-1", 4, Port),
            ("one: 80", 4, Port),
            ("one,two:x", 8, Port),
            ("[::1]:", 6, Port),
            ("[::1]:1:2", 6, Port),
            ("[::1", 0, UnclosedBracket),
            ("one,[::1:2181", 4, UnclosedBracket),
            ("::1", 0, AmbiguousV6),
            ("fe80::1:2181", 4, AmbiguousV6),
            ("[one]:2181", 1, NotV6),
            ("[]", 1, NotV6),
            ("[::1%]", 1, NotV6),
            ("[::1%a b]", 1, NotV6),
            ("[::1]2181", 5, ForbiddenCharacter('2')),
            ("o ne", 1, ForbiddenCharacter(' ')),
            ("one\\two", 3, ForbiddenCharacter('\\')),
            ("one;two", 3, ForbiddenCharacter(';')),
            ("one]", 3, ForbiddenCharacter(']')),
        ] {
            assert_eq!(
                text.parse::<ConnectString>(),
                Err(ConnectStringError { at, fault }),
                "{text:?} gives another fault"
            );
        }
        let error = "one:2181/app//x".parse::<ConnectString>().unwrap_err();
        assert_eq!((error.at, Path::new("/app//x").map_err(Chroot)), (13, Err(error.fault)));
        assert_eq!(
            error.to_string(),
            "connect string at byte 13: the chroot is not a path: a slash where a component should start"
        );
    }

    #[test]
    fn pieces_of_the_grammar_in_any_order_never_panic() {
        let pieces = ["", "a", ":", "1", "[", "]", ",", "/", "%", "::1", " ", "\u{fc}", "99999"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let text = format!("{a}{b}{c}{d}");
                        if let Ok(parsed) = text.parse::<ConnectString>() {
                            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{text:?}");
                        }
                    }
                }
            }
        }
    }
}
