//! What a transaction does to the tree: the one place that knows what ZooKeeper's operations mean.
//!
//! A pure function. The order of the checks is that of the server, for it decides which error a client sees. Numbers of
//! versions below are those of ZooKeeper.

use std::sync::Arc;

use crate::acl::{self, Id};
use crate::node::Node;
use crate::path;
use crate::quota::{self, Limits};
use crate::tree::{Tree, Undo, sequential};
use crate::txn::{Change, Create, Event, Form, Outcome, Trigger, Txn, Write};
use crate::{Code, Kind, Quirks, Version};

/// Applies the next transaction of the log: what its session is told, and what watches may be waiting for, in order.
///
/// A transaction that fails changes nothing but the number of the last one applied.
pub fn apply(tree: &mut Tree, txn: &Txn, quirks: &Quirks) -> (Result<Outcome, Code>, Vec<Trigger>) {
    tree.reached(txn.zxid);
    let limits = if quirks.enforces_quotas { Limits::of(tree) } else { Limits::default() };
    let mut step = Step { tree, txn, quirks, limits, undo: Vec::new(), triggers: Vec::new() };
    let result = step.write(&txn.write);
    if result.is_err() {
        step.take_back();
    }
    (result, step.triggers)
}

struct Step<'a> {
    tree: &'a mut Tree,
    txn: &'a Txn,
    quirks: &'a Quirks,
    limits: Limits,
    undo: Vec<Undo>,
    triggers: Vec<Trigger>,
}

impl Step<'_> {
    fn write(&mut self, write: &Write) -> Result<Outcome, Code> {
        match write {
            Write::OpenSession { timeout_ms } => {
                self.tree.open_session(self.txn.session, *timeout_ms);
                Ok(Outcome::Session)
            }
            Write::Change(change) => self.change(change),
            Write::SetAcl { path, acl, version } => self.set_acl(path, acl.as_deref(), *version),
            Write::Multi(changes) => self.multi(changes),
            Write::Reap { path } => self.reap(path),
            Write::Refused(code) => Err(*code),
            Write::CloseSession => {
                for path in self.tree.close_session(self.txn.session) {
                    self.remove(&path);
                }
                Ok(Outcome::Session)
            }
        }
    }

    fn multi(&mut self, changes: &[Change]) -> Result<Outcome, Code> {
        let mut outcomes = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            match self.item(change) {
                Ok(outcome) => outcomes.push(outcome),
                Err(Code::MarshallingError) => return Err(Code::MarshallingError),
                Err(code) => {
                    self.take_back();
                    return Ok(Outcome::MultiFailed { count: changes.len(), at, code });
                }
            }
        }
        Ok(Outcome::Multi(outcomes))
    }

    /// A change within a multi, where some servers take a create for another one.
    fn item(&mut self, change: &Change) -> Result<Outcome, Code> {
        let Change::Create(create) = change else { return self.change(change) };
        let is_mortal = matches!(create.form, Form::Ttl(_));
        if is_mortal || self.quirks.version < Version::V3_5 {
            return self.create(create);
        }
        let form = match create.flags {
            CONTAINER_FLAGS => Form::Container,
            // Flags for a time to live in an operation that has none: the server stumbles.
            5 | 6 => return Err(Code::MarshallingError),
            _ if self.quirks.multi_goes_by_flags => Form::Plain,
            _ => create.form,
        };
        self.create(&Create { form, ..create.clone() })
    }

    fn change(&mut self, change: &Change) -> Result<Outcome, Code> {
        match change {
            Change::Create(create) => self.create(create),
            Change::Delete { path, version } => self.delete(path, *version),
            Change::SetData { path, data, version } => self.set_data(path, data.clone(), *version),
            Change::Check { path, version } => self.check(path, *version),
        }
    }

    fn create(&mut self, create: &Create) -> Result<Outcome, Code> {
        let mode = self.mode(create);
        if !self.quirks.flags_are_late {
            mode?;
        }
        self.check_session()?;
        let parent_path = path::parent(&create.path)?;
        let acl = acl::settle(create.acl.as_deref(), &self.txn.identities, self.quirks)?;
        let parent = self.tree.node(parent_path).ok_or(Code::NoNode)?;
        acl::check(&parent.acl, acl::CREATE, self.identities())?;
        let (kind, numbered) = mode?;
        let numbered = numbered.then(|| sequential(&create.path, parent.family.creates));
        let node_path = numbered.as_deref().unwrap_or(&create.path);
        path::validate(node_path, self.quirks)?;
        if self.tree.node(node_path).is_some() {
            return Err(Code::NodeExists);
        }
        if matches!(parent.kind, Kind::Ephemeral(_)) {
            return Err(Code::NoChildrenForEphemerals);
        }
        let length = length(create.data.as_ref());
        self.limits.check(node_path, length, 1)?;
        let parent_acl = Arc::clone(&parent.acl);
        let node = Node::fresh(create.data.clone(), acl.into(), kind, self.txn.zxid, self.txn.time);
        let (stat, acl) = (node.stat(), Arc::clone(&node.acl));
        self.undo.push(self.tree.create(node_path, node));
        self.undo.extend(quota::open_account(self.tree, node_path));
        self.undo.extend(quota::account(self.tree, node_path, length, 1));
        self.trigger(Event::Created, node_path, acl);
        self.trigger(Event::ChildrenChanged, parent_path, parent_acl);
        Ok(Outcome::Created { path: node_path.into(), stat, form: create.form })
    }

    /// The kind of node that is asked for, and whether it gets a number. The operation has the last word: flags for a
    /// container do not make one (3.8, 3.9).
    fn mode(&self, create: &Create) -> Result<(Kind, bool), Code> {
        let owned = Kind::Ephemeral(self.txn.session);
        let (kind, numbered, mortal) = match create.flags {
            0 => (Kind::Persistent, false, false),
            1 => (owned, false, false),
            2 => (Kind::Persistent, true, false),
            3 => (owned, true, false),
            CONTAINER_FLAGS.. if self.quirks.version < Version::V3_5 => return Err(Code::BadArguments),
            CONTAINER_FLAGS => (Kind::Persistent, false, false),
            5 => (Kind::Persistent, false, true),
            6 => (Kind::Persistent, true, true),
            _ => return Err(Code::BadArguments),
        };
        if mortal && !self.quirks.has_ttl_nodes {
            return Err(Code::Unimplemented);
        }
        match create.form {
            Form::Ttl(ttl) if mortal && (TTL_MIN_MS..=TTL_MAX_MS).contains(&ttl) => {
                Ok((Kind::Ttl(ttl.unsigned_abs()), numbered))
            }
            Form::Ttl(_) => Err(Code::BadArguments),
            Form::Plain | Form::WithStat | Form::Container if mortal => Err(Code::BadArguments),
            Form::Container => Ok((Kind::Container, numbered)),
            Form::Plain | Form::WithStat => Ok((kind, numbered)),
        }
    }

    fn delete(&mut self, path: &str, version: i32) -> Result<Outcome, Code> {
        self.check_session()?;
        let parent = self.deletable_parent(path)?;
        if self.quirks.delete_needs_node_first {
            self.named(path)?;
        }
        acl::check(&parent.acl, acl::DELETE, self.identities())?;
        let node = self.named(path)?;
        check_version(node.version, version)?;
        if !node.children.is_empty() {
            return Err(Code::NotEmpty);
        }
        self.remove(path);
        Ok(Outcome::Deleted)
    }

    /// The conditions may have changed since the server's job looked.
    fn reap(&mut self, path: &str) -> Result<Outcome, Code> {
        self.deletable_parent(path)?;
        let node = self.named(path)?;
        if !node.children.is_empty() {
            return Err(Code::NotEmpty);
        }
        if matches!(node.kind, Kind::Ephemeral(_)) {
            return Err(Code::BadVersion);
        }
        self.remove(path);
        Ok(Outcome::Deleted)
    }

    fn set_data(&mut self, path: &str, data: Option<Arc<[u8]>>, version: i32) -> Result<Outcome, Code> {
        self.check_session()?;
        path::validate(path, self.quirks)?;
        let node = self.named(path)?;
        acl::check(&node.acl, acl::WRITE, self.identities())?;
        let growth = length(data.as_ref()) - length(node.data.as_ref());
        self.limits.check(path, growth, 0)?;
        check_version(node.version, version)?;
        let acl = Arc::clone(&node.acl);
        self.undo.extend(self.tree.set_data(path, data, self.txn.zxid, self.txn.time));
        let stat = self.named(path)?.stat();
        self.undo.extend(quota::account(self.tree, path, growth, 0));
        self.trigger(Event::DataChanged, path, acl);
        Ok(Outcome::DataSet(stat))
    }

    fn set_acl(&mut self, path: &str, acl: Option<&[acl::AclAsked]>, version: i32) -> Result<Outcome, Code> {
        self.check_session()?;
        path::validate(path, self.quirks)?;
        let acl = acl::settle(acl, &self.txn.identities, self.quirks)?;
        let node = self.named(path)?;
        acl::check(&node.acl, acl::ADMIN, self.identities())?;
        check_version(node.acl_version, version)?;
        self.tree.set_acl(path, acl);
        Ok(Outcome::AclSet(self.named(path)?.stat()))
    }

    fn check(&self, path: &str, version: i32) -> Result<Outcome, Code> {
        self.check_session()?;
        path::validate(path, self.quirks)?;
        let node = self.named(path)?;
        acl::check(&node.acl, acl::READ, self.identities())?;
        check_version(node.version, version)?;
        Ok(Outcome::Checked)
    }

    fn check_session(&self) -> Result<(), Code> {
        self.tree.session_timeout_ms(self.txn.session).map(|_| ()).ok_or(Code::SessionExpired)
    }

    fn named(&self, path: &str) -> Result<&Node, Code> {
        self.tree.node(path).ok_or(Code::NoNode)
    }

    fn deletable_parent(&self, path: &str) -> Result<&Node, Code> {
        let parent = path::parent(path)?;
        let is_plain = path == path::CONFIG && !self.quirks.has_config_node;
        if path == path::ROOT || (path::SYSTEM.contains(&path) && !is_plain) {
            return Err(Code::BadArguments);
        }
        self.named(parent)
    }

    fn identities(&self) -> &[Id] {
        &self.txn.identities
    }

    /// Takes a node away that is known to be there and to have no children.
    fn remove(&mut self, path: &str) {
        let Some(node) = self.tree.node(path) else { return };
        let (acl, length) = (Arc::clone(&node.acl), length(node.data.as_ref()));
        self.undo.extend(self.tree.delete(path, self.txn.zxid));
        self.undo.extend(quota::account(self.tree, path, -length, -1));
        self.trigger(Event::Deleted, path, acl);
        if let Some((parent, _)) = path::split(path)
            && let Some(node) = self.tree.node(parent)
        {
            let acl = Arc::clone(&node.acl);
            self.trigger(Event::ChildrenChanged, parent, acl);
        }
    }

    fn trigger(&mut self, event: Event, path: &str, acl: Arc<[acl::Acl]>) {
        self.triggers.push(Trigger { event, path: path.into(), acl });
    }

    fn take_back(&mut self) {
        self.triggers.clear();
        while let Some(undo) = self.undo.pop() {
            self.tree.undo(undo);
        }
    }
}

/// What the flags for a container are.
const CONTAINER_FLAGS: i32 = 4;
/// The shortest time to live, in milliseconds.
const TTL_MIN_MS: i64 = 1;
/// The longest time to live, in milliseconds: servers keep it in 40 bits of the owner's field.
const TTL_MAX_MS: i64 = (1 << 40) - 1;
/// As an expected version: any.
const ANY_VERSION: i32 = -1;

fn length(data: Option<&Arc<[u8]>>) -> i64 {
    data.map_or(0, |data| i64::try_from(data.len()).unwrap_or(i64::MAX))
}

fn check_version(actual: i32, expected: i32) -> Result<(), Code> {
    if expected == ANY_VERSION || expected == actual { Ok(()) } else { Err(Code::BadVersion) }
}

#[cfg(test)]
mod tests;
