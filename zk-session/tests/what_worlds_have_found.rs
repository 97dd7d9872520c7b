//! Mistakes that the worlds of `zk-sim` have found, each as the shortest script that shows it.

mod script;

use script::{Script, T, config, show};
use zk_session::ops::{AddWatch, AddWatchMode, Auth, Reply, WatchAdded};
use zk_session::proto::{EventKind, Secret};
use zk_session::{CallId, CallOptions, Code, Config, Fault, Order, Path, Server};

fn path(text: &str) -> Path {
    Path::new(text).expect("a path")
}

fn open() -> Config {
    let mut config = config("a");
    config.plaintext_credentials = true;
    config
}

fn digest(text: &'static str) -> Auth {
    Auth { scheme: "digest".into(), credential: Some(Secret::new(text.into())) }
}

fn recursive(script: &mut Script, at: &str) -> CallId {
    script.submit(AddWatch { path: path(at), mode: AddWatchMode::PersistentRecursive })
}

fn added() -> Result<Reply, Code> {
    Ok(Reply::AddWatch(WatchAdded { error: None }))
}

#[test]
fn a_pipeline_that_is_broken_by_the_end_of_its_session_stays_broken() {
    let mut script = Script::linked(config("a"));
    let order = Order::Pipeline(script.session.pipeline());
    let options = CallOptions { order, ..CallOptions::default() };
    let read = |script: &mut Script| {
        let request = zk_session::ops::GetData { path: path("/a"), watch: false };
        script.session.submit(request.into(), options, script.now).expect("taken")
    };
    script.cut();
    read(&mut script);
    script.pass(T * 2);
    let lost = std::iter::from_fn(|| script.session.poll()).map(|output| show(&output));
    assert!(lost.collect::<Vec<_>>().contains(&"call 1 NotSent(Ended(Expired))".into()));
    script.session = script.session.successor(script.now).expect("it has expired");
    script.expect(&["Connecting"]);
    read(&mut script);
    script.expect(&["call 2 NotSent(ConnectionLost)"]);
}

#[test]
fn a_session_is_new_to_who_has_not_heard_of_it() {
    let mut config = open();
    config.credentials.push(digest("a:b"));
    let mut script = Script::new(config);
    script.dialed();
    script.connected();
    script.accept(5);
    script.cut();
    script.dialed_later();
    assert_eq!(script.connected().session.raw(), 5, "it goes on with the session");
    script.accept(5);
    script.reply(-4, 0, Ok(Reply::Auth(())));
    script.expect(&["connected 0x5 new"]);
    script.cut();
    script.expect(&["suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    script.reply(-4, 0, Ok(Reply::Auth(())));
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn a_credential_that_two_add_is_sent_once_and_both_are_told() {
    let mut script = Script::linked(open());
    script.submit(digest("a:b"));
    script.submit(digest("a:b"));
    assert_eq!(script.sent(), ["-4 auth"]);
    script.reply(-4, 0, Ok(Reply::Auth(())));
    script.expect(&["call 1 ok", "call 2 ok"]);
    script.cut();
    script.expect(&["suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    assert_eq!(script.sent(), ["-4 auth"]);
}

#[test]
fn a_credential_that_was_cancelled_and_then_refused_ends_no_session() {
    let mut script = Script::linked(open());
    let call = script.submit(digest("a:b"));
    assert_eq!(script.sent(), ["-4 auth"]);
    assert_eq!(script.session.cancel(call), Some(zk_session::Cancelled::MaybeApplied));
    script.reply(-4, 0, Err(Code::AuthFailed));
    script.expect(&["disconnect", "suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    assert!(script.sent().is_empty(), "it is not sent again");
    script.expect(&["connected 0x5 resumed"]);
}

#[test]
fn a_lasting_watch_goes_with_the_last_that_it_served() {
    let mut script = Script::linked(config("a"));
    let lasting = recursive(&mut script, "/a");
    assert_eq!(script.sent(), ["1 addWatch /a"]);
    script.reply(1, 7, added());
    script.get("/a", true);
    assert_eq!(script.sent(), ["2 getData /a"]);
    script.reply(2, 7, Ok(script::data("x")));
    script.expect(&["call 1 ok", "call 2 ok"]);
    script.session.unwatch(lasting);
    assert!(script.sent().is_empty(), "it serves another");
    script.event(EventKind::NodeDataChanged, "/a");
    script.expect(&["call 2 NodeDataChanged /a"]);
    assert_eq!(script.sent(), ["3 removeWatches /a"]);
}

#[test]
fn a_lasting_watch_that_was_given_up_before_it_was_sent_is_taken_away() {
    let mut script = Script::new(config("a"));
    script.dialed();
    let lasting = recursive(&mut script, "/a");
    script.session.unwatch(lasting);
    script.connected();
    script.accept(5);
    assert_eq!(script.sent(), ["1 addWatch /a"]);
    script.reply(1, 7, added());
    script.expect(&["connected 0x5 new", "call 1 ok"]);
    assert_eq!(script.sent(), ["2 removeWatches /a"]);
}

/// A server that serves only who has logged in says so to the first request of a connection, which may be a ping: an idle
/// client went from server to server for ever.
#[test]
fn a_ping_may_tell_that_a_login_is_missing() {
    let mut script = Script::linked(config("a,b"));
    script.pass(T / 3);
    assert_eq!(script.sent(), ["-2 ping"]);
    script.reply(-2, 0, Err(Code::SessionClosedRequireSaslAuth));
    script.expect(&["disconnect", "Ended(AuthFailed)"]);
    let refused = Fault::LoginRefused(Code::SessionClosedRequireSaslAuth);
    assert_eq!(script.session.last_fault(), Some(&refused));
}

/// A handshake that was given up for the sake of balance was done all the same, and took the session away from the server
/// that the client had gone to.
#[test]
fn a_try_under_way_is_not_given_up_for_balance() {
    let mut script = Script::new(config("a"));
    script.dialed();
    script.connected();
    let servers = |hosts: &[&str]| -> Vec<Server> {
        hosts.iter().map(|host| Server { host: (*host).into(), port: 2181 }).collect()
    };
    for _ in 0..50 {
        script.session.update_servers(servers(&["a", "b", "c", "d"]), script.now).expect("not empty");
        script.expect(&[]);
    }
    // But it is when its server is gone.
    script.session.update_servers(servers(&["b", "c"]), script.now).expect("not empty");
    let outputs: Vec<_> = std::iter::from_fn(|| script.session.poll()).map(|output| show(&output)).collect();
    assert!(
        matches!(&*outputs, [first, second] if first == "disconnect" && second.starts_with("connect ")),
        "{outputs:?}"
    );
}
