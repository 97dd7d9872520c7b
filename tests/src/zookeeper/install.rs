//! Getting a ZooKeeper where there is none, by Debian's package manager.

use std::env;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

use super::detect::{Installation, NotFound, on_path};

impl Installation {
    /// Finds a ZooKeeper, or installs Debian's packages and finds that one. The output of apt goes to standard error.
    ///
    /// # Errors
    ///
    /// [`InstallError`] says why it cannot be had this way.
    pub fn install() -> Result<Self, InstallError> {
        let missing = match Self::find() {
            Ok(found) => return Ok(found),
            Err(misled @ (NotFound::Directory { .. } | NotFound::NoJars(_))) => return Err(misled.into()),
            Err(missing) => missing,
        };
        if on_path("apt-get", &env::var_os("PATH").unwrap_or_default()).is_none() {
            return Err(InstallError::NotDebian(missing));
        }
        if !rustix::process::geteuid().is_root() {
            return Err(InstallError::NotRoot(missing));
        }
        apt_get("update --quiet")?;
        apt_get("install --quiet --yes --no-install-recommends zookeeper default-jre-headless")?;
        Ok(Self::find()?)
    }
}

/// Why a ZooKeeper could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// Installing packages needs root. Install what is missing as root, or set `ZOOKEEPER_JARS`.
    #[error("only root can install packages; {0}")]
    NotRoot(NotFound),
    /// There is no `apt-get`: this is not a Debian. Set `ZOOKEEPER_JARS`.
    #[error("no apt-get on this machine; {0}")]
    NotDebian(NotFound),
    /// `apt-get` could not be run.
    #[error("apt-get cannot be run: {0}")]
    Run(io::Error),
    /// `apt-get` failed; its output says why.
    #[error("apt-get {arguments} failed ({status})")]
    Apt {
        /// What it was to do.
        arguments: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// apt reads no main archive of Debian, whose neighbouring release could be asked.
    #[error("apt knows no main archive of Debian on this machine")]
    NoArchive,
    /// What was fetched is not the package that was looked for.
    #[error("{0}: not in Debian's package any more")]
    NotInPackage(String),
    /// A file could not be written or moved.
    #[error("cannot unpack a package: {0}")]
    Io(#[from] io::Error),
    /// Packages do not help: `ZOOKEEPER_JARS` names the wrong directory, or they do not bring what is looked for.
    #[error(transparent)]
    NotFound(#[from] NotFound),
}

fn apt_get(arguments: &str) -> Result<(), InstallError> {
    let mut command = Command::new("apt-get");
    command.args(arguments.split(' ')).env("DEBIAN_FRONTEND", "noninteractive");
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status().map_err(InstallError::Run)?;
    if status.success() { Ok(()) } else { Err(InstallError::Apt { arguments: arguments.into(), status }) }
}
