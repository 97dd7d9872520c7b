//! The error codes of servers, and of the clients that came before.
//!
//! What an error means for a session or a call is decided elsewhere; here are names and advice.

use core::fmt;

macro_rules! codes {
    ($($(#[$meta:meta])* $Name:ident = $raw:literal, $message:literal;)*) => {
        /// Why a server did not do what was asked. `Display` says what it means and, where there is one, the remedy.
        ///
        /// Made by [`Code::new`], so that a number with a name is never [`Code::Unknown`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$meta])* $Name,)*
            /// A number that this crate has no name for.
            Unknown(i32),
        }

        impl Code {
            /// Every code with a name, in the order of the table.
            #[cfg(test)]
            const NAMED: &[(Self, i32)] = &[$((Self::$Name, $raw)),*];

            /// The code with this number; `None` for 0, which is no error.
            #[must_use]
            #[inline]
            pub const fn new(raw: i32) -> Option<Self> {
                if raw == 0 { None } else { Some(Self::named(raw)) }
            }

            /// Apart, because nearly every reply has none.
            const fn named(raw: i32) -> Self {
                match raw {
                    $($raw => Self::$Name,)*
                    unknown => Self::Unknown(unknown),
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> i32 {
                match self {
                    $(Self::$Name => $raw,)*
                    Self::Unknown(raw) => raw,
                }
            }
        }

        impl fmt::Display for Code {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Name => out.write_str($message),)*
                    Self::Unknown(raw) => write!(out, "the server refused with code {raw}, which has no name here"),
                }
            }
        }
    };
}

codes! {
    /// No node has this path, or the parent of a node to be created does not exist.
    NoNode = -101, "the node does not exist, or for create its parent; create it first";
    /// The node exists already.
    NodeExists = -110, "the node exists already";
    /// The node has children and cannot be deleted.
    NotEmpty = -111, "the node has children; delete them first";
    /// The version is not the expected one: somebody else wrote.
    BadVersion = -103, "the version is not the expected one; read again and decide anew";
    /// The parent is ephemeral, and ephemeral nodes have no children.
    NoChildrenForEphemerals = -108, "the parent is ephemeral and cannot have children; use another parent";
    /// The ACL does not allow it to any identity of the connection.
    NoAuth = -102, "the ACL does not allow it; authenticate as somebody who may";
    /// The ACL is empty, names an unknown scheme or a malformed id, or refers to an authentication that did not happen.
    InvalidAcl = -114, "the ACL is not valid; check schemes and ids, and authenticate before \"auth\" is used";
    /// The credential was refused. The server closes the connection next; the session lives on.
    AuthFailed = -115, "the server refused the credential; use another one, repeating does not help";
    /// A path, a create mode, a time to live or a configuration that the server does not accept.
    BadArguments = -8, "the server does not accept an argument; check the path and the mode";
    /// The server could not decode the request, or failed inside.
    MarshallingError = -5, "the server could not decode the request or failed inside; see its log";
    /// The server does not know the operation, and closes the connection next; or the operation is switched off, and
    /// it does not.
    Unimplemented = -6, "the server does not have the operation; use one of an older version, or upgrade";
    /// The server has lost its quorum and serves reads only.
    NotReadOnly = -119, "the server is read-only; ask again on one that is not";
    /// The request waited too long in the server's queue and was not executed (since 3.7).
    Throttled = -127, "the server is overloaded and did not execute the request; ask again later";
    /// A hard quota would be exceeded (since 3.7).
    QuotaExceeded = -125, "a quota would be exceeded; delete something, or have the quota raised";
    /// An ephemeral node on a local session that may not be made global.
    EphemeralOnLocalSession = -120, "the session is local to its server and cannot own ephemeral nodes";
    /// The connection has no such watch.
    NoWatcher = -121, "there is no such watch on this connection";
    /// The session is gone.
    SessionExpired = -112, "the session has expired; start a new one";
    /// The session is now on another server. Servers close the connection rather than send this.
    SessionMoved = -118, "the session has moved to another server; connect again";
    /// The server demands an authentication that the connection does not have, and closes it next.
    SessionClosedRequireSaslAuth = -124, "the server demands authentication; configure a credential it requires";
    /// In a failed multi: the operation stands after the failing one and was not tried.
    RuntimeInconsistency = -2, "not tried, because an operation before it in the same multi failed";
    /// No quorum of the proposed configuration is connected.
    NewConfigNoQuorum = -13, "no quorum of the new configuration is connected; start its servers, then ask again";
    /// Another reconfiguration is under way.
    ReconfigInProgress = -14, "another reconfiguration is under way; ask again later";
    /// Reconfiguration is switched off.
    ReconfigDisabled = -123, "reconfiguration is switched off on the servers; have it enabled";
    /// Internal to servers.
    UnknownSession = -12, "the server does not know the session";
    /// Marks a range; servers do not send it.
    SystemError = -1, "the server failed";
    /// Servers do not send it.
    DataInconsistency = -3, "the server found its data inconsistent";
    /// Made by clients: the connection was lost before the reply. Servers do not send it.
    ConnectionLoss = -4, "the connection was lost before the reply; whether it was done is not known";
    /// Made by the C client. Servers do not send it.
    OperationTimeout = -7, "no reply came in time; whether it was done is not known";
    /// Made by the C client. Servers do not send it.
    InvalidState = -9, "the client is closed or its session is over";
    /// Made by the C client. Servers do not send it.
    SslConnectionError = -15, "the TLS connection failed";
    /// Marks a range; servers do not send it.
    ApiError = -100, "the server refused";
    /// Servers do not send it.
    InvalidCallback = -113, "the callback is not valid";
    /// Made by the C client. Servers do not send it.
    Closing = -116, "the client is closing";
    /// Made by the C client. Servers do not send it.
    Nothing = -117, "there was nothing to do";
    /// Made by the Java client. Servers do not send it.
    RequestTimeout = -122, "no reply came in time; whether it was done is not known";
}

wire_as! { Option<Code> as i32: |code| code.map_or(0, Code::raw), Code::new }

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::string::ToString;

    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(Code::NAMED.len(), 35);
        for &(code, raw) in Code::NAMED {
            assert_eq!(code.raw(), raw);
            assert_eq!(Code::new(raw), Some(code));
        }
        let numbers: BTreeSet<i32> = Code::NAMED.iter().map(|&(_, raw)| raw).collect();
        assert_eq!(numbers.len(), Code::NAMED.len());
    }

    #[test]
    fn zero_is_no_error_and_every_other_number_is_kept() {
        assert_eq!(Code::new(0), None);
        for raw in (-200..=200).chain([i32::MIN, i32::MAX]).filter(|raw| *raw != 0) {
            assert_eq!(Code::new(raw).map(Code::raw), Some(raw));
        }
        assert_eq!(Code::new(-126), Some(Code::Unknown(-126)));
    }

    #[test]
    fn every_code_says_something() {
        for &(code, raw) in Code::NAMED {
            assert!(code.to_string().len() > 10, "{raw}");
        }
        assert_eq!(
            Code::Unknown(-7777).to_string(),
            "the server refused with code -7777, which has no name here"
        );
    }
}
