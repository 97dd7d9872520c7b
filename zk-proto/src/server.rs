//! Where one server listens. Names are not resolved here.

use alloc::string::String;
use core::fmt;

/// The address of a server's client port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server {
    /// A host name or an IP address; an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Server {
    /// The port of servers that are not configured otherwise.
    pub const PORT_DEFAULT: u16 = 2181;
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        for (host, shown) in [("one", "one:2181"), ("10.0.0.1", "10.0.0.1:2181"), ("::1", "[::1]:2181")] {
            assert_eq!(Server { host: host.into(), port: Server::PORT_DEFAULT }.to_string(), shown);
        }
    }
}
