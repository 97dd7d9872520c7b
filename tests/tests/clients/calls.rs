//! Every typed call, with its answers and its refusals.

use zk_session::ops::{
    Batch, Check, Create, CreateContainer, CreateTtl, Delete, GetAcl, GetAllChildrenNumber, GetChildren,
    GetData, Multi, MultiFailed, MultiRead, MultiResult, Reconfig, SetAcl, SetData, WhoAmI,
};
use zk_session::proto::{Perms, Ttl, TtlMode};
use zk_session::{Acl, Code, CreateMode, Error, Path, SessionId, Version};

use crate::face::{Face, client, fresh_root};
use crate::{both, shared};

both!(
    nodes_live_their_lives,
    refusals_are_the_servers_words,
    a_chroot_is_not_seen,
    large_data_comes_back_whole,
    a_create2_tells_what_was_created: "3.4 has no create2: it came with 3.5",
    every_operation_is_a_call: "3.4 has neither containers nor reads in a multi nor whoAmI: they came from 3.5 on",
);

fn nodes_live_their_lives<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    assert_eq!(client.exists("/a").expect("asked"), None);
    let created = client.create("/a", "one", CreateMode::Persistent).expect("created");
    assert_eq!(created.as_str(), "/a");

    let node = client.get_data("/a").expect("read");
    assert_eq!(node.data.as_deref(), Some(&b"one"[..]));
    assert_eq!(
        (node.stat.version, node.stat.data_length, node.stat.ephemeral_owner),
        (0, 3, SessionId::NONE)
    );
    let stat = client.set_data("/a", "two", Version::exactly(0).expect("a version")).expect("set");
    assert_eq!(stat.version, 1);
    assert!(stat.mzxid > stat.czxid);

    client.create("/a/e", "", CreateMode::Ephemeral).expect("created");
    let ephemeral = client.exists("/a/e").expect("asked").expect("it was created");
    assert_eq!(ephemeral.czxid, ephemeral.mzxid);
    assert_ne!(ephemeral.ephemeral_owner, SessionId::NONE);
    let first = client.create("/a/s-", "", CreateMode::PersistentSequential).expect("created");
    let second = client.create("/a/s-", "", CreateMode::EphemeralSequential).expect("created");
    assert_eq!((first.as_str(), second.as_str()), ("/a/s-0000000001", "/a/s-0000000002"));

    let children = client.children("/a").expect("listed");
    let mut names = children.children.to_vec();
    names.sort();
    assert_eq!(names, ["e", "s-0000000001", "s-0000000002"]);
    assert_eq!(children.stat.num_children, 3);
    client.sync("/a").expect("synced");

    for name in names {
        client.delete(&format!("/a/{name}"), Version::ANY).expect("deleted");
    }
    client.delete("/a", Version::exactly(1).expect("a version")).expect("deleted");
    assert_eq!(client.exists("/a").expect("asked"), None);
    client.close();
}

fn refusals_are_the_servers_words<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let refused = |code| Err::<(), _>(Error::Server(code));
    client.create("/a", "", CreateMode::Persistent).expect("created");
    client.create("/a/b", "", CreateMode::Ephemeral).expect("created");
    let old = Version::exactly(7).expect("a version");
    let cases = [
        ("create twice", client.create("/a", "", CreateMode::Persistent).map(drop), Code::NodeExists),
        ("no parent", client.create("/no/parent", "", CreateMode::Persistent).map(drop), Code::NoNode),
        (
            "below an ephemeral",
            client.create("/a/b/c", "", CreateMode::Persistent).map(drop),
            Code::NoChildrenForEphemerals,
        ),
        ("delete what is not", client.delete("/none", Version::ANY), Code::NoNode),
        ("delete what is full", client.delete("/a", Version::ANY), Code::NotEmpty),
        ("delete by an old version", client.delete("/a/b", old), Code::BadVersion),
        ("set by an old version", client.set_data("/a", "", old).map(drop), Code::BadVersion),
        ("get what is not", client.get_data("/none").map(drop), Code::NoNode),
        ("list what is not", client.children("/none").map(drop), Code::NoNode),
        ("delete the chroot", client.delete("/", Version::ANY), Code::BadArguments),
    ];
    for (name, result, code) in cases {
        assert_eq!(result, refused(code), "{name}");
    }
    client.close();
}

fn a_chroot_is_not_seen<C: Face>() {
    let root = fresh_root::<C>();
    let inside: C = client(shared().address(), &root);
    let outside: C = client(shared().address(), "");
    let path = inside.create("/n-", "x", CreateMode::PersistentSequential).expect("created");
    assert_eq!(path.as_str(), "/n-0000000000");
    assert!(outside.exists(&format!("{root}{path}")).expect("asked").is_some());
    assert_eq!(inside.children("/").expect("listed").children.len(), 1);
    inside.close();
    outside.close();
}

fn a_create2_tells_what_was_created<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let made = client.create2("/n-", "x", CreateMode::EphemeralSequential).expect("created");
    assert_eq!(made.path.as_str(), "/n-0000000000", "without the chroot");
    assert_eq!(client.exists("/n-0000000000").expect("asked"), Some(made.stat));
    let again = client.create2("/n-0000000000", "", CreateMode::Persistent);
    assert_eq!(again.map(drop), Err(Error::Server(Code::NodeExists)));
    client.close();
}

fn large_data_comes_back_whole<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let data = "0123456789".repeat(100_000);
    client.create("/large", &data, CreateMode::Persistent).expect("created");
    assert_eq!(client.get_data("/large").expect("read").data.as_deref(), Some(data.as_bytes()));
    client.close();
}

fn path(text: &str) -> Path {
    Path::new(text).expect("a path of the test")
}

fn every_operation_is_a_call<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let create =
        |text| Create { path: path(text), data: None, acl: Acl::open_unsafe(), mode: CreateMode::Persistent };
    let check = |text| Check { path: path(text), version: Version::ANY };
    let delete = |text| Delete { path: path(text), version: Version::ANY };
    let set = |text| SetData { path: path(text), data: Some("set".into()), version: Version::ANY };

    let all = Multi {
        ops: Batch(vec![create("/m").into(), create("/m/n").into(), set("/m").into(), check("/m/n").into()]),
    };
    let results = client.call(all).expect("asked").into_result().expect("done");
    let [MultiResult::Created(m), MultiResult::Created(n), MultiResult::Set(stat), MultiResult::Checked] =
        &*results
    else {
        panic!("{results:?}");
    };
    assert_eq!((m.path.as_str(), n.path.as_str(), stat.version), ("/m", "/m/n", 1));
    let none = Multi { ops: Batch(vec![delete("/m/n").into(), create("/m").into(), delete("/").into()]) };
    let failed = client.call(none).expect("asked").into_result();
    assert_eq!(failed, Err(MultiFailed { index: 1, code: Code::NodeExists }));
    assert!(client.exists("/m/n").expect("asked").is_some(), "nothing of it was done");

    let reads = vec![
        GetData { path: path("/m"), watch: false }.into(),
        GetChildren { path: path("/m"), watch: false }.into(),
        GetData { path: path("/none"), watch: false }.into(),
    ];
    let results = client.call(MultiRead { ops: Batch(reads) }).expect("asked").results.0;
    let [MultiResult::Data(data), MultiResult::Children(names), MultiResult::Error(Some(Code::NoNode))] =
        &*results
    else {
        panic!("{results:?}");
    };
    assert_eq!((data.data.as_deref(), names.to_vec()), (Some(&b"set"[..]), vec!["n".to_owned()]));

    let read_only: Vec<Acl> = Acl::read_unsafe();
    let stat = client
        .call(SetAcl { path: path("/m/n"), acl: read_only.clone(), version: Version::ANY })
        .expect("set");
    assert_eq!(stat.aversion, 1);
    assert_eq!(client.call(GetAcl { path: path("/m/n") }).expect("read").acl, read_only);
    assert_eq!(read_only[0].perms, Perms::READ);
    assert_eq!(client.set_data("/m/n", "", Version::ANY).map(drop), Err(Error::Server(Code::NoAuth)));

    let container = CreateContainer { path: path("/c"), data: None, acl: Acl::open_unsafe() };
    assert_eq!(client.call(container).expect("created").path.as_str(), "/c");
    let ttl = Ttl::from_ms(60_000).expect("a time to live");
    let mode = TtlMode::PersistentSequential;
    let transient = CreateTtl { path: path("/t-"), data: None, acl: Acl::open_unsafe(), mode, ttl };
    assert_eq!(client.call(transient).expect("created").path.as_str(), "/t-0000000002");
    let numbered = Create { mode: CreateMode::PersistentNumbered, ..create("/c") };
    assert_eq!(client.call(numbered).expect("created").path.as_str(), "/c/0000000000");

    assert_eq!(client.call(GetAllChildrenNumber { path: path("/") }).expect("counted").total, 5);
    let identities = client.call(WhoAmI {}).expect("asked").identities;
    assert_eq!(identities[0].scheme, "ip");
    let alone = Reconfig { joining: None, leaving: Some("9".into()), new_members: None, config_id: -1 };
    let refused = client.call(alone).map(drop);
    assert!(
        matches!(refused, Err(Error::Server(Code::Unimplemented | Code::ReconfigDisabled))),
        "{refused:?}"
    );
    client.close();
}
