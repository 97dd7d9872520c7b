//! Releases beside the installed one, from the packages of Debian's neighbouring releases, unpacked and not installed.
//!
//! apt is asked with lists and a cache of its own, so that the machine's stay as they are. It checks the signature of the
//! archive and the hash of the package, as always.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::detect::{Installation, NotFound, Release};
use super::install::InstallError;

impl Installation {
    /// Finds a release, or fetches it from Debian's archive and unpacks it into the user's cache. Needs no root. The
    /// output of apt goes to standard error.
    ///
    /// # Errors
    ///
    /// [`InstallError`] says why it cannot be had this way: there may be no network, or the archive may not keep that
    /// release of Debian any more.
    pub fn install_release(release: Release) -> Result<Self, InstallError> {
        match Self::find_release(release) {
            Ok(found) => Ok(found),
            Err(NotFound::Release(..)) => {
                fetch(release, &Release::cache().ok_or(NotFound::NoHome)?)?;
                Ok(Self::find_release(release)?)
            }
            Err(missing) => Err(missing.into()),
        }
    }
}

/// Puts the jars of a release into a directory of the cache, all at once.
fn fetch(release: Release, cache: &Path) -> Result<(), InstallError> {
    fs::create_dir_all(cache)?;
    let work = tempfile::Builder::new().prefix("fetch-").tempdir_in(cache)?;
    let package = download(release, work.path())?;
    let unpacked = work.path().join("unpacked");
    run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&unpacked))?;
    let chosen = work.path().join("chosen");
    fs::create_dir(&chosen)?;
    for jar in release.jars() {
        // `zookeeper.jar` is a link to `zookeeper-3.9.3.jar`.
        let versioned = format!("{}-{}.jar", jar.trim_end_matches(".jar"), release.version());
        let jar_in_package = unpacked.join("usr/share/java").join(&versioned);
        if !jar_in_package.is_file() {
            return Err(InstallError::NotInPackage(versioned));
        }
        fs::copy(jar_in_package, chosen.join(jar))?;
    }
    let place = cache.join(release.version());
    // What is in its place is not whole, else it would have been found.
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    Ok(fs::rename(chosen, place)?)
}

/// The package of a release, in the directory `work`.
fn download(release: Release, work: &Path) -> Result<PathBuf, InstallError> {
    let archive = archive()?;
    let signed = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
    fs::write(work.join("sources.list"), format!("deb {signed}{archive} {} main\n", codename(release)))?;
    for directory in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(work.join(directory))?;
    }
    for arguments in [&["update"][..], &["download", "libzookeeper-java"]] {
        let mut command = Command::new("apt-get");
        for (name, value) in settings(work) {
            command.arg("-o").arg(format!("{name}={value}"));
        }
        run(command.arg("--quiet").args(arguments).current_dir(work))?;
    }
    let mut packages = fs::read_dir(work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.next().ok_or_else(|| InstallError::NotInPackage("libzookeeper-java".into()))
}

/// What makes apt look at our sources only, and know of no package that is installed.
fn settings(work: &Path) -> [(&'static str, String); 9] {
    let in_work = |name: &str| work.join(name).display().to_string();
    [
        ("Dir::Etc::SourceList", in_work("sources.list")),
        ("Dir::Etc::SourceParts", "/dev/null".into()),
        ("Dir::State::Lists", in_work("lists")),
        ("Dir::State::status", "/dev/null".into()),
        ("Dir::Cache", in_work("cache")),
        ("APT::Sandbox::User", String::new()),
        ("Acquire::Languages", "none".into()),
        ("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false".into()),
        ("Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled", "false".into()),
    ]
}

/// Where this machine gets Debian's main archive from.
fn archive() -> Result<String, InstallError> {
    let format = "$(CREATED_BY) $(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)";
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", format])
        .stdin(Stdio::null())
        .output()
        .map_err(InstallError::Run)?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("Packages Debian Debian main "))
        .map(str::to_owned)
        .ok_or(InstallError::NoArchive)
}

/// The release of Debian that has it.
const fn codename(release: Release) -> &'static str {
    match release {
        Release::V3_4 => "bullseye",
        Release::V3_9 => "trixie",
    }
}

/// The keys of Debian's archive, in which those of its neighbouring releases are, too.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

fn run(command: &mut Command) -> Result<(), InstallError> {
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status().map_err(InstallError::Run)?;
    if status.success() {
        return Ok(());
    }
    let words = command.get_args().map(|word| word.to_string_lossy());
    Err(InstallError::Apt { arguments: words.collect::<Vec<_>>().join(" "), status })
}
