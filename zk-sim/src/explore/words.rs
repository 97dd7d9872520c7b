//! What steps, requests and replies are called in a script.

use std::iter;

use zk_session::{Code, Reply, Request};

use super::ground::EPOCH;
use super::peer::{Letter, Link, Sent};
use super::spec::Spec;
use super::steps::Step;
use super::world::World;

/// A step, in words, just before it happens.
pub(super) fn happens<S: Spec + ?Sized>(spec: &S, world: &World<S>, step: Step) -> String {
    let peer = |number: u8| &world.peers[usize::from(number)];
    match step {
        Step::Serve(number) => match peer(number).sent.front() {
            Some(Sent::Call(_, asked)) => format!("the server takes {} of peer {number}", request(asked)),
            Some(Sent::Proof) | None => format!("the server answers that the session of peer {number} lives"),
        },
        Step::Deliver(number) => {
            format!("peer {number} reads {}", peer(number).wire.front().map(letter).unwrap_or_default())
        }
        Step::Tick(number) => format!("peer {number} has rested"),
        Step::Resume(number) => format!("peer {number} finds a link again"),
        Step::Renew(number) => format!("peer {number} gets a new session"),
        Step::Wish(number, nth) => {
            let wishes = spec.wishes(&peer(number).user);
            let what = wishes.get(usize::from(nth)).map_or("wishes nothing", |wish| wish.what);
            format!("user {number} {what}")
        }
        Step::Cut(number, written) => {
            let fate = |(nth, request)| {
                format!("{request} {}", if nth < usize::from(written) { "perhaps sent" } else { "not sent" })
            };
            let unserved = peer(number).requests().map(request).enumerate().map(fate);
            let lost = peer(number).wire.iter().map(|lost| format!("{} lost", letter(lost)));
            let what = iter::once(format!("the link of peer {number} is cut"));
            what.chain(unserved).chain(lost).collect::<Vec<_>>().join(", ")
        }
        Step::Lapse(number) if peer(number).link == Link::Live => {
            format!("the process of peer {number} stands still until its lease has run out")
        }
        Step::Lapse(number) => format!("the lease of peer {number} runs out"),
        Step::Doom(number) => format!("the servers end the session of peer {number}"),
        Step::Expire(number) => format!("peer {number} is away until it gives its session up"),
        Step::Reap(number) => format!("the servers end a session that peer {number} has given up"),
        Step::Delete(nth) => {
            let nodes = spec.nodes();
            let path = world.ground.deletable(&nodes).nth(nth.into()).unwrap_or_default();
            format!("an operator deletes {path}")
        }
        Step::Create(nth) => {
            let strangers = spec.strangers();
            let path = strangers.get(usize::from(nth)).map_or("", |stranger| &stranger.path);
            format!("an operator creates {path}")
        }
    }
}

/// How many of its requests a peer has still under way after the step that is about to happen.
pub(super) fn kept<S: Spec + ?Sized>(world: &World<S>, step: Step, peer: usize) -> usize {
    let own = &world.peers[peer];
    let is_own = |number: u8| usize::from(number) == peer;
    let ends = own.wire.front() == Some(&Letter::Expired);
    let kept = own.requests().count();
    match step {
        Step::Serve(number) if is_own(number) => kept.saturating_sub(1),
        Step::Deliver(number) if is_own(number) && ends => 0,
        Step::Expire(number) if is_own(number) => 0,
        Step::Cut(number, _) if is_own(number) && own.link != Link::Proving => 0,
        Step::Serve(_)
        | Step::Deliver(_)
        | Step::Tick(_)
        | Step::Resume(_)
        | Step::Renew(_)
        | Step::Wish(..)
        | Step::Cut(..)
        | Step::Lapse(_)
        | Step::Doom(_)
        | Step::Expire(_)
        | Step::Reap(_)
        | Step::Delete(_)
        | Step::Create(_) => kept,
    }
}

/// A request, by its name and its node.
pub(super) fn request(request: &Request) -> String {
    let name = request.opcode().name();
    match request.path() {
        Some(path) => format!("{name} {path}"),
        None => name.to_owned(),
    }
}

fn letter(letter: &Letter) -> String {
    match letter {
        Letter::Reply(_, Ok(answer), _) => reply(answer),
        Letter::Reply(_, Err(code), _) => refusal(*code),
        Letter::Event(event) => format!("the event {:?} {}", event.kind, event.path),
        Letter::Resumed => "that its session lives".into(),
        Letter::Expired => "that its session is over".into(),
    }
}

fn refusal(code: Code) -> String {
    format!("the refusal {code:?}")
}

/// A reply, with what recipes look at.
fn reply(reply: &Reply) -> String {
    let name = reply.opcode().name();
    if let Reply::Create(made) = reply {
        format!("the reply to {name}: {}", made.path)
    } else if let Reply::Create2(made) = reply {
        format!("the reply to {name}: {}", made.path)
    } else if let Reply::GetChildren2(found) = reply {
        format!("the reply to {name}: {:?}", found.children)
    } else {
        format!("the reply to {name}")
    }
}

/// The text with tokens cut short, which are 32 hexadecimal digits, perhaps with hyphens, and without the epoch that all
/// transactions have in common.
pub(super) fn short(text: &str) -> String {
    let mut shortened = String::new();
    let text = text.replace(&format!("{EPOCH:#x}"), "0x…");
    let mut rest = &*text;
    while let Some(char) = rest.chars().next() {
        let taken = token(rest).unwrap_or(0);
        if taken > 0 {
            shortened.extend(rest.chars().take(TOKEN_SHOWN).chain(['…']));
            rest = &rest[taken..];
        } else {
            shortened.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    shortened
}

/// The bytes of the token that the text begins with.
fn token(text: &str) -> Option<usize> {
    let is_part = |(_, byte): &(usize, u8)| byte.is_ascii_hexdigit() || *byte == b'-';
    let parts = text.bytes().enumerate().take_while(is_part);
    parts.filter(|(_, byte)| *byte != b'-').nth(TOKEN_LENGTH - 1).map(|(at, _)| at + 1)
}

/// Digits of a token.
const TOKEN_LENGTH: usize = 32;
/// Digits of it that tell one from another.
const TOKEN_SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_cut_short() {
        let plain = "ab12".repeat(8);
        assert_eq!(short(&format!("/l/{plain}__lock__0000000003!")), "/l/ab12…__lock__0000000003!");
        let hyphenated = "ab12ab12-ab12-ab12-ab12-ab12ab12ab12";
        assert_eq!(short(&format!("_c_{hyphenated}-lock-0000000003")), "_c_ab12…-lock-0000000003");
    }
}
