//! Which requests are refused before anything is sent.

use zk_proto::ops::{MultiOp, Opcode, Release, Request};

use crate::access::{is_local, is_secret};
use crate::config::Unlinked;
use crate::error::{Ended, Misuse, Refusal};
use crate::link::Link;
use crate::session::Session;
use crate::watches::Wanted;
use crate::words::CallOptions;
use crate::wrong::wrong;

impl Session {
    pub(crate) fn refusal(&self, request: &Request, options: &CallOptions) -> Option<Refusal> {
        if let Link::Ended(ended) = self.link {
            return Some(Refusal::Ended(ended));
        }
        if self.close_by.is_some() {
            return Some(Refusal::Ended(Ended::Closed));
        }
        if let Some(misuse) = self.misuse(request) {
            return Some(Refusal::Misuse(misuse));
        }
        let length = request.frame_len() - LENGTH_PREFIX + self.chroot.added_len(request);
        let limit = self.config.request_length_max;
        if length > limit {
            return Some(Refusal::Misuse(Misuse::TooLong { length, limit }));
        }
        if self.is_full(request, length) {
            return Some(Refusal::Full);
        }
        let waits = !self.link.is_live() && !matches!(request, Request::Auth(_));
        (waits && options.unlinked.unwrap_or(self.config.unlinked) == Unlinked::Refuse)
            .then_some(Refusal::Unlinked)
    }

    fn is_full(&self, request: &Request, length: usize) -> bool {
        let waiting = self.calls.queued_bytes();
        self.calls.len() + self.access.waiting() >= self.config.calls_max
            || (waiting > 0 && waiting + length > self.config.queued_length_max)
            || (self.watches.len() >= self.config.watches_max && Wanted::by(request).is_some())
    }

    /// What callers may not send, because its reply or its effect is not a caller's, or would do harm.
    fn misuse(&self, request: &Request) -> Option<Misuse> {
        let since = known_since(request);
        let is_known = self.config.release.is_none_or(|release| release >= since);
        if !is_known && !wrong!(self, SendsTheUnknown) {
            return Some(Misuse::TooNew { since });
        }
        let is_reserved = matches!(
            request,
            Request::Ping(_)
                | Request::SetWatches(_)
                | Request::SetWatches2(_)
                | Request::RemoveWatches(_)
                | Request::Sasl(_)
                | Request::CloseSession(_)
        );
        if is_reserved {
            return Some(Misuse::Reserved);
        }
        let tells = matches!(request, Request::Auth(auth) if is_secret(auth));
        (tells && !self.may_send_secrets()).then_some(Misuse::InsecureAuth)
    }

    /// Whether credentials may go to every server there is.
    fn may_send_secrets(&self) -> bool {
        self.config.encrypted || self.config.plaintext_credentials || self.servers.all().iter().all(is_local)
    }

    /// Whether what the client has to show may go to this server.
    pub(crate) fn may_show(&self, server: &zk_proto::Server) -> bool {
        let reveals = self.config.sasl.as_ref().is_some_and(|mechanism| mechanism.reveals_secret());
        let tells = reveals || self.access.has_secrets();
        !tells || self.config.encrypted || self.config.plaintext_credentials || is_local(server)
    }
}

/// The first release whose servers know all of the request. A server that does not know an operation inside a multi may never
/// answer it.
fn known_since(request: &Request) -> Release {
    let whole = request.opcode().since();
    let Request::Multi(multi) = request else { return whole };
    let parts = multi.ops.0.iter().map(|op| match op {
        MultiOp::Create(_) | MultiOp::Delete(_) | MultiOp::SetData(_) | MultiOp::Check(_) => whole,
        MultiOp::Create2(_) => Opcode::Create2.since(),
        MultiOp::CreateContainer(_) => Opcode::CreateContainer.since(),
        // Alone it came earlier.
        MultiOp::CreateTtl(_) => Release::new(3, 6, 0),
    });
    parts.max().map_or(whole, |since| since.max(whole))
}

/// Bytes of a frame's length prefix, which the server's limit does not count.
const LENGTH_PREFIX: usize = 4;
