//! Two clients, a node that changes, and a lock that passes from one client to the other.
//!
//! `cargo run -p zk-tokio --example quickstart -- HOST:PORT[/chroot]`, or without arguments on a server of
//! its own, which ends with it; the same story as zk-std's `quickstart`.
#![allow(clippy::print_stdout, reason = "an example tells its story")]

use zk_tokio::{Acl, Client, Code, CreateMode, Error, Version};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args().nth(1);
    let own = given.is_none().then(|| zk_sim::serve("127.0.0.1:0")).transpose()?;
    let servers = given.or(own.as_ref().map(|own| own.address().to_string())).unwrap_or_default();
    let first = Client::connect(&servers).await?;
    let second = Client::connect(&servers).await?;
    println!("two clients are connected to {servers}");
    create_chroot(&servers).await?;

    let stat = first.create2("/greeting", "hello", Acl::open_unsafe(), CreateMode::Ephemeral).await?.stat;
    let (node, changed) = second.get_data_watched("/greeting").await?;
    println!("the first creates an ephemeral node; the second reads {:?}", text(node.data));
    first.set_data("/greeting", "goodbye", Version::exactly(stat.version)?).await?;
    let event = changed.await?;
    println!("the second's watch says {:?} for {}", event.kind, event.path);
    println!("and it reads {:?}", text(second.get_data("/greeting").await?.data));

    let guard = first.lock("/locks/demo")?.acquire().await?;
    println!("the first holds the lock with fence {}", guard.fence());
    let lock = second.lock("/locks/demo")?;
    println!(
        "the second tries: {}",
        lock.try_acquire().await.err().map_or("granted?".into(), |denial| denial.to_string())
    );
    let waiter = tokio::spawn(async move { lock.acquire().await });
    guard.release().await?;
    let next = waiter.await??;
    println!("the first has released it; the second holds it with fence {}", next.fence());
    next.release().await?;

    first.close().await;
    assert_eq!(second.exists("/greeting").await?, None);
    second.close().await;
    println!("both are closed, and the node is gone with its session");
    Ok(())
}

/// A chroot must exist before anything can be created in it.
async fn create_chroot(servers: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Some((hosts, chroot)) = servers.split_once('/') else { return Ok(()) };
    let root = Client::connect(hosts).await?;
    let path = format!("/{chroot}");
    match root.create(&path, "", Acl::open_unsafe(), CreateMode::Persistent).await {
        Ok(_) | Err(Error::Server(Code::NodeExists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn text(data: Option<impl AsRef<[u8]>>) -> String {
    data.map_or_else(String::new, |data| String::from_utf8_lossy(data.as_ref()).into_owned())
}
