//! One run of the server: the Java process, and the watchdog that ends it with us.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Becomes the program named by the arguments after the first, and leaves a watchdog behind that reads our end of a
/// pipe: a line tells it that all is well and it may go; the end of the pipe means that we are dead, whatever killed
/// us, and it kills the program and removes the directory named first.
const UNDER_WATCH: &str = r#"
directory=$1
shift
exec 3<&0 </dev/null
(
    exec >/dev/null 2>&1
    read -r _ <&3 && exit
    kill -9 $$
    sleep 0.2
    rm -rf -- "$directory"
) &
exec "$@" 3<&-
"#;

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    watchdog: Option<ChildStdin>,
}

impl Process {
    /// Runs `program` in `directory`, which goes with it should this process die.
    pub(crate) fn start(program: &Command, directory: &Path, log: File) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", UNDER_WATCH, "sh"])
            .arg(directory)
            .arg(program.get_program())
            .args(program.get_args());
        command.current_dir(directory).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C on the terminal is for us alone; the watchdog outlives it.
        command.process_group(0);
        let mut child = command.spawn()?;
        let watchdog = child.stdin.take();
        Ok(Self { child, watchdog })
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Stops it (SIGSTOP), and returns when it stands.
    pub(crate) fn pause(&self) -> io::Result<()> {
        kill_process(self.pid(), Signal::STOP)?;
        // To be left as it is: reaping is for `Child`.
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(self.pid()), options) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Lets it go on (SIGCONT).
    pub(crate) fn resume(&self) -> io::Result<()> {
        Ok(kill_process(self.pid(), Signal::CONT)?)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and its watchdog with it.
        let _ = self.child.kill();
        if let Some(mut watchdog) = self.watchdog.take() {
            let _ = watchdog.write_all(b"\n");
        }
        let _ = self.child.wait();
    }
}
