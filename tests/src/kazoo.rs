//! Finding Kazoo, the Python client, for the tests that share something with it.
//!
//! The build script includes this file, too: it sets `cfg(kazoo)` when there is one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a Python may be that has it: the one on the path, and Debian's, which need not be the same.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];

/// The Python that can import Kazoo, if there is one. Debian's package is `python3-kazoo`, PyPI's `kazoo`.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let imports = |python: &str| {
        let mut command = Command::new(python);
        command.args(["-c", "import kazoo.client"]).stdin(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    PYTHONS.into_iter().find(|python| imports(python)).map(PathBuf::from)
}
