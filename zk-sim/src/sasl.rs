//! Logins by DIGEST-MD5, the server's part: a challenge, and what an answer to it is worth. It sends nothing.
//!
//! Only what ZooKeeper's servers do of RFC 2831: authentication by `md5-sess`, without a layer of protection.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// The realm of all servers, which is the name of the service as well.
const REALM: &str = "zk-sasl-md5";
/// What clients must say that they want to talk to.
const URI: &str = "zookeeper/zk-sasl-md5";
/// Bytes of randomness in a real server's nonce.
const NONCE_BYTES: usize = 30;

/// The nonce of a challenge. No two seeds give the same.
pub(crate) fn nonce(seed: &[u64]) -> String {
    let seed: Vec<u8> = seed.iter().flat_map(|part| part.to_be_bytes()).collect();
    let mut bytes = hash(&[&seed]).to_vec();
    while bytes.len() < NONCE_BYTES {
        bytes.extend(hash(&[&bytes]));
    }
    bytes.truncate(NONCE_BYTES);
    STANDARD.encode(bytes)
}

/// The token that asks for a proof.
pub(crate) fn challenge(nonce: &str) -> Vec<u8> {
    format!("realm=\"{REALM}\",nonce=\"{nonce}\",charset=utf-8,algorithm=md5-sess").into_bytes()
}

/// Who has answered the challenge with this nonce, and the token that proves the server to him. Nothing if the answer is not
/// right.
pub(crate) fn verify(
    users: &BTreeMap<String, String>,
    nonce: &str,
    answer: &[u8],
) -> Option<(String, Vec<u8>)> {
    let fields = fields(std::str::from_utf8(answer).ok()?)?;
    let field = |name: &str| fields.get(name).copied();
    let user = field("username")?;
    let authzid = field("authzid");
    let is_meant = field("nonce") == Some(nonce)
        && field("nc") == Some("00000001")
        && field("digest-uri") == Some(URI)
        && field("realm").unwrap_or_default() == REALM
        && field("qop").unwrap_or("auth") == "auth"
        && authzid.is_none_or(|authzid| authzid == user);
    let (cnonce, password) = (field("cnonce")?, users.get(user)?);
    let secret = hash(&[format!("{user}:{REALM}:{password}").as_bytes()]);
    let mut known = format!(":{nonce}:{cnonce}");
    if let Some(authzid) = authzid {
        known += &format!(":{authzid}");
    }
    let key = hex(&hash(&[&secret, known.as_bytes()]));
    let proof = |prefix: &str| {
        let asked = hex(&hash(&[format!("{prefix}:{URI}").as_bytes()]));
        hex(&hash(&[format!("{key}:{nonce}:00000001:{cnonce}:auth:{asked}").as_bytes()]))
    };
    let is_right = is_meant && field("response") == Some(&proof("AUTHENTICATE"));
    is_right.then(|| (user.into(), format!("rspauth={}", proof("")).into_bytes()))
}

/// The fields of an answer: `name=value` or `name="value"`, with commas between. Nothing if it is something else, or has a
/// field twice.
fn fields(text: &str) -> Option<BTreeMap<&str, &str>> {
    let mut fields = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        rest = if after.is_empty() { after } else { after.strip_prefix(',')? };
        if fields.insert(name.trim(), value).is_some() {
            return None;
        }
    }
    Some(fields)
}

fn hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The proof of a client, worked out by itself.
    pub(crate) fn response(user: &str, password: &str, nonce: &str, cnonce: &str) -> String {
        let secret = hash(&[format!("{user}:{REALM}:{password}").as_bytes()]);
        let key = hex(&hash(&[&secret, format!(":{nonce}:{cnonce}").as_bytes()]));
        let asked = hex(&hash(&[format!("AUTHENTICATE:{URI}").as_bytes()]));
        hex(&hash(&[format!("{key}:{nonce}:00000001:{cnonce}:auth:{asked}").as_bytes()]))
    }

    fn users() -> BTreeMap<String, String> {
        BTreeMap::from([("bob".into(), "bobsecret".into())])
    }

    /// What two clients have said to servers of 3.9.3, and what these answered.
    const RECORDED: [(&str, &str, &str); 2] = [
        (
            "KR4SESCkE5uUDGyTujBZFEVFQW9vh7mlOBP2t/02",
            "charset=utf-8,username=\"bob\",realm=\"zk-sasl-md5\",\
             nonce=\"KR4SESCkE5uUDGyTujBZFEVFQW9vh7mlOBP2t/02\",nc=00000001,\
             cnonce=\"FBlmwaaRvrX8mZ+Y1ZX84qEk8Y9K9pDTWtMkNPI3\",digest-uri=\"zookeeper/zk-sasl-md5\",\
             maxbuf=65536,response=74ed04a43b6b9bb069f125e5422cab2c,qop=auth,authzid=\"bob\"",
            "rspauth=f95a57b72093cb4f5e8d2d9eeaf4db3b",
        ),
        (
            "Kr3p9fEqmxnEPnxClH9oWebGywsYBFlU1+fzbFXJ",
            "qop=auth,realm=\"zk-sasl-md5\",username=\"bob\",\
             nonce=\"Kr3p9fEqmxnEPnxClH9oWebGywsYBFlU1+fzbFXJ\",cnonce=\"7094698157609687\",\
             nc=00000001,digest-uri=\"zookeeper/zk-sasl-md5\",response=3826a25182ae17513fe967aba76d1ebd",
            "rspauth=519fe9361220ceaa99b5a4f1ac510b80",
        ),
    ];

    #[test]
    fn what_real_clients_have_sent_is_answered_as_real_servers_did() {
        for (nonce, answer, proof) in RECORDED {
            let (user, token) = verify(&users(), nonce, answer.as_bytes()).expect("it is right");
            assert_eq!((&*user, &*String::from_utf8_lossy(&token)), ("bob", proof));
        }
    }

    #[test]
    fn whatever_is_wrong_proves_nobody() {
        let (nonce, answer, _) = RECORDED[0];
        let wrong = [
            answer.replace("bob", "eve"),
            answer.replace("nc=00000001", "nc=00000002"),
            answer.replace("qop=auth", "qop=auth-int"),
            answer.replace("authzid=\"bob\"", "authzid=\"eve\""),
            answer.replace("zookeeper/", "imap/"),
            format!("{answer},nc=00000001"),
            answer.replace(",qop", "qop"),
            String::new(),
            "garbage=1".into(),
        ];
        for answer in wrong {
            assert_eq!(verify(&users(), nonce, answer.as_bytes()), None, "{answer}");
        }
        assert_eq!(verify(&users(), "another", answer.as_bytes()), None);
        let others = BTreeMap::from([("bob".into(), "not his".into())]);
        assert_eq!(verify(&others, nonce, answer.as_bytes()), None);
    }

    #[test]
    fn each_challenge_has_a_nonce_of_its_own() {
        assert_ne!(nonce(&[1, 2]), nonce(&[2, 1]));
        assert_eq!(nonce(&[1, 2]), nonce(&[1, 2]));
    }
}
