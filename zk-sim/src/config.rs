//! How a server is set up. It does not say how it is reached.

use std::collections::BTreeMap;

use crate::Quirks;

/// Settings of a [`Server`](crate::Server).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What it does differently from other versions.
    pub quirks: Quirks,
    /// The unit of time: timeouts are held to 2 to 20 of it, and sessions expire at its multiples.
    pub tick_ms: u32,
    /// The server's own id, which becomes the high byte of its session ids.
    pub server_id: u8,
    /// How often the server looks for containers and TTL nodes to delete.
    pub reap_interval_ms: u64,
    /// The digest id (see [`digest_id`](crate::digest_id)) of who may do everything, if there is somebody.
    pub super_digest: Option<String>,
    /// Who may log in by DIGEST-MD5, and the passwords. If there is nobody, the server knows no logins.
    pub users: BTreeMap<String, String>,
    /// Whether clients must log in before anything else (`sessionRequireClientSASLAuth`; 3.4 does not know it).
    pub requires_login: bool,
    /// How many transactions the log keeps after they were applied.
    pub log_kept_max: usize,
}

impl Default for Config {
    /// As servers come: a tick of 2 s, a look for abandoned nodes every minute. The log keeps nothing.
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            tick_ms: 2000,
            server_id: 1,
            reap_interval_ms: 60_000,
            super_digest: None,
            users: BTreeMap::new(),
            requires_login: false,
            log_kept_max: 0,
        }
    }
}

/// The shortest session timeout, in ticks: a client must have time to ping.
const TIMEOUT_TICKS_MIN: u32 = 2;
/// The longest session timeout, in ticks: the ephemeral nodes of a dead client must go at last.
const TIMEOUT_TICKS_MAX: u32 = 20;

impl Config {
    /// The shortest timeout that is granted.
    #[must_use]
    pub const fn timeout_ms_min(&self) -> u32 {
        self.tick_ms.saturating_mul(TIMEOUT_TICKS_MIN)
    }

    /// The longest timeout that is granted.
    #[must_use]
    pub const fn timeout_ms_max(&self) -> u32 {
        self.tick_ms.saturating_mul(TIMEOUT_TICKS_MAX)
    }

    /// The timeout for the one a client asks for.
    pub(crate) fn timeout_ms(&self, asked: i32) -> u32 {
        u32::try_from(asked).unwrap_or(0).clamp(self.timeout_ms_min(), self.timeout_ms_max())
    }
}
