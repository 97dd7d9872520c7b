//! What has been read and not been understood.

use core::fmt;

use bytes::BytesMut;
use zk_proto::{Deframer, HANDSHAKE_LENGTH_MAX};

pub(crate) struct Inbox {
    pub(crate) deframer: Deframer,
    /// Bytes of an incomplete frame at the last look.
    pub(crate) incomplete: usize,
    /// Where bytes of a connection that is gone are read to.
    pub(crate) stale: BytesMut,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { deframer: Deframer::new(HANDSHAKE_LENGTH_MAX), incomplete: 0, stale: BytesMut::new() }
    }

    /// The next byte is the first of a new connection.
    pub(crate) fn clear(&mut self) {
        self.deframer.clear();
        self.deframer.set_limit(HANDSHAKE_LENGTH_MAX);
        self.incomplete = 0;
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is read is the user's data.
        out.debug_struct("Inbox")
            .field("deframer", &self.deframer)
            .field("incomplete", &self.incomplete)
            .field("stale", &self.stale.len())
            .finish()
    }
}
