//! Clients that prove who they are to real servers: by SASL (DIGEST-MD5) and by credentials, on each release.

use std::sync::Arc;
use std::time::Duration;

use zk_session::ops::{Auth, GetData};
use zk_session::proto::Secret;
use zk_session::proto::{Id, Perms};
use zk_session::sasl::{DigestMd5, SaslError};
use zk_session::{Acl, Code, Config, CreateMode, Ended, Error, Fault, Path, SessionState};
use zk_std::Client;
use zk_tests::{Installation, Options, Proxy, Release, Server, fresh_path};

const SOON: Duration = Duration::from_secs(30);

fn installation(release: Option<Release>) -> Installation {
    match release {
        Some(release) => Installation::find_release(release),
        None => Installation::find(),
    }
    .expect("the build script has seen it")
}

fn config(server: &str) -> Config {
    Client::config(server).expect("a connect string")
}

fn login(password: &str) -> Option<Arc<dyn zk_session::sasl::Mechanism>> {
    Some(Arc::new(DigestMd5::new("bob", password, [7; 16])))
}

/// What the client ends with, and why.
fn ending(client: &Client) -> (Ended, Option<Fault>) {
    let mut states = client.states();
    loop {
        if let SessionState::Ended(ended) = states.next_within(SOON).expect("it ends") {
            return (ended, client.last_fault());
        }
    }
}

fn a_login_is_made_on_every_connection(release: Option<Release>) {
    let server = Server::start(&installation(release), Options::new().jaas("bob", "bobsecret"));
    let proxy = Proxy::start(server.address());
    let mut config = config(&proxy.address().to_string());
    config.sasl = login("bobsecret");
    let client = Client::open(config).expect("opened");
    client.connected(SOON).expect("connected");
    // Only who is logged in may make and read it.
    let path = fresh_path();
    let own = Acl { perms: Perms::ALL, id: Id::new("sasl", "bob") };
    client.create(&*path, "secret", vec![own], CreateMode::Persistent).expect("created");
    proxy.cut();
    assert_eq!(
        client.get_data(&*path).or_else(|_| client.get_data(&*path)).expect("read").data.as_deref(),
        Some(&b"secret"[..])
    );
    let stranger = Client::connect(&server.address().to_string()).expect("connected");
    assert_eq!(stranger.get_data(&*path), Err(Error::Server(Code::NoAuth)));
    assert!(proxy.accepted() >= 2);
}

fn a_wrong_password_ends_the_session(release: Option<Release>) {
    let server = Server::start(&installation(release), Options::new().jaas("bob", "bobsecret"));
    let mut config = config(&server.address().to_string());
    config.sasl = login("wrong");
    let client = Client::open(config).expect("opened");
    let fault = match release {
        // It closes the connection without a word; after some of that the client gives up.
        Some(Release::V3_4) => Fault::LoginUnanswered,
        Some(Release::V3_9) | None => Fault::LoginRefused(Code::AuthFailed),
    };
    assert_eq!(ending(&client), (Ended::AuthFailed, Some(fault)));
}

fn a_server_without_sasl_is_not_logged_in_to(release: Option<Release>) {
    let server = Server::start(&installation(release), Options::new());
    let mut config = config(&server.address().to_string());
    config.sasl = login("bobsecret");
    let client = Client::open(config).expect("opened");
    assert_eq!(ending(&client), (Ended::AuthFailed, Some(Fault::Sasl(SaslError::NotConfigured))));
}

fn digest(user: &str) -> Auth {
    Auth { scheme: "digest".into(), credential: Some(Secret::new(user.to_owned().into())) }
}

fn credentials_are_shown_on_every_connection(release: Option<Release>) {
    let server = Server::start(&installation(release), Options::new());
    let proxy = Proxy::start(server.address());
    let mut config = config(&proxy.address().to_string());
    config.credentials.push(digest("ann:annsecret"));
    let client = Client::open(config).expect("opened");
    client.connected(SOON).expect("connected");
    let paths = [fresh_path(), fresh_path()];
    // Nobody but the creator.
    let own = || vec![Acl { perms: Perms::ALL, id: Id::new("auth", "") }];
    client.create(&*paths[0], "hers", own(), CreateMode::Persistent).expect("created");
    client.call(digest("ben:bensecret")).expect("accepted");
    client.create(&*paths[1], "theirs", own(), CreateMode::Persistent).expect("created");
    proxy.cut();
    for path in &paths {
        let read = client.call(GetData { path: Path::new(path).expect("a path"), watch: false });
        let again = || client.get_data(&**path);
        assert!(read.or_else(|_| again()).is_ok(), "{path}");
    }
    let stranger = Client::connect(&server.address().to_string()).expect("connected");
    for path in &paths {
        assert_eq!(stranger.get_data(&**path), Err(Error::Server(Code::NoAuth)));
    }
    // What a server refuses costs a link, not the session.
    let session = client.connected(SOON).expect("connected");
    assert_eq!(
        client.call(Auth { scheme: "nonsense".into(), credential: None }),
        Err(Error::Server(Code::AuthFailed))
    );
    assert_eq!(client.connected(SOON).expect("connected"), session);
    let read = client.get_data(&*paths[0]).or_else(|_| client.get_data(&*paths[0]));
    assert!(read.is_ok(), "{read:?}");
}

/// Makes a test of each scenario for each release.
macro_rules! on_releases {
    ($($scenario:ident),+ $(,)?) => {
        mod installed {$(
            #[test]
            #[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
            fn $scenario() {
                super::$scenario(None);
            }
        )+}
        mod of_3_9 {$(
            #[test]
            #[cfg_attr(not(zookeeper_3_9), ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install")]
            fn $scenario() {
                super::$scenario(Some(super::Release::V3_9));
            }
        )+}
        mod of_3_4 {$(
            #[test]
            #[cfg_attr(not(zookeeper_3_4), ignore = "no ZooKeeper 3.4.13: cargo run -p zk-tests --bin zookeeper -- install")]
            fn $scenario() {
                super::$scenario(Some(super::Release::V3_4));
            }
        )+}
    };
}

on_releases!(
    a_login_is_made_on_every_connection,
    a_wrong_password_ends_the_session,
    a_server_without_sasl_is_not_logged_in_to,
    credentials_are_shown_on_every_connection,
);
