//! Who a client is, to a real server.

use std::sync::Arc;

use zk_session::ops::Auth;
use zk_session::proto::{Id, Perms};
use zk_session::sasl::{DigestMd5, Mechanism, Plain};
use zk_session::{Acl, Code, Config, Error};
use zk_tests::{Options, Proxy, Server};

use crate::face::wide::Wide;
use crate::face::{Face, SOON, client, config, fresh_root};
use crate::{both, shared};

both!(
    a_credential_opens_what_is_closed_also_after_a_cut,
    a_client_that_cannot_prove_who_it_is_does_not_connect,
    a_client_that_proves_who_it_is_connects,
);

fn a_credential_opens_what_is_closed_also_after_a_cut<C: Wide>() {
    let root = fresh_root::<C>();
    let proxy = Proxy::start(shared().address());
    let user: C = client(proxy.address(), &root);
    let id = Id::digest("bob", "secret").expect("a name");
    user.create_for("/closed", Acl { perms: Perms::ALL, id }).expect("created");
    assert_eq!(user.get_data("/closed"), Err(Error::Server(Code::NoAuth)));
    assert_eq!(user.add_credential("no-such-scheme", ""), Err(Error::Server(Code::AuthFailed)));
    let session = user.connected(SOON).expect("connected again");
    user.add_credential("digest", "bob:secret").expect("accepted");
    user.get_data("/closed").expect("opened");

    proxy.refuse(true);
    proxy.cut();
    user.await_state(|state| !state.is_connected());
    proxy.heal();
    user.get_data("/closed").expect("opened on the new connection");
    assert_eq!(user.connected(SOON).expect("connected"), session);
    let stranger: C = client(shared().address(), &root);
    assert_eq!(stranger.get_data("/closed"), Err(Error::Server(Code::NoAuth)));
    stranger.close();
    user.close();
}

/// How connecting fails.
fn failure<C: Face>(config: Config) -> String {
    let client = C::open(config);
    let error = client.connected(SOON).expect_err("no proof");
    client.close();
    error
}

fn with(server: &Server, mechanism: impl Mechanism + 'static) -> Config {
    let mut config = config(server.address(), "");
    config.sasl = Some(Arc::new(mechanism));
    config
}

fn a_client_that_cannot_prove_who_it_is_does_not_connect<C: Face>() {
    let mut unknown = config(shared().address(), "");
    unknown.credentials.push(Auth { scheme: "no-such-scheme".into(), credential: None });
    let error = failure::<C>(unknown);
    assert!(error.contains("authentication failed") && error.contains("refused a credential"), "{error}");

    let mut open = config("192.0.2.1:2181", "");
    open.credentials.push(Auth::digest("bob", "secret").expect("a name"));
    let error = failure::<C>(open);
    assert!(error.contains("authentication failed") && error.contains("in clear"), "{error}");

    let entropy = zk_std::entropy().expect("random bytes");
    let error = failure::<C>(with(shared(), DigestMd5::new("bob", "secret", entropy)));
    assert!(error.contains("authentication failed") && error.contains("not configured for SASL"), "{error}");

    let server = Server::start(&crate::installation(), Options::new().jaas("bob", "secret"));
    let error = failure::<C>(with(&server, DigestMd5::new("bob", "wrong", entropy)));
    // 3.4 refuses without a word.
    let refused =
        error.contains("refused the SASL login") || error.contains("instead of answering the SASL login");
    assert!(error.contains("authentication failed") && refused, "{error}");
    // The server takes the token for one of its own mechanism.
    let error = failure::<C>(with(&server, Plain::new("bob", "secret").expect("names")));
    assert!(error.contains("authentication failed"), "{error}");
}

fn a_client_that_proves_who_it_is_connects<C: Wide>() {
    let server = Server::start(&crate::installation(), Options::new().jaas("bob", "secret"));
    let entropy = zk_std::entropy().expect("random bytes");
    let user: C = crate::face::client_with(with(&server, DigestMd5::new("bob", "secret", entropy)));
    user.create_for("/his", Acl { perms: Perms::ALL, id: Id::new("sasl", "bob") }).expect("created");
    user.get_data("/his").expect("his own");
    user.close();
}
