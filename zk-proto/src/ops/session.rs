//! What concerns the session, its identities and its ensemble rather than a node.

use alloc::string::String;

use crate::error::Malformed;
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::secret::Secret;
use crate::write::Sink;

record! {
    /// Keeps the session alive. Its number is [`Xid::PING`](crate::Xid::PING).
    ///
    /// # Errors
    ///
    /// None of its own.
    pub struct Ping {}
}

/// Adds an identity to the connection. There is no way to remove one, and it has to be sent anew on every connection.
///
/// Requests that are sent after it have the identity without waiting for the reply, which may overtake others.
///
/// # Errors
///
/// [AuthFailed](crate::Code::AuthFailed), and the server closes the connection: use another credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Auth {
    /// The scheme: `digest`, or another one that the servers have been given.
    pub scheme: String,
    /// The credential; for `digest` it is `user:password`, and it travels as it is. `None` is refused by `digest`.
    pub credential: Option<Secret>,
}

/// The number in front of an auth packet; servers ignore it.
const AUTH_TYPE: i32 = 0;

impl Wire for Auth {
    const LEN_MIN: usize = 12;

    const KIND: Kind = Kind::Record(&Schema {
        name: "AuthPacket",
        fields: &[
            Field { name: "type", kind: Kind::Int },
            Field { name: "scheme", kind: Kind::Text },
            Field { name: "auth", kind: Kind::Secret },
        ],
    });

    fn encoded_len(&self) -> usize {
        AUTH_TYPE.encoded_len() + self.scheme.encoded_len() + self.credential.encoded_len()
    }

    fn encode(&self, out: &mut impl Sink) {
        AUTH_TYPE.encode(out);
        self.scheme.encode(out);
        self.credential.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within("Auth", |input| {
            let _type = input.int()?;
            Ok(Self { scheme: Wire::decode(input)?, credential: Wire::decode(input)? })
        })
    }
}

record! {
    /// One step of a SASL exchange, from the first to the last.
    ///
    /// # Errors
    ///
    /// [AuthFailed](crate::Code::AuthFailed) or
    /// [SessionClosedRequireSaslAuth](crate::Code::SessionClosedRequireSaslAuth), with a token of null behind the
    /// header, and the server closes the connection. A server before 3.5.9 closes it without a reply.
    pub struct Sasl as GetSASLRequest {
        /// The token; empty to begin with where the mechanism lets the server speak first. A server fails over null.
        pub token: Secret,
    }
}

record! {
    /// Asks for the identities of the connection.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub struct WhoAmI {}
}

record! {
    /// Changes the servers of the ensemble: either all of them by `new_members`, or some by `joining` and `leaving`.
    /// What is not used is `None`.
    ///
    /// The reply may be lost when the connected server or the leader is among those that leave.
    ///
    /// # Errors
    ///
    /// - [ReconfigDisabled](crate::Code::ReconfigDisabled): have it enabled on the servers.
    /// - [Unimplemented](crate::Code::Unimplemented): the server is alone; start it as part of an ensemble.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `WRITE` permission on `/zookeeper/config`.
    /// - [BadVersion](crate::Code::BadVersion): the configuration is another one; read it again.
    /// - [BadArguments](crate::Code::BadArguments): a line names no server.
    /// - [NewConfigNoQuorum](crate::Code::NewConfigNoQuorum): start the new servers, then ask again.
    /// - [ReconfigInProgress](crate::Code::ReconfigInProgress): ask again later.
    pub struct Reconfig as ReconfigRequest {
        /// The servers to add or change, as `server.1=host:2888:3888;2181`, separated by commas.
        pub joining as joiningServers: Option<String>,
        /// The numbers of the servers to remove, separated by commas.
        pub leaving as leavingServers: Option<String>,
        /// All servers of the new configuration, separated by commas.
        pub new_members as newMembers: Option<String>,
        /// The version of the configuration that is expected, as
        /// [`EnsembleConfig::version`](crate::EnsembleConfig::version) shows it; -1 for any.
        pub config_id as curConfigId: i64,
    }
}

record! {
    /// Ends the session and deletes its ephemeral nodes. The server closes the connection after the reply.
    ///
    /// # Errors
    ///
    /// None of its own. If the reply is lost, the session ends at the latest when it expires.
    pub struct CloseSession {}
}
