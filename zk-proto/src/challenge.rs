//! The challenge with which a server opens a DIGEST-MD5 exchange (RFC 2831).
//!
//! It is only taken apart and checked here; the answer is computed where the password is.

use alloc::string::String;
use alloc::vec::Vec;

/// What a server wants to be answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// The realms to choose from; ZooKeeper offers one, `zk-sasl-md5`.
    pub realms: Vec<String>,
    /// What makes the answer good for this exchange only.
    pub nonce: String,
    /// Whether names and passwords are in UTF-8 rather than ISO 8859-1.
    pub utf8: bool,
}

/// Why a challenge is not to be answered. The server is wrong, or somebody else speaks for it: end the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ChallengeFault {
    /// It is longer than a challenge may be.
    #[error("the challenge has more than {} bytes", Challenge::LENGTH_MAX)]
    TooLong,
    /// It is not a list of `name=value`.
    #[error("the challenge is malformed at byte {0}")]
    Malformed(usize),
    /// Something is there twice that may be there once only.
    #[error("the challenge has a {0} twice")]
    Twice(&'static str),
    /// Something is missing that must be there.
    #[error("the challenge has no {0}")]
    Missing(&'static str),
    /// The algorithm is another one than `md5-sess`.
    #[error("the algorithm of the challenge is not md5-sess")]
    Algorithm,
    /// The character set is another one than `utf-8`.
    #[error("the character set of the challenge is not utf-8")]
    Charset,
    /// A connection that is only authenticated, neither signed nor sealed, is not among those that are offered.
    #[error("the challenge does not offer the quality of protection auth")]
    Protection,
}

impl Challenge {
    /// The most bytes of a challenge, by the RFC.
    pub const LENGTH_MAX: usize = 2048;

    /// Takes a challenge apart. Directives without a meaning here are ignored, as the RFC demands.
    ///
    /// # Errors
    ///
    /// [`ChallengeFault`] if the RFC forbids to answer it.
    pub fn new(token: &[u8]) -> Result<Self, ChallengeFault> {
        if token.len() > Self::LENGTH_MAX {
            return Err(ChallengeFault::TooLong);
        }
        let text = str::from_utf8(token).map_err(|error| ChallengeFault::Malformed(error.valid_up_to()))?;
        let (mut realms, mut nonce, mut charset) = (Vec::new(), None, None);
        let (mut algorithm, mut protection) = (None, None);
        let mut rest = text;
        while let Some((name, value, left)) = directive(text.len() - rest.len(), rest)? {
            rest = left;
            match name {
                "realm" => realms.push(value),
                "nonce" => once("nonce", &mut nonce, value)?,
                "charset" => once("charset", &mut charset, value)?,
                "algorithm" => once("algorithm", &mut algorithm, value)?,
                "qop" => once("qop", &mut protection, value)?,
                _ => {}
            }
        }
        match algorithm.as_deref() {
            None => return Err(ChallengeFault::Missing("algorithm")),
            Some("md5-sess") => {}
            Some(_) => return Err(ChallengeFault::Algorithm),
        }
        if protection.is_some_and(|offered| !offered.split(',').any(|one| one.trim() == "auth")) {
            return Err(ChallengeFault::Protection);
        }
        let utf8 = match charset.as_deref() {
            None => false,
            Some("utf-8") => true,
            Some(_) => return Err(ChallengeFault::Charset),
        };
        let nonce = nonce.filter(|nonce| !nonce.is_empty()).ok_or(ChallengeFault::Missing("nonce"))?;
        Ok(Self { realms, nonce, utf8 })
    }
}

fn once(name: &'static str, slot: &mut Option<String>, value: String) -> Result<(), ChallengeFault> {
    if slot.replace(value).is_some() { Err(ChallengeFault::Twice(name)) } else { Ok(()) }
}

/// The name and value of the next directive and what follows it; `None` at the end.
type Directive<'a> = Option<(&'a str, String, &'a str)>;

/// Takes `name=value` or `name="value"`; `at` is the offset of the text in the challenge.
fn directive(at: usize, text: &str) -> Result<Directive<'_>, ChallengeFault> {
    let start = text.trim_start_matches([',', ' ', '\t', '\r', '\n']);
    if start.is_empty() {
        return Ok(None);
    }
    let at = at + text.len() - start.len();
    let (name, rest) = start.split_once('=').ok_or(ChallengeFault::Malformed(at))?;
    let name = name.trim();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(ChallengeFault::Malformed(at));
    }
    let at = at + start.len() - rest.len();
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
        return Ok(Some((name, value.trim_end().into(), rest)));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => {
                let rest = quoted.get(index + 1..).unwrap_or_default().trim_start();
                let ends = rest.is_empty() || rest.starts_with(',');
                return if ends { Ok(Some((name, value, rest))) } else { Err(ChallengeFault::Malformed(at)) };
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    Err(ChallengeFault::Malformed(at))
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn the_challenge_of_a_server_is_understood() {
        let token = b"realm=\"zk-sasl-md5\",nonce=\"a+/=\\\"b\\\\\",charset=utf-8,algorithm=md5-sess";
        let challenge =
            Challenge { realms: vec!["zk-sasl-md5".into()], nonce: "a+/=\"b\\".into(), utf8: true };
        assert_eq!(Challenge::new(token), Ok(challenge));

        let token = b" realm=\"a\" , realm=b,,nonce=n, qop=\"auth-int, auth\",algorithm=md5-sess,x-1=2,";
        let challenge = Challenge { realms: vec!["a".into(), "b".into()], nonce: "n".into(), utf8: false };
        assert_eq!(Challenge::new(token), Ok(challenge));
    }

    #[test]
    fn what_must_not_be_answered_is_refused() {
        use ChallengeFault::{Algorithm, Charset, Malformed, Missing, Protection, TooLong, Twice};
        for (token, fault) in [
            (&b""[..], Missing("algorithm")),
            (b"algorithm=md5-sess", Missing("nonce")),
            (b"algorithm=md5-sess,nonce=\"\"", Missing("nonce")),
            (b"algorithm=md5,nonce=n", Algorithm),
            (b"algorithm=md5-sess,nonce=n,charset=ascii", Charset),
            (b"algorithm=md5-sess,nonce=n,qop=\"auth-conf\"", Protection),
            (b"algorithm=md5-sess,nonce=n,nonce=m", Twice("nonce")),
            (b"algorithm=md5-sess,algorithm=md5-sess", Twice("algorithm")),
            (b"qop=auth,qop=auth", Twice("qop")),
            (b"charset=utf-8,charset=utf-8", Twice("charset")),
            (b"a=b, nonsense", Malformed(5)),
            (b"=b", Malformed(0)),
            (b"a b=c", Malformed(0)),
            (b"a=\"b", Malformed(2)),
            (b"a=\"b\\", Malformed(2)),
            (b"a=\"b\"c", Malformed(2)),
            (b"a=\xff", Malformed(2)),
            (&[b' '; 2049], TooLong),
        ] {
            assert_eq!(Challenge::new(token), Err(fault), "{:?}", token.escape_ascii());
        }
        assert_eq!(Challenge::new(&[b' '; 2048]), Err(Missing("algorithm")));
    }
}
