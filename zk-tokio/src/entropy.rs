//! Secure random bytes.

use std::io;

/// 16 bytes from the secure random source of the operating system, as
/// [`DigestMd5`](zk_session::sasl::DigestMd5) needs them.
///
/// ```no_run
/// use std::sync::Arc;
/// use zk_tokio::{Client, entropy, sasl::DigestMd5};
///
/// # fn story() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Client::config("zk1:2181,zk2:2181,zk3:2181")?;
/// config.sasl = Some(Arc::new(DigestMd5::new("bob", "secret", entropy()?)));
/// let client = Client::open(config);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The system has no such source, or it does not answer.
pub fn entropy() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_not_what_it_was() {
        assert_ne!(entropy().expect("random bytes"), entropy().expect("random bytes"));
    }
}
