//! Secure random bytes.

use std::io;

/// 16 bytes from the secure random source of the operating system, as
/// [`DigestMd5`](zk_session::sasl::DigestMd5) needs them.
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
