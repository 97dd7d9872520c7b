//! How a test server is set up.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Settings of a [`Server`](super::Server) that a test may care about; the rest is fixed for a fast start.
#[derive(Clone, Debug)]
pub struct Options {
    tick: Duration,
    port: Option<u16>,
    heap_mb: u32,
    users: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    properties: Vec<(String, String)>,
}

impl Options {
    /// A tick of 200 ms, a free port, a heap of 256 MB, nothing else.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tick: DEFAULT_TICK,
            port: None,
            heap_mb: DEFAULT_HEAP_MB,
            users: Vec::new(),
            settings: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// Sets the server's unit of time, in whole milliseconds: session timeouts are bounded by 2 and 20 ticks, and
    /// sessions expire at multiples of it.
    #[must_use]
    pub const fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Asks for this port; a start fails when it is taken.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the largest heap, in megabytes. 128 do for light traffic.
    #[must_use]
    pub const fn heap_mb(mut self, megabytes: u32) -> Self {
        self.heap_mb = megabytes;
        self
    }

    /// Lets clients log in by SASL (DIGEST-MD5) as this user; called again, as others, too. A double quote in either cannot
    /// be written into the file of the users.
    #[must_use]
    pub fn jaas(mut self, user: &str, password: &str) -> Self {
        assert!(
            ![user, password].iter().any(|text| text.contains(['"', '\\', '\n'])),
            "no JAAS file can say it"
        );
        self.users.push((user.into(), password.into()));
        self
    }

    /// Makes a server of an ensemble that has lost its quorum serve reads, to clients that accept this. From 3.7 on it
    /// grants no new sessions then, unless with [`Options::local_sessions`].
    #[must_use]
    pub fn read_only(self) -> Self {
        self.property("readonlymode.enabled", "true")
    }

    /// Makes new sessions local to their server until they own something (3.5 and later).
    #[must_use]
    pub fn local_sessions(self) -> Self {
        self.setting("localSessionsEnabled", "true").setting("localSessionsUpgradingEnabled", "true")
    }

    /// Adds a line `name=value` to `zoo.cfg`. A name the server does not know there becomes the Java property
    /// `zookeeper.NAME`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Sets a Java property, which is how the settings without the prefix `zookeeper.` are made, such as
    /// `znode.container.checkIntervalMs`.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    pub(crate) const fn fixed_port(&self) -> Option<u16> {
        self.port
    }

    /// The flags of Java for a server whose files are in `directory`.
    pub(super) fn java_flags(&self, directory: &Path) -> Vec<String> {
        let mut flags = vec![format!("-Xmx{}m", self.heap_mb)];
        flags.extend(JAVA_FLAGS.into_iter().map(String::from));
        if !self.users.is_empty() {
            flags.push(format!("-Djava.security.auth.login.config={}", directory.join(JAAS_FILE).display()));
            flags.push(format!("-Dzookeeper.authProvider.1={SASL_PROVIDER}"));
        }
        flags.extend(self.properties.iter().map(|(name, value)| format!("-D{name}={value}")));
        flags
    }

    /// The files besides `zoo.cfg` that the options need: names and texts.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, String)> {
        (!self.users.is_empty()).then(|| (JAAS_FILE, self.logins())).into_iter()
    }

    /// The text of the file of users.
    fn logins(&self) -> String {
        let mut text = format!("Server {{\n  {LOGIN_MODULE} required");
        for (user, password) in &self.users {
            write!(text, "\n  user_{user}=\"{password}\"").expect("a String takes every write");
        }
        text.push_str(";\n};\n");
        text
    }

    /// The text of `zoo.cfg`.
    pub(super) fn config(&self, port: u16, data: &Path) -> String {
        let mut text = String::from(FIXED_SETTINGS);
        let own = [("tickTime", self.tick.as_millis().to_string()), ("clientPort", port.to_string())];
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let asked = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain([("dataDir", &*data.to_string_lossy())]).chain(asked) {
            writeln!(text, "{name}={value}").expect("a String takes every write");
        }
        text
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Allows session timeouts from 400 ms to 4 s: tests of expiry stay short.
const DEFAULT_TICK: Duration = Duration::from_millis(200);

/// Under the load of a test a server with less stops for its garbage.
const DEFAULT_HEAP_MB: u32 = 256;

const JAAS_FILE: &str = "jaas.conf";
const SASL_PROVIDER: &str = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider";
const LOGIN_MODULE: &str = "org.apache.zookeeper.server.auth.DigestLoginModule";

/// The quick compiler only, and no file outside of the server's directory.
const JAVA_FLAGS: [&str; 5] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
];

/// Loopback only, no HTTP port, no fsync (a killed process loses nothing by that), small log files, and everything a
/// test may ask for switched on.
const FIXED_SETTINGS: &str = "\
clientPortAddress=127.0.0.1
admin.enableServer=false
forceSync=no
preAllocSize=1024
4lw.commands.whitelist=*
maxClientCnxns=0
extendedTypesEnabled=true
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_names_what_was_asked() {
        let options = Options::new().tick(Duration::from_millis(50)).setting("maxSessionTimeout", "60000");
        let config = options.config(12345, Path::new("/data"));
        for line in
            ["tickTime=50", "clientPort=12345", "dataDir=/data", "maxSessionTimeout=60000", "forceSync=no"]
        {
            assert!(config.lines().any(|other| other == line), "no {line} in\n{config}");
        }
    }

    #[test]
    fn properties_follow_the_flags() {
        let flags = Options::new().heap_mb(128).property("a.b", "c").java_flags(Path::new("/data"));
        assert_eq!(flags.first().map(String::as_str), Some("-Xmx128m"));
        assert_eq!(flags.last().map(String::as_str), Some("-Da.b=c"));
    }

    #[test]
    fn users_are_written_where_java_looks() {
        let options = Options::new().jaas("bob", "bobsecret").jaas("eve", "x");
        let flags = options.java_flags(Path::new("/data"));
        assert!(flags.contains(&"-Djava.security.auth.login.config=/data/jaas.conf".to_owned()), "{flags:?}");
        let files: Vec<_> = options.files().collect();
        let text = "Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n  user_bob=\"bobsecret\"\n  \
                    user_eve=\"x\";\n};\n";
        assert_eq!(files, [("jaas.conf", text.to_owned())]);
        assert_eq!(Options::new().files().count(), 0);
    }
}
