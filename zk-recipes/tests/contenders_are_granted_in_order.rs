//! The queue is fair, a hand-over wakes one client, and it costs two reads.

mod model;

use model::{User, World};
use zk_recipes::hold::Command;
use zk_session::Request;

#[test]
fn each_release_grants_the_next_in_the_queue() {
    let mut world = World::new(6);
    for client in 0..6 {
        world.acquire(client);
        world.settle();
    }
    let order: Vec<_> = world.server.nodes.values().skip(1).map(|node| node.owner).collect();
    assert_eq!(order.len(), 6);
    let mut fences = Vec::new();
    for holder in 0..6 {
        let User::Holding { fence, term: 1 } = world.clients[holder].user else {
            panic!("{holder} does not hold: {:?}", world.clients[holder].user);
        };
        fences.push(fence);
        assert!(world.clients[holder + 1..].iter().all(|client| client.user == User::Waiting));
        world.clients[holder].user = User::Leaving;
        world.command(holder, Command::Release);
        let served = world.settle();
        // The release itself, then the next in line: the directory, and the watch on its own node.
        let next: Vec<&Request> =
            served.iter().filter(|(client, _)| *client == holder + 1).map(|(_, request)| request).collect();
        assert_eq!(served.len() - next.len(), 1, "{served:?}");
        if holder < 5 {
            assert!(matches!(next[..], [Request::GetChildren2(_), Request::Exists(_)]), "{next:?}");
        }
    }
    assert!(fences.is_sorted());
    assert_eq!(world.server.nodes.len(), 1);
}

#[test]
fn a_deleted_holder_is_told_and_the_next_is_granted_with_a_higher_fence() {
    let mut world = World::new(2);
    world.acquire(0);
    world.settle();
    world.acquire(1);
    world.settle();
    let User::Holding { fence: first, .. } = world.clients[0].user else { panic!("the first does not hold") };
    let node = world.nodes(0)[0].clone();
    world.delete(&node);
    world.settle();
    assert!(
        matches!(&world.clients[0].user, User::Done(events) if format!("{events:?}").contains("NodeGone"))
    );
    let User::Holding { fence: second, .. } = world.clients[1].user else {
        panic!("the second does not hold")
    };
    assert!(second > first);
}
