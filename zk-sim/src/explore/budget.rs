//! What may go wrong, and how often.

/// How often each fault may happen in one run. All zeros: nothing goes wrong, and nobody changes their mind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Budget {
    /// A link is lost. Each request that was not served may have been sent or not; replies that were not read are lost. The
    /// lease may run out before another link is found.
    pub cuts: u8,
    /// A process stands still on a healthy link until its lease has run out, and then reads what has come meanwhile.
    pub pauses: u8,
    /// A session ends. Either the servers end it, that of a peer who holds something only after its lease; or a peer without
    /// a link gives it up, and the servers end it later.
    pub expiries: u8,
    /// An operator deletes a node.
    pub deletes: u8,
    /// An operator creates one of the nodes that the spec calls [strangers](crate::explore::Spec::strangers).
    pub creates: u8,
    /// A user does what its plan did not foresee, such as to cancel.
    pub changes_of_mind: u8,
}
