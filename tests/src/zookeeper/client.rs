//! ZooKeeper's own command line client: another opinion on what a server holds.

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use super::Installation;
use super::start::class_path;

impl Installation {
    /// Runs one command of `zkCli`, such as `get -s /path`, against a server. Takes about a second.
    ///
    /// Its standard output begins with some lines about the connection.
    ///
    /// # Errors
    ///
    /// When Java cannot be run. That the server said no is found in the status and the standard error.
    pub fn client(&self, server: SocketAddr, words: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(self.java());
        command.args(["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp"]);
        command
            .arg(class_path(None, self))
            .arg(CLIENT_CLASS)
            .arg("-server")
            .arg(server.to_string())
            .args(words);
        command.stdin(Stdio::null()).output()
    }
}

const CLIENT_CLASS: &str = "org.apache.zookeeper.ZooKeeperMain";
