//! Replies without what has no meaning: the order of names, and times where no log tells them.

use zk_session::ops::{MultiReply, MultiResult};
use zk_session::{Children, Reply, Stat};

/// The reply as it is compared; without times unless they are known.
pub(super) fn normal(mut reply: Reply, with_times: bool) -> Reply {
    let stat = |stat: &mut Stat| {
        if !with_times {
            (stat.ctime, stat.mtime) = (0, 0);
        }
    };
    if let Reply::Create2(made) | Reply::CreateContainer(made) | Reply::CreateTtl(made) = &mut reply {
        stat(&mut made.stat);
    } else if let Reply::Exists(found) | Reply::SetData(found) | Reply::SetAcl(found) = &mut reply {
        stat(found);
    } else if let Reply::GetData(found) = &mut reply {
        stat(&mut found.stat);
    } else if let Reply::GetAcl(found) = &mut reply {
        stat(&mut found.stat);
    } else if let Reply::GetChildren2(found) = &mut reply {
        stat(&mut found.stat);
        found.children = sorted(&found.children);
    } else if let Reply::GetChildren(found) = &mut reply {
        found.children = sorted(&found.children);
    } else if let Reply::GetEphemerals(found) = &mut reply {
        found.paths.sort_unstable();
    } else if let Reply::Multi(MultiReply { results }) | Reply::MultiRead(MultiReply { results }) = &mut reply
    {
        for result in &mut results.0 {
            match result {
                MultiResult::CreatedNode(made) => stat(&mut made.stat),
                MultiResult::Set(set) => stat(set),
                MultiResult::Data(found) => stat(&mut found.stat),
                MultiResult::Children(children) => *children = sorted(children),
                MultiResult::Created(_)
                | MultiResult::Deleted
                | MultiResult::Checked
                | MultiResult::Error(_) => {}
            }
        }
    }
    reply
}

fn sorted(children: &Children) -> Children {
    let mut names: Vec<&str> = children.iter().collect();
    names.sort_unstable();
    names.into_iter().collect()
}

/// The stat in a reply about one node.
pub(super) fn stat(reply: &Reply) -> Option<&Stat> {
    if let Reply::Create2(made) | Reply::CreateContainer(made) | Reply::CreateTtl(made) = reply {
        Some(&made.stat)
    } else if let Reply::Exists(found) | Reply::SetData(found) | Reply::SetAcl(found) = reply {
        Some(found)
    } else if let Reply::GetData(found) = reply {
        Some(&found.stat)
    } else if let Reply::GetAcl(found) = reply {
        Some(&found.stat)
    } else if let Reply::GetChildren2(found) = reply {
        Some(&found.stat)
    } else {
        None
    }
}
