//! In what the releases of ZooKeeper differ, one flag a difference. It holds no behaviour itself.

/// A line of releases, by its last member that the model was compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.4.13: no containers, no persistent watches, none of the later operations. With the masking of digests that
    /// distributions have added to it.
    V3_4,
    /// 3.5: no persistent watches, no `multiRead`.
    V3_5,
    /// 3.8.0, with the filter of watch events by ACL that distributions have added to it.
    #[default]
    V3_8,
    /// 3.9.3.
    V3_9,
}

impl Version {
    /// The text a server of this version gives as its own.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V3_4 => "3.4.13",
            Self::V3_5 => "3.5.10",
            Self::V3_8 => "3.8.0",
            Self::V3_9 => "3.9.3",
        }
    }
}

/// What a server does differently from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Whose quirks these are; decides which operations are known.
    pub version: Version,
    /// An event is delivered only to who may read the node (from 3.8.4 and 3.9.2).
    pub events_need_read: bool,
    /// `exists` needs READ on a node that is there (from 3.8.4 and 3.9.2).
    pub exists_needs_read: bool,
    /// Watches of several kinds live side by side on a path; else the last one replaces the others (before 3.9).
    pub watches_mix: bool,
    /// Watch events carry the zxid of their transaction, else -1 (from 3.9.0).
    pub events_have_zxid: bool,
    /// In a multi, the flags alone say what a create makes and how it is answered: `create2` has no stat, and
    /// `createContainer` makes a container only with the flags for one (before 3.7.2 and 3.8.2). Flags for a container
    /// make one there in all versions.
    pub multi_goes_by_flags: bool,
    /// A create with flags that do not exist, with flags for a time to live in an operation that has none, or without an
    /// ACL spoils the whole multi, not its operation only (from 3.7.2 and 3.8.2).
    pub multi_checks_flags: bool,
    /// A write that cannot be decoded gets no zxid; a multi does, unless it is an ACL that it lacks (from 3.9).
    pub malformed_has_no_zxid: bool,
    /// A create looks at its flags after it has looked at the ACLs (3.4).
    pub flags_are_late: bool,
    /// A delete looks for the node before it looks at the permission (3.4).
    pub delete_needs_node_first: bool,
    /// `checkWatches` finds the watches of other connections, too, and stumbles over paths without a `/` (before 3.9).
    pub check_sees_others: bool,
    /// `getACL` hides digests from who may not write the ACL (from 3.4.14 and 3.5.5, and in 3.4.13 of distributions).
    pub digests_are_masked: bool,
    /// An ACL list or a scheme that is null is malformed, not invalid (3.4).
    pub null_acl_is_malformed: bool,
    /// An address in an ACL may name its number of bits (from 3.5).
    pub addresses_have_bits: bool,
    /// The edges of the ranges of characters that paths must not have are refused as well (from 3.5).
    pub path_edges_refused: bool,
    /// There is a node `/zookeeper/config` (from 3.5).
    pub has_config_node: bool,
    /// A server without a quorum begins sessions of its own, which no other knows, and says of one that it does not know
    /// that it is over; else it begins none, and takes the client's word. From 3.7 this is a setting
    /// (`localSessionsEnabled`), and off unless told.
    pub read_only_begins: bool,
    /// A server without a quorum goes on with sessions that it knows; else it closes their connections (before 3.7).
    pub read_only_renews: bool,
    /// ACLs can name who has logged in. A setting: servers with users who log in can do it.
    pub has_logins: bool,
    /// Nodes can have a time to live. A setting rather than a habit: servers call it `extendedTypesEnabled`, and it is
    /// off unless they are told.
    pub has_ttl_nodes: bool,
    /// A write that would exceed a hard limit of a quota is refused; else quotas are only kept account of. A setting, too
    /// (`enforceQuota`, from 3.7), and off unless told.
    pub enforces_quotas: bool,
}

impl Quirks {
    /// The quirks of a version.
    #[must_use]
    pub fn of(version: Version) -> Self {
        let modern = version >= Version::V3_5;
        let latest = version >= Version::V3_9;
        Self {
            version,
            events_need_read: version >= Version::V3_8,
            exists_needs_read: latest,
            watches_mix: latest,
            events_have_zxid: latest,
            multi_goes_by_flags: !latest,
            multi_checks_flags: latest,
            malformed_has_no_zxid: latest,
            flags_are_late: !modern,
            delete_needs_node_first: !modern,
            check_sees_others: !latest,
            digests_are_masked: true,
            null_acl_is_malformed: !modern,
            addresses_have_bits: modern,
            path_edges_refused: modern,
            has_config_node: modern,
            read_only_begins: version < Version::V3_8,
            read_only_renews: version < Version::V3_8,
            has_logins: false,
            has_ttl_nodes: modern,
            enforces_quotas: false,
        }
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::of(Version::default())
    }
}
