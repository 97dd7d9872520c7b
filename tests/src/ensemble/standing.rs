//! What a server says of its place in the ensemble, in its answer to `srvr`.

use std::str::FromStr;

/// A server's place in the ensemble, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its place.
    pub mode: Mode,
    /// Its last transaction; the upper half is the epoch of the leader that it came from.
    pub zxid: i64,
}

/// A server's place in the ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// It leads.
    Leader,
    /// It follows a leader.
    Follower,
    /// It is alone, and meant to be.
    Standalone,
    /// It has lost its quorum, and serves reads.
    ReadOnly,
}

impl FromStr for Standing {
    type Err = NotServing;

    fn from_str(answer: &str) -> Result<Self, NotServing> {
        let field = |name| answer.lines().find_map(|line| line.strip_prefix(name)).ok_or(NotServing);
        let mode = match field("Mode: ")?.trim() {
            "leader" => Mode::Leader,
            "follower" => Mode::Follower,
            "standalone" => Mode::Standalone,
            "read-only" => Mode::ReadOnly,
            _ => return Err(NotServing),
        };
        let zxid = field("Zxid: 0x").ok().and_then(|digits| i64::from_str_radix(digits.trim(), 16).ok());
        Ok(Self { mode, zxid: zxid.unwrap_or_default() })
    }
}

/// The answer is of a server that does not serve, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not serve")]
pub struct NotServing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_names_its_mode_and_transaction() {
        let answer = "Zookeeper version: 3.9.3\nZxid: 0x20000001f\nMode: leader\nNode count: 5\n";
        assert_eq!(answer.parse(), Ok(Standing { mode: Mode::Leader, zxid: 0x2_0000_001f }));
        // One that reads only has no transaction to name.
        assert_eq!("Mode: read-only\n".parse(), Ok(Standing { mode: Mode::ReadOnly, zxid: 0 }));
        let other = "This ZooKeeper instance is not currently serving requests\n";
        assert_eq!(other.parse::<Standing>(), Err(NotServing));
    }
}
