//! Which requests are refused before anything is sent.

use zk_proto::ops::Request;

use crate::error::{Ended, Misuse, Refusal};
use crate::link::Link;
use crate::session::Session;

impl Session {
    pub(crate) fn refusal(&self, request: &Request) -> Option<Refusal> {
        if let Link::Ended(ended) = self.link {
            return Some(Refusal::Ended(ended));
        }
        if self.close_by.is_some() {
            return Some(Refusal::Ended(Ended::Closed));
        }
        if self.calls.len() >= self.config.calls_max {
            return Some(Refusal::Full);
        }
        if let Some(misuse) = misuse(request) {
            return Some(Refusal::Misuse(misuse));
        }
        let chroot = if self.chroot.root().is_root() { 0 } else { self.chroot.root().as_str().len() };
        let length = request.frame_len() - LENGTH_PREFIX + chroot;
        let limit = self.config.request_length_max;
        (length > limit).then_some(Refusal::Misuse(Misuse::TooLong { length, limit }))
    }
}

/// What callers may not send, because its reply or its effect is not a caller's.
const fn misuse(request: &Request) -> Option<Misuse> {
    if matches!(
        request,
        Request::Ping(_) | Request::SetWatches(_) | Request::SetWatches2(_) | Request::CloseSession(_)
    ) {
        return Some(Misuse::Reserved);
    }
    if matches!(request, Request::Auth(_) | Request::Sasl(_)) {
        return Some(Misuse::Unsupported("authentication"));
    }
    // Without persistent watches there would be nobody to tell of their events; without the engine knowing of it, a
    // removal would leave its owner waiting for ever.
    if matches!(request, Request::AddWatch(_) | Request::RemoveWatches(_)) {
        return Some(Misuse::Unsupported("persistent watches and the removal of watches"));
    }
    None
}

/// Bytes of a frame's length prefix, which the server's limit does not count.
const LENGTH_PREFIX: usize = 4;
