//! Two clients, a node that changes, and a lock that passes from one client to the other.
//!
//! `cargo run -p zk-std --example quickstart -- HOST:PORT[/chroot]`, or without arguments on a server of
//! its own, which ends with it; the same story as zk-tokio's `quickstart`.
#![allow(clippy::print_stdout, reason = "an example tells its story")]

use zk_std::{Acl, Client, Code, CreateMode, Error, Version};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args().nth(1);
    let own = given.is_none().then(|| zk_sim::serve("127.0.0.1:0")).transpose()?;
    let servers = given.or(own.as_ref().map(|own| own.address().to_string())).unwrap_or_default();
    let first = Client::connect(&servers)?;
    let second = Client::connect(&servers)?;
    println!("two clients are connected to {servers}");
    create_chroot(&servers)?;

    let stat = first.create2("/greeting", "hello", Acl::open_unsafe(), CreateMode::Ephemeral)?.stat;
    let (node, changed) = second.get_data_watched("/greeting")?;
    println!("the first creates an ephemeral node; the second reads {:?}", text(node.data));
    first.set_data("/greeting", "goodbye", Version::exactly(stat.version)?)?;
    let event = changed.wait()?;
    println!("the second's watch says {:?} for {}", event.kind, event.path);
    println!("and it reads {:?}", text(second.get_data("/greeting")?.data));

    let guard = first.lock("/locks/demo")?.acquire()?;
    println!("the first holds the lock with fence {}", guard.fence());
    let lock = second.lock("/locks/demo")?;
    println!(
        "the second tries: {}",
        lock.try_acquire().err().map_or("granted?".into(), |denial| denial.to_string())
    );
    let waiter = std::thread::spawn(move || lock.acquire());
    guard.release()?;
    let next = waiter.join().map_err(|_| "the waiter panicked")??;
    println!("the first has released it; the second holds it with fence {}", next.fence());
    next.release()?;

    first.close();
    assert_eq!(second.exists("/greeting")?, None);
    second.close();
    println!("both are closed, and the node is gone with its session");
    Ok(())
}

/// A chroot must exist before anything can be created in it.
fn create_chroot(servers: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Some((hosts, chroot)) = servers.split_once('/') else { return Ok(()) };
    let root = Client::connect(hosts)?;
    let path = format!("/{chroot}");
    match root.create(&path, "", Acl::open_unsafe(), CreateMode::Persistent) {
        Ok(_) | Err(Error::Server(Code::NodeExists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn text(data: Option<impl AsRef<[u8]>>) -> String {
    data.map_or_else(String::new, |data| String::from_utf8_lossy(data.as_ref()).into_owned())
}
