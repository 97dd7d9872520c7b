//! How a test server is set up.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Settings of a [`Server`](super::Server) that a test may care about; the rest is fixed for a fast start.
#[derive(Clone, Debug)]
pub struct Options {
    tick: Duration,
    port: Option<u16>,
    settings: Vec<(String, String)>,
    properties: Vec<(String, String)>,
}

impl Options {
    /// A tick of 200 ms, a free port, nothing else.
    #[must_use]
    pub const fn new() -> Self {
        Self { tick: DEFAULT_TICK, port: None, settings: Vec::new(), properties: Vec::new() }
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

    pub(super) const fn fixed_port(&self) -> Option<u16> {
        self.port
    }

    pub(super) fn java_flags(&self) -> impl Iterator<Item = String> {
        let properties = self.properties.iter().map(|(name, value)| format!("-D{name}={value}"));
        JAVA_FLAGS.into_iter().map(String::from).chain(properties)
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

/// A small heap, the quick compiler only, and no file outside of the server's directory.
const JAVA_FLAGS: [&str; 6] = [
    "-Xmx256m",
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
        let flags: Vec<_> = Options::new().property("a.b", "c").java_flags().collect();
        assert_eq!(flags.last().map(String::as_str), Some("-Da.b=c"));
    }
}
