//! The meaning of each operation, as read off real servers; what they cannot be brought to is from reading their code.

use super::*;
use crate::acl::{Acl, AclAsked};
use crate::{Millis, Quirks, SessionId, Version, Zxid};

const ME: SessionId = SessionId(1);

/// A tree with a session, and the zxid of the last transaction.
struct World {
    tree: Tree,
    quirks: Quirks,
    zxid: i64,
    identities: Vec<Id>,
    triggers: Vec<(Event, String)>,
}

impl World {
    fn new() -> Self {
        Self::of(Version::default())
    }

    fn of(version: Version) -> Self {
        let quirks = Quirks::of(version);
        let tree = Tree::new(&quirks);
        let mut world = Self { tree, quirks, zxid: 0, identities: vec![], triggers: vec![] };
        world.write(Write::OpenSession { timeout_ms: 1000 }).unwrap();
        world
    }

    fn write(&mut self, write: Write) -> Result<Outcome, Code> {
        self.zxid += 1;
        let (zxid, time) = (Zxid(self.zxid), Millis(1000 + self.zxid.unsigned_abs()));
        let txn = Txn { zxid, time, session: ME, identities: self.identities.clone().into(), write };
        let (result, triggers) = apply(&mut self.tree, &txn, &self.quirks);
        self.triggers = triggers.into_iter().map(|trigger| (trigger.event, trigger.path)).collect();
        result
    }

    fn change(&mut self, change: Change) -> Result<Outcome, Code> {
        self.write(Write::Change(change))
    }

    fn create(&mut self, path: &str, flags: i32) -> Result<Outcome, Code> {
        self.change(create(path, flags))
    }

    fn created(&mut self, path: &str, flags: i32) -> String {
        match self.create(path, flags) {
            Ok(Outcome::Created { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    fn stat(&self, path: &str) -> crate::Stat {
        self.tree.node(path).unwrap().stat()
    }

    fn allow(&mut self, path: &str, perms: i32) {
        let acl = vec![AclAsked { perms, scheme: Some("world".into()), id: Some("anyone".into()) }];
        self.write(Write::SetAcl { path: path.into(), acl: Some(acl), version: -1 }).unwrap();
    }
}

fn create(path: &str, flags: i32) -> Change {
    let acl = Some(Acl::open().into_iter().map(AclAsked::from).collect());
    Change::Create(Create { path: path.into(), data: None, acl, flags, form: Form::Plain })
}

fn formed(path: &str, flags: i32, form: Form) -> Change {
    let Change::Create(plain) = create(path, flags) else { unreachable!("it is a create") };
    Change::Create(Create { form, ..plain })
}

fn delete(path: &str, version: i32) -> Change {
    Change::Delete { path: path.into(), version }
}

fn set(path: &str, version: i32) -> Change {
    Change::SetData { path: path.into(), data: Some([1, 2].into()), version }
}

#[test]
fn a_create_sets_the_node_and_the_parent() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/b", 0).unwrap();
    let (parent, child) = (world.stat("/a"), world.stat("/a/b"));
    assert_eq!((child.czxid, child.mzxid, child.pzxid), (Zxid(3), Zxid(3), Zxid(3)));
    assert_eq!((parent.mzxid, parent.pzxid, parent.cversion, parent.num_children), (Zxid(2), Zxid(3), 1, 1));
    assert_eq!(parent.mtime, Millis(1002));
    let told = [(Event::Created, "/a/b".into()), (Event::ChildrenChanged, "/a".into())];
    assert_eq!(world.triggers, told);
}

#[test]
fn a_delete_counts_for_the_parent() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/b", 0).unwrap();
    world.change(delete("/a/b", 0)).unwrap();
    let parent = world.stat("/a");
    assert_eq!((parent.pzxid, parent.cversion, parent.num_children), (Zxid(4), 2, 0));
    assert_eq!(world.triggers, [(Event::Deleted, "/a/b".into()), (Event::ChildrenChanged, "/a".into())]);
}

#[test]
fn the_same_data_is_a_change() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.change(set("/a", 0)).unwrap();
    world.change(set("/a", 1)).unwrap();
    let stat = world.stat("/a");
    assert_eq!((stat.version, stat.mzxid, stat.mtime, stat.data_length), (2, Zxid(4), Millis(1004), 2));
    assert_eq!(world.triggers, [(Event::DataChanged, "/a".into())]);
}

#[test]
fn an_acl_counts_by_itself_and_wakes_nobody() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.allow("/a", acl::ADMIN);
    let stat = world.stat("/a");
    assert_eq!((stat.aversion, stat.version, stat.mzxid), (1, 0, Zxid(2)));
    assert!(world.triggers.is_empty());
    assert_eq!(world.change(set("/a", -1)), Err(Code::NoAuth));
}

#[test]
fn a_number_counts_all_creates_and_no_deletes() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/x", 0).unwrap();
    assert_eq!(world.create("/a/x", 0), Err(Code::NodeExists));
    world.change(delete("/a/x", -1)).unwrap();
    assert_eq!(world.created("/a/n-", 2), "/a/n-0000000001");
    assert_eq!(world.created("/a/", 3), "/a/0000000002");
    assert_eq!(world.create("/missing/", 2), Err(Code::NoNode));
    assert_eq!(world.create("//n", 2), Err(Code::BadArguments));
}

#[test]
fn flags_and_operation_make_the_kind() {
    let mut world = World::new();
    for flags in [-1, 7, 5, 6] {
        assert_eq!(world.create("/a", flags), Err(Code::BadArguments), "{flags}");
    }
    let kind = |world: &mut World, change: Change| match world.change(change) {
        Ok(Outcome::Created { path, .. }) => Ok(world.tree.node(&path).unwrap().kind),
        Ok(other) => panic!("{other:?}"),
        Err(code) => Err(code),
    };
    assert_eq!(kind(&mut world, create("/persistent", 4)), Ok(Kind::Persistent));
    assert_eq!(kind(&mut world, create("/mine", 1)), Ok(Kind::Ephemeral(ME)));
    assert_eq!(kind(&mut world, formed("/container", 0, Form::Container)), Ok(Kind::Container));
    assert_eq!(kind(&mut world, formed("/ttl", 5, Form::Ttl(7))), Ok(Kind::Ttl(7)));
    assert_eq!(kind(&mut world, formed("/x", 5, Form::Ttl(0))), Err(Code::BadArguments));
    assert_eq!(kind(&mut world, formed("/x", 5, Form::Ttl(1 << 40))), Err(Code::BadArguments));
    assert_eq!(kind(&mut world, formed("/x", 0, Form::Ttl(-1))), Err(Code::BadArguments));
    world.quirks.has_ttl_nodes = false;
    assert_eq!(kind(&mut world, formed("/x", 5, Form::Ttl(7))), Err(Code::Unimplemented));
}

#[test]
fn an_ephemeral_has_no_children_and_goes_with_its_session() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/e", 1).unwrap();
    world.create("/f", 1).unwrap();
    assert_eq!(world.create("/a/e/x", 0), Err(Code::NoChildrenForEphemerals));
    assert_eq!(world.tree.ephemerals(ME).collect::<Vec<_>>(), ["/a/e", "/f"]);
    world.write(Write::CloseSession).unwrap();
    assert!(world.tree.node("/a/e").is_none() && world.tree.node("/f").is_none());
    assert_eq!(world.stat("/a").pzxid, Zxid(world.zxid));
    assert_eq!(world.triggers.len(), 4);
    assert_eq!(world.create("/x", 0), Err(Code::SessionExpired));
}

#[test]
fn the_first_check_that_fails_is_told() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/b", 0).unwrap();
    assert_eq!(world.change(delete("a", 9)), Err(Code::BadArguments));
    assert_eq!(world.change(delete("/zookeeper", 9)), Err(Code::BadArguments));
    assert_eq!(world.change(delete("/", 9)), Err(Code::BadArguments));
    assert_eq!(world.change(delete("/x/", 9)), Err(Code::NoNode));
    assert_eq!(world.change(delete("/a", 9)), Err(Code::BadVersion));
    assert_eq!(world.change(delete("/a", 0)), Err(Code::NotEmpty));
    world.allow("/a", acl::READ);
    assert_eq!(world.change(delete("/a/x", 9)), Err(Code::NoAuth), "before it is known to be there");
    assert_eq!(world.create("/a/b", 0), Err(Code::NoAuth), "before it is known to be there");
    let no_acl = Create { acl: Some(vec![]), path: "/x/y/".into(), data: None, flags: 0, form: Form::Plain };
    assert_eq!(
        world.change(Change::Create(no_acl)),
        Err(Code::InvalidAcl),
        "before the parent is looked for"
    );
    assert_eq!(world.change(set("/x/", 9)), Err(Code::BadArguments));
    assert_eq!(world.change(set("/x", 9)), Err(Code::NoNode));
    assert_eq!(world.change(set("/a", 9)), Err(Code::NoAuth));
    assert_eq!(world.change(set("/a/b", 9)), Err(Code::BadVersion));
    assert_eq!(world.create("/", 0), Err(Code::NodeExists));
}

#[test]
fn a_multi_that_fails_leaves_the_tree_as_it_was() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    world.create("/a/e", 1).unwrap();
    for at in 0..=4 {
        let mut changes = vec![create("/b", 1), set("/a", 0), delete("/a/e", -1), create("/a/n-", 3)];
        changes.insert(at, delete("/none", -1));
        let before: Vec<_> = world.tree.nodes().map(|(path, node)| (path.to_owned(), node.clone())).collect();
        let failed = Outcome::MultiFailed { count: 5, at, code: Code::NoNode };
        assert_eq!(world.write(Write::Multi(changes)), Ok(failed));
        let after: Vec<_> = world.tree.nodes().map(|(path, node)| (path.to_owned(), node.clone())).collect();
        assert_eq!(before, after);
        assert_eq!(world.tree.ephemerals(ME).collect::<Vec<_>>(), ["/a/e"]);
        assert_eq!((world.triggers.len(), world.tree.applied()), (0, Zxid(world.zxid)));
    }
}

#[test]
fn a_multi_sees_its_own_changes() {
    let mut world = World::new();
    let check = Change::Check { path: "/a".into(), version: 1 };
    let changes = vec![create("/a", 0), create("/a/b", 0), set("/a", 0), check, delete("/a/b", 0)];
    let Ok(Outcome::Multi(outcomes)) = world.write(Write::Multi(changes)) else { panic!("it failed") };
    assert_eq!(outcomes.len(), 5);
    assert_eq!(world.triggers.len(), 7);
    let stat = world.stat("/a");
    assert_eq!((stat.czxid, stat.mzxid, stat.pzxid), (Zxid(2), Zxid(2), Zxid(2)));
}

#[test]
fn flags_in_a_multi_mean_what_the_version_takes_them_for() {
    let kinds = |version| {
        let mut world = World::of(version);
        let changes = vec![create("/a", 4), formed("/b", 0, Form::Container)];
        let Ok(Outcome::Multi(outcomes)) = world.write(Write::Multi(changes)) else { panic!("it failed") };
        let form = |outcome: &Outcome| {
            let Outcome::Created { path, form, .. } = outcome else { panic!("{outcome:?}") };
            (world.tree.node(path).unwrap().kind, *form)
        };
        outcomes.iter().map(form).collect::<Vec<_>>()
    };
    assert_eq!(kinds(Version::V3_8), [(Kind::Container, Form::Container), (Kind::Persistent, Form::Plain)]);
    assert_eq!(
        kinds(Version::V3_9),
        [(Kind::Container, Form::Container), (Kind::Container, Form::Container)]
    );
    let refused = |version, flags| World::of(version).write(Write::Multi(vec![create("/a", flags)]));
    let item = |code| Ok(Outcome::MultiFailed { count: 1, at: 0, code });
    assert_eq!(refused(Version::V3_8, 9), item(Code::BadArguments));
    assert_eq!(refused(Version::V3_8, 5), Err(Code::MarshallingError));
}

#[test]
fn the_server_deletes_what_is_abandoned_and_nothing_else() {
    let mut world = World::new();
    world.change(formed("/c", 4, Form::Container)).unwrap();
    world.change(formed("/t", 5, Form::Ttl(10))).unwrap();
    assert!(world.tree.reapable(Millis(1013)).is_empty());
    assert_eq!(world.tree.reapable(Millis(1014)), ["/t"]);
    world.create("/c/x", 0).unwrap();
    let reap = |world: &mut World, path: &str| world.write(Write::Reap { path: path.into() });
    assert_eq!(reap(&mut world, "/c"), Err(Code::NotEmpty));
    world.change(delete("/c/x", -1)).unwrap();
    assert_eq!(world.tree.reapable(Millis(0)), ["/c"]);
    assert_eq!(reap(&mut world, "/c"), Ok(Outcome::Deleted));
    assert_eq!(reap(&mut world, "/c"), Err(Code::NoNode));
}

/// From reading code: no real server can be brought to these counts.
#[test]
fn counters_wrap() {
    let mut world = World::new();
    world.create("/a", 0).unwrap();
    let mut node = world.tree.node("/a").unwrap().clone();
    node.family.creates = i32::MAX;
    node.version = i32::MAX;
    world.tree.delete("/a", Zxid(0)).unwrap();
    world.tree.create("/a", node);
    assert_eq!(world.created("/a/n-", 2), "/a/n-2147483647");
    assert_eq!(world.created("/a/n-", 2), "/a/n--2147483648");
    world.change(set("/a", i32::MAX)).unwrap();
    assert_eq!(world.stat("/a").version, i32::MIN);
}

#[test]
fn flags_for_a_container_make_none_outside_of_a_multi() {
    let mut world = World::new();
    world.create("/a", 4).unwrap();
    assert_eq!(world.tree.node("/a").unwrap().kind, Kind::Persistent);
}

#[test]
fn the_old_server_looks_at_the_flags_last() {
    let mut world = World::of(Version::V3_4);
    assert_eq!(world.create("/missing/a", 9), Err(Code::NoNode));
    assert_eq!(world.create("/a", 9), Err(Code::BadArguments));
    assert_eq!(world.create("/a", 4), Err(Code::BadArguments), "it knows no containers");
    assert_eq!(World::new().create("/missing/a", 9), Err(Code::BadArguments));
}

#[test]
fn the_old_server_says_that_a_node_is_missing_before_it_says_who_may_not_delete_it() {
    for (version, code) in [(Version::V3_4, Code::NoNode), (Version::V3_8, Code::NoAuth)] {
        let mut world = World::of(version);
        world.create("/a", 0).unwrap();
        world.allow("/a", acl::READ);
        assert_eq!(world.change(delete("/a/b", -1)), Err(code));
    }
}

#[test]
fn a_node_in_the_place_of_the_configuration_is_like_others_where_there_is_none() {
    let mut world = World::of(Version::V3_4);
    world.create("/zookeeper/config", 0).unwrap();
    world.change(delete("/zookeeper/config", -1)).unwrap();
    assert_eq!(World::new().change(delete("/zookeeper/config", -1)), Err(Code::BadArguments));
}

/// A world in which `/a` has a quota of these limits.
fn with_quota(limits: &str) -> World {
    let mut world = World::new();
    world.quirks.enforces_quotas = true;
    for path in ["/a", "/a/old", "/zookeeper/quota/a"] {
        world.create(path, 0).unwrap();
    }
    for (path, data) in
        [("/zookeeper/quota/a/zookeeper_limits", limits), ("/zookeeper/quota/a/zookeeper_stats", "")]
    {
        let Change::Create(plain) = create(path, 0) else { unreachable!("it is a create") };
        world.change(Change::Create(Create { data: Some(data.as_bytes().into()), ..plain })).unwrap();
    }
    world
}

fn account(world: &World) -> String {
    let data = world.tree.node("/zookeeper/quota/a/zookeeper_stats").unwrap().data.clone().unwrap();
    String::from_utf8(data.to_vec()).unwrap()
}

#[test]
fn what_is_below_a_quota_is_kept_account_of() {
    let mut world = with_quota("count=-1,bytes=-1");
    assert_eq!(account(&world), "count=2,bytes=0");
    world.create("/a/b", 0).unwrap();
    world.create("/ab", 0).unwrap();
    world.change(set("/a/b", -1)).unwrap();
    assert_eq!(account(&world), "count=3,bytes=2");
    let stat = world.stat("/zookeeper/quota/a/zookeeper_stats");
    assert_eq!((stat.version, stat.mzxid, stat.data_length), (0, stat.czxid, 15));
    let failed = world.write(Write::Multi(vec![create("/a/c", 0), create("/a/b", 0)])).unwrap();
    assert!(matches!(failed, Outcome::MultiFailed { at: 1, .. }));
    assert_eq!(account(&world), "count=3,bytes=2", "a multi that fails leaves no trace");
    world.change(delete("/a/b", -1)).unwrap();
    assert_eq!(account(&world), "count=2,bytes=0");
}

#[test]
fn a_hard_limit_is_enforced_and_a_soft_one_is_not() {
    let mut world = with_quota("count=1,bytes=1=;byteHardLimit=3;countHardLimit=3");
    world.create("/a/b", 0).unwrap();
    assert_eq!(world.create("/a/c", 0), Err(Code::QuotaExceeded));
    world.change(set("/a/b", -1)).unwrap();
    assert_eq!(
        world.change(set("/a/old", 7)),
        Err(Code::QuotaExceeded),
        "it is looked at before the version"
    );
    world.change(set("/a/b", -1)).unwrap();
    world.create("/c", 0).unwrap();
    world.quirks.enforces_quotas = false;
    world.create("/a/c", 0).unwrap();
    assert_eq!(account(&world), "count=4,bytes=2");
}

#[test]
fn a_multi_is_measured_by_what_was_there_before_it() {
    let mut world = with_quota("count=-1,bytes=-1=;countHardLimit=3");
    world.write(Write::Multi(vec![create("/a/b", 0), create("/a/c", 0)])).unwrap();
    assert_eq!(account(&world), "count=4,bytes=0");
}
