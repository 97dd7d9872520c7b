//! Random requests: every operation that is safe, good and bad arguments, and what only a broken client would send.

use crate::driver::Plan;
use crate::driver::frame::Body;

/// Numbers that follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("u64 holds a usize");
        usize::try_from(self.roll() % bound).expect("it is below a usize")
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// What to do next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Send a request with this opcode. With `seen`, the zxid of the sequence's write of that number stands before the
    /// body.
    Ask { opcode: i32, seen: Option<i64>, body: Body },
    /// Cut the connection and go on with the session on another.
    Reconnect,
    /// Cut the connection. Nothing is asked until the session goes on.
    Cut,
    /// Go on with the session on a new connection.
    Renew,
    /// Take the session to another connection while the one it has is open.
    TakeOver,
    /// Name the session on another connection, with a wrong password.
    Impostor,
    /// Name the session on another connection, as one who has seen more than there is.
    Ahead,
    /// Send all of these requests, and then hear the answers.
    Batch(Vec<Self>),
}

/// Makes the requests of one sequence below a node of its own.
#[derive(Clone, Debug)]
pub(crate) struct Grammar {
    pub(crate) dice: Dice,
    root: String,
    /// Paths that were answered by creates.
    pub(crate) created: Vec<String>,
    quotas: bool,
    pub(crate) is_pipelined: bool,
    /// Whether the node of the configuration is the server's, which no sequence can create or delete.
    has_config_node: bool,
}

const NAMES: [&str; 3] = ["a", "b", "n-"];
/// What comes after the root of the sequence, or, if it starts with `=`, stands for itself.
const BAD: [&str; 20] = [
    "=",
    "=/",
    "=a",
    "=a/b",
    "=/zookeeper",
    "=/zookeeper/quota",
    "=/zookeeper/config",
    "/",
    "//x",
    "/.",
    "/..",
    "/x/../y",
    "/a/",
    "/\0",
    "/a\u{1}",
    "/\u{7f}",
    "/\u{f8ff}",
    "/\u{fffd}",
    "/\u{1f600}",
    "/missing/x",
];

/// What stands in the nodes of quotas.
const QUOTAS: [&str; 7] = [
    "",
    "count=3,bytes=20",
    "count=-1,bytes=-1",
    "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=3",
    "count=-1,bytes=-1=;countHardLimit=2",
    "count=5,bytes=7=;byteHardLimit=30",
    "bytes=1,count=2",
];

impl Grammar {
    pub(crate) fn new(seed: u64, root: &str, plan: &Plan) -> Self {
        Self {
            dice: Dice::new(seed),
            root: root.into(),
            created: vec![root.into()],
            quotas: plan.quotas,
            is_pipelined: plan.is_pipelined,
            has_config_node: plan.config.quirks.has_config_node,
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        if self.dice.one_in(60) {
            return Step::Reconnect;
        }
        let (opcode, mut body) = match self.dice.below(100) {
            0..=27 => self.create(),
            28..=35 => (2, self.delete()),
            36..=45 => (5, self.set_data()),
            46..=60 => self.read(),
            61..=64 => (7, self.set_acl()),
            65..=76 => self.multi(),
            77..=89 => return self.watch(),
            90..=92 => (100, self.auth()),
            _ => self.other(),
        };
        // A body that is cut short. What is left of a createTTL might be taken for something else.
        if opcode != 21 && opcode != 14 && self.dice.one_in(50) {
            let length = self.dice.below(body.0.len().max(1));
            body.0.truncate(length);
        }
        Step::Ask { opcode, seen: None, body }
    }

    fn path(&mut self) -> String {
        if self.quotas && self.dice.one_in(4) {
            return self.quota_path();
        }
        match self.dice.below(20) {
            0 => match self.dice.pick(&BAD) {
                "=/zookeeper/config" if !self.has_config_node => "/zookeeper".into(),
                "=/zookeeper/quota" if self.quotas => "/zookeeper".into(),
                bad if bad.starts_with('=') => bad[1..].into(),
                bad => format!("{}{bad}", self.root),
            },
            1..=9 => {
                let at = self.dice.below(self.created.len());
                self.created[at].clone()
            }
            _ => {
                let mut path = self.root.clone();
                for _ in 0..=self.dice.below(3) {
                    path = format!("{path}/{}", self.dice.pick(&NAMES));
                }
                path
            }
        }
    }

    /// Whether the server knows containers, times to live and watches that last.
    pub(crate) const fn is_modern(&self) -> bool {
        self.has_config_node
    }

    /// What makes a quota of the root of the sequence: paths and data of the nodes.
    pub(crate) fn quota(&mut self) -> Vec<(String, &'static str)> {
        if !self.quotas {
            return vec![];
        }
        let top = self.root.rsplit_once('/').map_or("", |(top, _)| top);
        let mut nodes: Vec<_> =
            [top, &self.root].map(|path| (format!("/zookeeper/quota{path}"), "")).into_iter().collect();
        for name in ["limits", "stats"] {
            nodes.push((format!("/zookeeper/quota{}/zookeeper_{name}", self.root), self.dice.pick(&QUOTAS)));
        }
        nodes
    }

    /// A path of which there is a quota, or one that belongs to it.
    fn quota_path(&mut self) -> String {
        let below = self.dice.pick(&["", "", "/a", "/b", "/a/b"]);
        let name = self.dice.pick(&[
            "",
            "/zookeeper_limits",
            "/zookeeper_limits",
            "/zookeeper_stats",
            "/zookeeper_stats",
        ]);
        format!("/zookeeper/quota{}{below}{name}", self.root)
    }

    fn version(&mut self) -> i32 {
        self.dice.pick(&[-1, -1, -1, 0, 0, 1, 2, 7, i32::MIN])
    }

    fn data(&mut self, path: &str, body: Body) -> Body {
        // A server that cannot read these is broken for good.
        if path.ends_with("/zookeeper_limits") || path.ends_with("/zookeeper_stats") {
            return body.text(self.dice.pick(&QUOTAS));
        }
        match self.dice.below(8) {
            0 => body.bytes(None),
            1 => body.bytes(Some(&[])),
            _ => {
                let length = self.dice.below(20);
                body.bytes(Some(&vec![7; length]))
            }
        }
    }

    fn acl(&mut self, body: Body) -> Body {
        if self.dice.below(10) < 7 {
            return body.int(1).int(31).text("world").text("anyone");
        }
        if self.dice.one_in(12) {
            return body.int(-1);
        }
        let count = self.dice.below(4);
        let mut body = body.int(i32::try_from(count).expect("it is small"));
        for _ in 0..count {
            let (scheme, id) = self.dice.pick(&[
                ("world", "anyone"),
                ("world", "anyone"),
                ("world", "me"),
                ("auth", ""),
                ("auth", "x"),
                ("digest", "u:GJPTLSFf8vO8cSYDGJIcdmuPPi8="),
                ("digest", "v:x"),
                ("digest", "bad"),
                ("digest", "a:b:"),
                ("ip", "127.0.0.1"),
                ("ip", "127.0.0.0/8"),
                ("ip", "10.0.0.1"),
                ("ip", "127.1"),
                ("sasl", "x"),
                ("super", ""),
                ("", ""),
            ]);
            body = body.int(self.dice.pick(&[31, 31, 31, 1, 2, 4, 8, 16, 0, 27, 15]));
            body = if self.dice.one_in(60) { body.bytes(None) } else { body.text(scheme) };
            body = if self.dice.one_in(60) { body.bytes(None) } else { body.text(id) };
        }
        body
    }

    fn create(&mut self) -> (i32, Body) {
        let opcode = self.dice.pick(&[1, 1, 1, 1, 15, 15, 15, 19, 21]);
        (opcode, self.create_body(opcode))
    }

    fn create_body(&mut self, opcode: i32) -> Body {
        let mut path = self.path();
        let flags = match opcode {
            19 => self.dice.pick(&[4, 4, 4, 0, 2, 9]),
            21 => self.dice.pick(&[5, 6]),
            _ => self.dice.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, -1]),
        };
        // Beside the nodes of the server, a new one would be seen by other sequences.
        let is_shared = ["", "/"].contains(&&*path) || path.starts_with("/zookeeper");
        if [2, 3, 6].contains(&flags) && is_shared {
            path.clone_from(&self.root);
        }
        if [2, 3, 6].contains(&flags) && self.dice.one_in(4) {
            path.push('/');
        }
        let body = Body::default().text(&path);
        let body = self.data(&path, body);
        let body = self.acl(body).int(flags);
        if opcode == 21 { body.long(self.dice.pick(&[3_600_000, (1 << 40) - 1])) } else { body }
    }

    fn delete(&mut self) -> Body {
        Body::default().text(&self.path()).int(self.version())
    }

    fn set_data(&mut self) -> Body {
        let (path, version) = (self.path(), self.version());
        // The root belongs to all sequences.
        let version = if ["", "/", "/zookeeper"].contains(&&*path) { 77 } else { version };
        let is_shared = path.starts_with("/zookeeper") && !path.starts_with("/zookeeper/quota/");
        let version = if is_shared { 77 } else { version };
        let body = Body::default().text(&path);
        self.data(&path, body).int(version)
    }

    fn set_acl(&mut self) -> Body {
        let path = self.path();
        let quota = path.starts_with("/zookeeper/quota/");
        let shared = path == "/" || (path.starts_with("/zookeeper") && !quota);
        let version = if shared { 77 } else { self.version() };
        self.acl(Body::default().text(&path)).int(version)
    }

    fn read(&mut self) -> (i32, Body) {
        let opcode = self.dice.pick(&[3, 3, 4, 4, 6, 8, 12, 104]);
        let mut path = self.own_path();
        // All of what is below is counted, the quotas of other sequences, too.
        if opcode == 104 && path == "/zookeeper" {
            path.clone_from(&self.root);
        }
        let body = Body::default().text(&path);
        (opcode, if [6, 104].contains(&opcode) { body } else { body.bool(self.dice.one_in(2)) })
    }

    /// A path whose node no other sequence changes.
    fn own_path(&mut self) -> String {
        Some(self.path()).filter(|path| !["", "/"].contains(&&**path)).unwrap_or_else(|| self.root.clone())
    }

    fn multi(&mut self) -> (i32, Body) {
        let is_read = self.dice.one_in(5);
        let mut body = Body::default();
        for _ in 0..self.dice.below(5) {
            let opcode = match self.dice.below(60) {
                0 => self.dice.pick(&[3, 4, 8, 7, 99]),
                _ if is_read => self.dice.pick(&[4, 8]),
                _ => self.dice.pick(&[1, 1, 1, 15, 19, 21, 2, 2, 5, 5, 5, 13, 13]),
            };
            body = body.int(opcode).bool(false).int(-1);
            let item = match opcode {
                1 | 15 | 19 | 21 => self.create_body(opcode),
                5 => self.set_data(),
                2 | 13 => self.delete(),
                _ => Body::default().text(&self.own_path()).bool(self.dice.one_in(2)),
            };
            body.0.extend(item.0);
        }
        if !self.dice.one_in(60) {
            body = body.int(self.dice.pick(&[-1, -1, 1])).bool(true).int(-1);
        }
        (if is_read { 22 } else { 14 }, body)
    }

    fn watch(&mut self) -> Step {
        let ask = |opcode, body| Step::Ask { opcode, seen: None, body };
        let path = if self.dice.one_in(12) { "/".into() } else { self.path() };
        let kind = self.dice.pick(&[1, 2, 3, 3, 3, 4, 5, 0]);
        match self.dice.below(10) {
            0..=4 => ask(106, Body::default().text(&path).int(self.dice.pick(&[0, 0, 0, 1, 1, 1, 2]))),
            5 => ask(17, Body::default().text(&path).int(kind)),
            6 | 7 => ask(18, Body::default().text(&path).int(kind)),
            _ => {
                let lists = if self.dice.one_in(2) { 3 } else { 5 };
                let mut body = Body::default();
                for _ in 0..lists {
                    let paths: Vec<_> = (0..self.dice.below(3)).map(|_| self.path()).collect();
                    body = body.texts(&paths);
                }
                let seen = i64::try_from(self.dice.below(30)).expect("it is small");
                Step::Ask { opcode: if lists == 3 { 101 } else { 105 }, seen: Some(seen), body }
            }
        }
    }

    fn auth(&mut self) -> Body {
        let (scheme, credentials) = self.dice.pick(&[
            ("digest", "u:p"),
            ("digest", "v:q"),
            ("digest", "u:p"),
            ("digest", "nothing"),
            ("ip", ""),
            ("world", "anyone"),
            ("super", ""),
        ]);
        Body::default().int(0).text(scheme).text(credentials)
    }

    fn other(&mut self) -> (i32, Body) {
        let path = self.path();
        match self.dice.below(14) {
            0 | 1 => (9, Body::default().text(&path)),
            2 => (9, Body::default().bytes(None)),
            3 | 4 => (11, Body::default()),
            5 | 6 => (107, Body::default()),
            7 => (103, Body::default().bytes(None)),
            8 => (103, Body::default().text(self.dice.pick(&["", "/", " / ", "x"]))),
            9 | 10 => (103, Body::default().text(&path)),
            11 => (102, Body::default().bytes(Some(&[]))),
            12 => (16, Body::default().bytes(None).bytes(None).bytes(None).long(-1)),
            _ => (self.dice.pick(&[0, 10, 23, 99, 108, -1, i32::MAX]), Body::default()),
        }
    }
}
