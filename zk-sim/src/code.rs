//! The error codes that a server answers. Codes that only clients make are not among them.

/// Why a request was refused; the discriminant is the code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Code {
    /// An operation of a multi that was not tried, because one before it failed.
    RuntimeInconsistency = -2,
    /// The request could not be decoded, or a value in it has no meaning.
    MarshallingError = -5,
    /// The server does not know the operation, or is not set up for it.
    Unimplemented = -6,
    /// A path, flags or a time to live that cannot be.
    BadArguments = -8,
    /// The node is not there; for a create, its parent.
    NoNode = -101,
    /// The ACL does not grant what the operation needs.
    NoAuth = -102,
    /// The version is not the expected one.
    BadVersion = -103,
    /// The parent is an ephemeral node.
    NoChildrenForEphemerals = -108,
    /// The node is there already.
    NodeExists = -110,
    /// The node has children.
    NotEmpty = -111,
    /// The session is gone.
    SessionExpired = -112,
    /// The ACL is empty, or has an entry that cannot be.
    InvalidAcl = -114,
    /// The credentials were refused.
    AuthFailed = -115,
    /// The session has gone on at another server. No client sees this: its connection is closed instead.
    SessionMoved = -118,
    /// The server serves nothing but reads.
    NotReadOnly = -119,
    /// There is no such watch on this connection.
    NoWatcher = -121,
    /// The server does not allow its configuration to be changed.
    ReconfigDisabled = -123,
    /// The server demands a login, and the connection has none.
    SaslRequired = -124,
    /// A hard limit of a quota would be exceeded.
    QuotaExceeded = -125,
    /// The server has too much to do, and has not looked at the request.
    Throttled = -127,
}

impl Code {
    /// The code on the wire.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self as i32
    }
}
