//! DIGEST-MD5 (RFC 2831), the mechanism of servers whose users and passwords stand in a file.
//!
//! Only authentication, with `md5-sess`: neither signing nor sealing, which TLS does better, and no second exchange by
//! an old nonce. Neither side sends the password, and the server proves that it knows it; but who listens can try
//! passwords at leisure.
//!
//! ```text
//! Fresh --initial--> Asking --challenge--> Proving(proof due) --that proof--> Over, done
//! any but that --any other token--> Over, failed
//! ```

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::mem;

use bytes::Bytes;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zk_proto::{Challenge, Server};

use super::{Exchange, Mechanism, SaslError, Step};

/// The mechanism DIGEST-MD5: a user and a password, which servers look up in their JAAS file.
///
/// The servers' FIPS mode switches it off. On connections without TLS it keeps the password from those who listen
/// only as long as they cannot guess it.
#[derive(Clone)]
pub struct DigestMd5 {
    login: Arc<Login>,
    entropy: [u8; 16],
}

/// Who the client is.
#[derive(Clone)]
struct Login {
    user: String,
    password: String,
    authzid: Option<String>,
    realm: Option<String>,
}

impl DigestMd5 {
    /// The user with this password.
    ///
    /// The `entropy` comes from a secure random source: who knows it can choose challenges whose answers are worked out
    /// in advance.
    #[must_use]
    pub fn new(user: &str, password: &str, entropy: [u8; 16]) -> Self {
        let login = Login { user: user.into(), password: password.into(), authzid: None, realm: None };
        Self { login: Arc::new(login), entropy }
    }

    /// Asks to act as `authzid` rather than as the user. ZooKeeper 3.8 takes any, and knows the client by the user's own
    /// name all the same.
    #[must_use]
    pub fn authzid(mut self, authzid: &str) -> Self {
        Arc::make_mut(&mut self.login).authzid = Some(authzid.into());
        self
    }

    /// Insists on this realm. Otherwise it is the first one that the server offers; ZooKeeper's servers offer one.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        Arc::make_mut(&mut self.login).realm = Some(realm.into());
        self
    }
}

impl Mechanism for DigestMd5 {
    fn name(&self) -> &'static str {
        "DIGEST-MD5"
    }

    fn reveals_secret(&self) -> bool {
        false
    }

    fn begin(&self, _server: &Server, salt: [u8; 16]) -> Box<dyn Exchange> {
        let cnonce = hex(&hash(&[&self.entropy, &salt]));
        Box::new(Conversation { login: self.login.clone(), cnonce, uri: URI, state: State::Fresh })
    }
}

impl fmt::Debug for DigestMd5 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DigestMd5").field("user", &self.login.user).finish_non_exhaustive()
    }
}

/// An exchange on its way.
struct Conversation {
    login: Arc<Login>,
    cnonce: String,
    uri: &'static str,
    state: State,
}

enum State {
    Fresh,
    Asking,
    Proving(Vec<u8>),
    Over,
}

impl Exchange for Conversation {
    fn initial(&mut self) -> Result<Bytes, SaslError> {
        match mem::replace(&mut self.state, State::Over) {
            State::Fresh => {
                self.state = State::Asking;
                Ok(Bytes::new())
            }
            State::Asking | State::Proving(_) | State::Over => Err(SaslError::Unexpected),
        }
    }

    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, SaslError> {
        let token = token.unwrap_or_default();
        match mem::replace(&mut self.state, State::Over) {
            State::Asking if token.is_empty() => Err(SaslError::NotConfigured),
            State::Asking => {
                let challenge = Challenge::new(token)?;
                let (answer, proof) = self.login.answer(&challenge, &self.cnonce, self.uri)?;
                self.state = State::Proving(proof);
                Ok(Step::Send(answer.into()))
            }
            State::Proving(proof) if bool::from(proof.ct_eq(token)) => Ok(Step::Done),
            State::Proving(_) => Err(SaslError::Unproven),
            State::Fresh | State::Over => Err(SaslError::Unexpected),
        }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Fresh => "Fresh",
            State::Asking => "Asking",
            State::Proving(_) => "Proving",
            State::Over => "Over",
        };
        write!(out, "DIGEST-MD5 {state}")
    }
}

impl Login {
    /// The client's answer to a challenge, and the token by which the server is to prove itself.
    fn answer(
        &self,
        challenge: &Challenge,
        cnonce: &str,
        uri: &str,
    ) -> Result<(Vec<u8>, Vec<u8>), SaslError> {
        let realm = self.choose(&challenge.realms)?;
        let sent = |text| if challenge.utf8 { Ok(Vec::from(text)) } else { latin1(text) };
        // The RFC wants ISO 8859-1 hashed where it suffices, whatever is sent: that is how others store passwords.
        let hashed = |text| latin1(text).or_else(|_| sent(text));

        let secret = hash(&[
            &hashed(&self.user)?,
            b":",
            &hashed(realm.unwrap_or_default())?,
            b":",
            &hashed(&self.password)?,
        ]);
        let (nonce, authzid) = (challenge.nonce.as_bytes(), self.authzid.as_deref().map(str::as_bytes));
        let mut about = Vec::from([&secret[..], b":", nonce, b":", cnonce.as_bytes()]);
        about.extend(authzid.into_iter().flat_map(|authzid| [b":", authzid]));
        let session = hex(&hash(&about));
        let proof = |method: &str| {
            let what = hex(&hash(&[method.as_bytes(), b":", uri.as_bytes()]));
            let count = COUNT.as_bytes();
            hex(&hash(&[
                session.as_bytes(),
                b":",
                nonce,
                b":",
                count,
                b":",
                cnonce.as_bytes(),
                b":auth:",
                what.as_bytes(),
            ]))
        };

        let mut answer = Vec::new();
        if challenge.utf8 {
            answer.extend(b"charset=utf-8,");
        }
        quote(&mut answer, "username", &sent(&self.user)?);
        if let Some(realm) = realm {
            quote(&mut answer, "realm", &sent(realm)?);
        }
        quote(&mut answer, "nonce", nonce);
        quote(&mut answer, "cnonce", cnonce.as_bytes());
        quote(&mut answer, "digest-uri", uri.as_bytes());
        if let Some(authzid) = authzid {
            quote(&mut answer, "authzid", authzid);
        }
        answer.extend(alloc::format!("nc={COUNT},qop=auth,response={}", proof("AUTHENTICATE")).bytes());
        Ok((answer, alloc::format!("rspauth={}", proof("")).into()))
    }

    /// The realm to answer for; `None` if nobody names one.
    fn choose<'a>(&'a self, offered: &'a [String]) -> Result<Option<&'a str>, SaslError> {
        match &self.realm {
            Some(realm) if offered.is_empty() || offered.contains(realm) => Ok(Some(realm)),
            Some(_) => Err(SaslError::Realm),
            None => Ok(offered.first().map(String::as_str)),
        }
    }
}

/// The text in ISO 8859-1, whose characters are the first 256 of Unicode.
fn latin1(text: &str) -> Result<Vec<u8>, SaslError> {
    text.chars().map(|character| u8::try_from(character).map_err(|_| SaslError::Characters)).collect()
}

/// Adds `name="value",` with an escape before what would end the value early or has no business in a header.
fn quote(answer: &mut Vec<u8>, name: &str, value: &[u8]) {
    answer.extend(name.bytes());
    answer.extend(b"=\"");
    for byte in value {
        if matches!(byte, b'"' | b'\\') || byte.is_ascii_control() {
            answer.push(b'\\');
        }
        answer.push(*byte);
    }
    answer.extend(b"\",");
}

fn hash(parts: &[&[u8]]) -> [u8; 16] {
    parts.iter().fold(Md5::new(), Md5::chain_update).finalize().into()
}

fn hex(bytes: &[u8; 16]) -> String {
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the servers call themselves, wherever they run.
const URI: &str = "zookeeper/zk-sasl-md5";

/// How often the nonce was used, this time included: each connection has a nonce of its own.
const COUNT: &str = "00000001";

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;
    use zk_proto::ChallengeFault;

    use super::*;

    fn bob() -> DigestMd5 {
        DigestMd5::new("bob", "bobsecret", [1; 16])
    }

    fn begin(mechanism: &DigestMd5) -> Box<dyn Exchange> {
        mechanism.begin(&Server { host: "zk1".into(), port: 2181 }, [2; 16])
    }

    /// An exchange that the server has still to challenge, with a nonce that is known.
    fn conversation(mechanism: &DigestMd5, cnonce: &str, uri: &'static str) -> Conversation {
        let login = mechanism.login.clone();
        let mut conversation = Conversation { login, cnonce: cnonce.into(), uri, state: State::Fresh };
        assert_eq!(conversation.initial(), Ok(Bytes::new()));
        conversation
    }

    fn answer(exchange: &mut dyn Exchange, challenge: &str) -> Vec<u8> {
        match exchange.step(Some(challenge.as_bytes())) {
            Ok(Step::Send(answer)) => answer.into(),
            other => panic!("{other:?}"),
        }
    }

    fn contains(token: &[u8], part: &[u8]) -> bool {
        token.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        for (uri, nonce, cnonce, response, proof) in [
            (
                "imap/elwood.innosoft.com",
                "OA6MG9tEQGm2hh",
                "OA6MHXh6VqTrRk",
                "d388dad90d4bbd760a152321f2143af7",
                "ea40f60335c427b5527b84dbabcdfffd",
            ),
            (
                "acap/elwood.innosoft.com",
                "OA9BSXrbuRhWay",
                "OA9BSuZWMSpW8m",
                "6084c6db3fede7352c551284490fd0fc",
                "2f0b3d7c3c2e486600ef710726aa2eae",
            ),
        ] {
            let chris = DigestMd5::new("chris", "secret", [0; 16]);
            let mut exchange = conversation(&chris, cnonce, uri);
            let challenge = format!(
                "realm=\"elwood.innosoft.com\",nonce=\"{nonce}\",qop=\"auth\",algorithm=md5-sess,charset=utf-8"
            );
            let expected = format!(
                "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"{nonce}\",\
                 cnonce=\"{cnonce}\",digest-uri=\"{uri}\",nc=00000001,qop=auth,response={response}"
            );
            assert_eq!(answer(&mut exchange, &challenge), expected.as_bytes());
            assert_eq!(exchange.step(Some(format!("rspauth={proof}").as_bytes())), Ok(Step::Done));
        }
    }

    /// A recorded exchange: the login with its `authzid`, the two nonces, and what both sides proved.
    type Recorded = (&'static str, &'static str, Option<&'static str>, [&'static str; 4]);

    /// With servers 3.9.3, 3.8.0 and 3.4.13: Java's client, which names an authzid, and Kazoo, which does not.
    const SERVERS: [Recorded; 4] = [
        (
            "bob",
            "bobsecret",
            Some("bob"),
            [
                "KR4SESCkE5uUDGyTujBZFEVFQW9vh7mlOBP2t/02",
                "FBlmwaaRvrX8mZ+Y1ZX84qEk8Y9K9pDTWtMkNPI3",
                "74ed04a43b6b9bb069f125e5422cab2c",
                "f95a57b72093cb4f5e8d2d9eeaf4db3b",
            ],
        ),
        (
            "bob",
            "bobsecret",
            Some("bob"),
            [
                "MiUUG7joWmKm47bpOzD2wwGXKvcSAlkC8t6quywx",
                "bymCbQ0bexh1g/p5u4g63gMSlvxsKYJqj3AZV3X+",
                "06eeb1e303361ddabed509e1b567aa1c",
                "4a97763d7145bc3367605e9f6835fe8f",
            ],
        ),
        (
            "bob",
            "bobsecret",
            None,
            [
                "Kr3p9fEqmxnEPnxClH9oWebGywsYBFlU1+fzbFXJ",
                "7094698157609687",
                "3826a25182ae17513fe967aba76d1ebd",
                "519fe9361220ceaa99b5a4f1ac510b80",
            ],
        ),
        (
            "bob",
            "bobsecret",
            None,
            [
                "1mETqCqEU/0zyV8d0jajDkmh2s9N2yvYiqTfuc9q",
                "9779269629679287",
                "dde8b70ec67ac6d98c09764e7e02c231",
                "bf5fb8ad228994e951f69224d13209ec",
            ],
        ),
    ];

    /// Between the two sides of Java 17, with characters that are in ISO 8859-1, that are not, and that are escaped.
    const JAVA: [Recorded; 5] = [
        (
            "bøb",
            "päss",
            None,
            [
                "BMwsMpK6Wc+AviXajd1dSUcRBnQPHyq+BdKWxpm7",
                "8JobXNekclyXpx3DUame9uZPVppNHkZaDptuC72g",
                "3adbaf5e071f08915e70c8f7a6c68c24",
                "fa53e192b9b894e98a484d64b116d6fb",
            ],
        ),
        (
            "雪",
            "päss",
            None,
            [
                "yre8eUrwWxT9rJ8zqIrhsbhAENCh6cmCbo011Wlo",
                "6zOQNfTunrgppenQlV3qoz+A6UsZdQeKVJ3qzlYO",
                "5f593cf28f33ea782878bd48b24d87a2",
                "297c721ba3f52aec44fcf0afd2efe664",
            ],
        ),
        (
            "bob",
            "雪",
            None,
            [
                "XLW42I1oeX+4BxJhSi04O0LclvMPM+t/uZK5Oqqv",
                "v4Bz2ixhPH1QJHNQeqVIAqqcixISczJFsForZ9ma",
                "7a24617b0c49e3fd84e30061abbb3d29",
                "f44cd1e59fadd81bb828e6f563344481",
            ],
        ),
        (
            "bøb",
            "päss",
            Some("雪"),
            [
                "gSqItIGsyrB8HGuNaB24+5qyfdWC5+/pXOpSOzhz",
                "oUAnk4jUfnm4WdVPmApikXi6J07csCDcahlo7Pda",
                "79bfc2511188e4f3c942cf522a79c2c5",
                "f50bb84fc1c1b8942696f363019f9364",
            ],
        ),
        (
            "a\"b\\c,d=e",
            "x\"y",
            None,
            [
                "zgwmfmGc1TM4Z4MmdKkfMbrANBrayohmjRAzzefs",
                "Oa57XEbn1aGL0bnNfw968jhDVdkfxz6orJvtsGJQ",
                "f9d78fbe5f921bddeff1fb22783e3e26",
                "c1aa60bb0a14b9128de0e4c3e9694eb1",
            ],
        ),
    ];

    fn challenge(nonce: &str) -> String {
        format!("realm=\"zk-sasl-md5\",nonce=\"{nonce}\",charset=utf-8,algorithm=md5-sess")
    }

    #[test]
    fn what_servers_and_other_clients_said_is_said() {
        for (user, password, authzid, [nonce, cnonce, response, proof]) in SERVERS.into_iter().chain(JAVA) {
            let mut mechanism = DigestMd5::new(user, password, [0; 16]);
            if let Some(authzid) = authzid {
                mechanism = mechanism.authzid(authzid);
            }
            let mut exchange = conversation(&mechanism, cnonce, URI);
            let answer = String::from_utf8(answer(&mut exchange, &challenge(nonce))).unwrap();
            let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let acting = authzid.map_or(String::new(), |authzid| format!("authzid=\"{authzid}\","));
            let expected = format!(
                "charset=utf-8,username=\"{}\",realm=\"zk-sasl-md5\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",\
                 digest-uri=\"zookeeper/zk-sasl-md5\",{acting}nc=00000001,qop=auth,response={response}",
                quoted(user)
            );
            assert_eq!(answer, expected);
            assert_eq!(exchange.step(Some(format!("rspauth={proof}").as_bytes())), Ok(Step::Done), "{user}");
        }
    }

    #[test]
    fn a_server_without_utf_8_is_spoken_to_in_iso_8859_1() {
        // Between the two sides of Java 17, with `com.sun.security.sasl.digest.utf8` off.
        let mechanism = DigestMd5::new("bøb", "päss", [0; 16]).authzid("ø");
        let mut exchange = conversation(&mechanism, "KM4j320IAOsOgRe6DDOaZMnr/JmG1N3S5rTZhfnS", URI);
        let nonce = "uDwDFPt7mJRUFDJSshRNWUEWok1hnWlt690Bf6NF";
        let challenge = challenge(nonce).replace(",charset=utf-8", "");
        let answer = answer(&mut exchange, &challenge);
        assert!(!contains(&answer, b"charset"));
        assert!(contains(&answer, b"username=\"b\xf8b\""));
        assert!(contains(&answer, b"authzid=\"\xc3\xb8\""));
        assert!(contains(&answer, b"response=08da6e6ca1d3ff52c7ddf4d0021c2762"));
        assert_eq!(exchange.step(Some(b"rspauth=9532f85198e01b478aa3f87174f7ac44")), Ok(Step::Done));

        for (user, password, realm) in [("雪", "a", "r"), ("a", "雪", "r"), ("a", "b", "雪")] {
            let mechanism = DigestMd5::new(user, password, [0; 16]).realm(realm);
            let mut exchange = conversation(&mechanism, "c", URI);
            let challenge = challenge.replace("realm=\"zk-sasl-md5\",", "");
            assert_eq!(exchange.step(Some(challenge.as_bytes())), Err(SaslError::Characters));
        }
    }

    #[test]
    fn the_realm_is_one_that_the_server_offers() {
        let offered = |realms: &str| format!("{realms}nonce=n,algorithm=md5-sess");
        let mut exchange = begin(&bob());
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        let first = answer(&mut *exchange, &offered("realm=\"a\",realm=\"b\","));
        assert!(contains(&first, b",realm=\"a\","));

        let insisting = bob().realm("b");
        let mut exchange = begin(&insisting);
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        let second = answer(&mut *exchange, &offered("realm=\"a\",realm=\"b\","));
        assert!(contains(&second, b",realm=\"b\","));

        let mut exchange = begin(&insisting);
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        assert_eq!(exchange.step(Some(offered("realm=\"a\",").as_bytes())), Err(SaslError::Realm));

        let mut exchange = begin(&bob());
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        assert!(!contains(&answer(&mut *exchange, &offered("")), b"realm"));
    }

    #[test]
    fn a_server_without_sasl_is_recognised() {
        for token in [None, Some(&b""[..])] {
            let mut exchange = begin(&bob());
            assert_eq!(exchange.initial(), Ok(Bytes::new()));
            assert_eq!(exchange.step(token), Err(SaslError::NotConfigured));
            assert_eq!(exchange.step(token), Err(SaslError::Unexpected));
        }
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_not_believed() {
        let (_, _, _, [nonce, cnonce, _, proof]) = SERVERS[2];
        let right = format!("rspauth={proof}");
        let upper = right.to_uppercase();
        let wrong = right.replace("519f", "519e");
        for token in [
            None,
            Some(""),
            Some("rspauth="),
            Some(&*wrong),
            Some(&*upper),
            Some(&right[..39]),
            Some(&format!("{right} ")),
            Some(&challenge(nonce)),
        ] {
            let mut exchange = conversation(&bob(), cnonce, URI);
            answer(&mut exchange, &challenge(nonce));
            assert_eq!(exchange.step(token.map(str::as_bytes)), Err(SaslError::Unproven), "{token:?}");
            // A second guess is none.
            assert_eq!(exchange.step(Some(right.as_bytes())), Err(SaslError::Unexpected));
        }
    }

    #[test]
    fn nothing_is_said_out_of_turn() {
        let mut exchange = begin(&bob());
        assert_eq!(exchange.step(Some(challenge("n").as_bytes())), Err(SaslError::Unexpected));
        assert_eq!(exchange.initial(), Err(SaslError::Unexpected));

        let mut exchange = begin(&bob());
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        assert_eq!(exchange.initial(), Err(SaslError::Unexpected));
        assert_eq!(exchange.step(Some(challenge("n").as_bytes())), Err(SaslError::Unexpected));

        let (_, _, _, [nonce, cnonce, _, proof]) = SERVERS[2];
        let mut exchange = conversation(&bob(), cnonce, URI);
        answer(&mut exchange, &challenge(nonce));
        let proof = format!("rspauth={proof}");
        assert_eq!(exchange.step(Some(proof.as_bytes())), Ok(Step::Done));
        assert_eq!(exchange.step(Some(proof.as_bytes())), Err(SaslError::Unexpected));
    }

    #[test]
    fn a_challenge_that_the_rfc_forbids_is_not_answered() {
        use ChallengeFault::{Algorithm, Protection, TooLong, Twice};
        for (token, fault) in [
            ("nonce=n,algorithm=md5", Algorithm),
            ("nonce=n,algorithm=md5-sess,qop=\"auth-int,auth-conf\"", Protection),
            ("nonce=n,nonce=n,algorithm=md5-sess", Twice("nonce")),
            (&format!("nonce=n,algorithm=md5-sess,{}", "x".repeat(2048)), TooLong),
        ] {
            let mut exchange = begin(&bob());
            assert_eq!(exchange.initial(), Ok(Bytes::new()));
            assert_eq!(exchange.step(Some(token.as_bytes())), Err(SaslError::Challenge(fault)));
        }
    }

    #[test]
    fn every_connection_has_a_nonce_of_its_own() {
        let server = Server { host: "zk1".into(), port: 2181 };
        let answered = |mechanism: DigestMd5, salt| {
            let mut exchange = mechanism.begin(&server, [salt; 16]);
            assert_eq!(exchange.initial(), Ok(Bytes::new()));
            let answer = String::from_utf8(answer(&mut *exchange, &challenge("n"))).unwrap();
            let cnonce = answer.split("cnonce=\"").nth(1).and_then(|rest| rest.split('"').next());
            String::from(cnonce.unwrap())
        };
        let first = answered(bob(), 1);
        assert_eq!(first.len(), 32);
        assert_eq!(first, answered(bob(), 1));
        assert_ne!(first, answered(bob(), 2));
        assert_ne!(first, answered(DigestMd5::new("bob", "bobsecret", [3; 16]), 1));
    }

    #[test]
    fn no_header_is_broken_by_a_name() {
        let mut answer = Vec::new();
        quote(&mut answer, "a", b"\"\\\r\n\0\x7f,=b");
        assert_eq!(answer, b"a=\"\\\"\\\\\\\r\\\n\\\0\\\x7f,=b\",");
    }

    proptest! {
        #[test]
        fn no_tokens_panic_or_succeed_by_chance(
            first in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                "(realm=\"[a-zé\\\\]{0,3}\",)?nonce=\"?[ -~é]{1,4}\"?(,charset=utf-8)?,algorithm=md5-sess"
                    .prop_map(String::into_bytes),
            ],
            second in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut exchange = begin(&bob());
            prop_assert_eq!(exchange.initial(), Ok(Bytes::new()));
            prop_assert_ne!(exchange.step(Some(&first)), Ok(Step::Done));
            prop_assert!(exchange.step(Some(&second)).is_err());
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mechanism = DigestMd5::new("bob", "canary", [0xca; 16]);
        let (_, _, _, [nonce, ..]) = SERVERS[0];
        let mut exchange = begin(&mechanism);
        let mut shown = format!("{mechanism:?} {exchange:?}");
        assert_eq!(exchange.initial(), Ok(Bytes::new()));
        shown += &format!(" {exchange:?}");
        answer(&mut *exchange, &challenge(nonce));
        shown += &format!(" {exchange:#?}");
        assert_eq!(
            shown,
            "DigestMd5 { user: \"bob\", .. } DIGEST-MD5 Fresh DIGEST-MD5 Asking DIGEST-MD5 Proving"
        );
    }
}
