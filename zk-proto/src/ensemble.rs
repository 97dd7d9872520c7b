//! The text in which servers keep the configuration of their ensemble.
//!
//! It stands in `/zookeeper/config`, and in the reply to a reconfiguration. A line that is not understood is left out,
//! because later releases may add some.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::server::Server;

/// The servers of an ensemble, as they know each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnsembleConfig {
    /// The servers, in the order of the text.
    pub members: Vec<Member>,
    /// The version, which [`Reconfig`](crate::ops::Reconfig) can expect; -1 if the text has none.
    pub version: i64,
}

/// One server of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// The number of the server.
    pub id: i64,
    /// What stands for its addresses among the servers: `host:port:port`, or several of them separated by `|`.
    pub quorum: String,
    /// What the server does.
    pub role: Role,
    /// Where it listens to clients; `None` if the configuration does not say. A host of `0.0.0.0` means that of the
    /// quorum's address.
    pub client: Option<Server>,
}

/// What a server does in its ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes part in votes.
    Participant,
    /// Serves clients without a vote.
    Observer,
}

impl EnsembleConfig {
    /// Understands the text. A server that is alone has none, and no members.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut config = Self { members: Vec::new(), version: -1 };
        for line in text.lines() {
            match line.trim().split_once('=') {
                Some(("version", version)) => {
                    config.version = i64::from_str_radix(version, 16).unwrap_or(-1);
                }
                Some((name, value)) => config.members.extend(Member::new(name, value)),
                None => {}
            }
        }
        config
    }
}

impl Member {
    /// The server of a line such as `server.1=host:2888:3888:participant;0.0.0.0:2181`.
    fn new(name: &str, value: &str) -> Option<Self> {
        let id = name.strip_prefix("server.")?.parse().ok()?;
        let (servers, client) = value.split_once(';').unwrap_or((value, ""));
        let (quorum, role) = match servers.rsplit_once(':') {
            Some((quorum, "participant")) => (quorum, Role::Participant),
            Some((quorum, "observer")) => (quorum, Role::Observer),
            _ => (servers, Role::Participant),
        };
        let (host, port) = client.rsplit_once(':').unwrap_or(("0.0.0.0", client));
        let host = host.trim_start_matches('[').trim_end_matches(']').into();
        let client = port.parse().ok().map(|port| Server { host, port });
        (!quorum.is_empty()).then(|| Self { id, quorum: quorum.into(), role, client })
    }
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Participant => "participant",
            Role::Observer => "observer",
        };
        write!(out, "server.{}={}:{role}", self.id, self.quorum)?;
        self.client.as_ref().map_or(Ok(()), |client| write!(out, ";{client}"))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn every_server_and_the_version_are_found() {
        let text = "server.1=127.0.0.1:12888:12988:participant;0.0.0.0:2181\n\
                    server.2=one:2888:3888:observer;[::1]:2182\n\
                    server.3=one:2888:3888|two:2888:3888\n\
                    server.4=one:2888:3888;2184\n\
                    version=100000003";
        let config = EnsembleConfig::new(text);
        assert_eq!(config.version, 0x1_0000_0003);
        let shown: Vec<_> = config.members.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "server.1=127.0.0.1:12888:12988:participant;0.0.0.0:2181",
                "server.2=one:2888:3888:observer;[::1]:2182",
                "server.3=one:2888:3888|two:2888:3888:participant",
                "server.4=one:2888:3888:participant;0.0.0.0:2184",
            ]
        );
        assert_eq!(config.members.iter().map(|member| member.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
        let client = Server { host: "::1".into(), port: 2182 };
        assert_eq!(config.members[1].client, Some(client));
        assert_eq!(config.members[2].client, None);
        assert_eq!((config.members[0].role, config.members[1].role), (Role::Participant, Role::Observer));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let config = EnsembleConfig::new("a line\nserver.x=one\nserver.1=\ngroup.1=2\n\nversion=xyz\n");
        assert_eq!(config, EnsembleConfig { members: Vec::new(), version: -1 });
        assert_eq!(EnsembleConfig::new("").version, -1);
    }
}
