//! Where this machine keeps a ZooKeeper and a Java to run it.
//!
//! Shared with the build script, hence without the rest of the crate. It runs nothing and changes nothing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The environment variable that names a directory of jars, such as the `lib` of an Apache release.
pub const JARS_VARIABLE: &str = "ZOOKEEPER_JARS";

/// The jars of Debian's `libzookeeper-java`: the manifest of the first names all it needs but a logger.
const DEBIAN_JARS: [&str; 2] = ["/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar"];

/// A ZooKeeper that can be run on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    java: PathBuf,
    class_path: Vec<PathBuf>,
}

impl Installation {
    /// Finds `java` on the `PATH`, and the jars in the directory `ZOOKEEPER_JARS`, or without that variable where
    /// Debian installs them.
    ///
    /// # Errors
    ///
    /// [`NotFound`] says what is missing and how to get it.
    pub fn find() -> Result<Self, NotFound> {
        Self::find_in(env::var_os(JARS_VARIABLE), env::var_os("PATH"))
    }

    fn find_in(jars: Option<OsString>, path: Option<OsString>) -> Result<Self, NotFound> {
        let class_path = match jars {
            Some(directory) => jars_in(PathBuf::from(directory))?,
            None => debian_jars()?,
        };
        let java = on_path("java", &path.unwrap_or_default()).ok_or(NotFound::Java)?;
        Ok(Self { java, class_path })
    }

    /// Finds another release than the installed one: where [`Installation::install_release`] has put it. It runs on the
    /// jars that Debian's package has brought for the installed one, and on the same `java`.
    ///
    /// # Errors
    ///
    /// [`NotFound`] says what is missing and how to get it.
    pub fn find_release(release: Release) -> Result<Self, NotFound> {
        Self::release_in(release, Release::cache().as_deref(), env::var_os("PATH"))
    }

    fn release_in(release: Release, cache: Option<&Path>, path: Option<OsString>) -> Result<Self, NotFound> {
        let directory = cache.ok_or(NotFound::NoHome)?.join(release.version());
        let theirs = release.jars().iter().map(|jar| directory.join(jar));
        let class_path: Vec<_> = theirs.chain(release.borrowed_jars().iter().map(PathBuf::from)).collect();
        if let Some(missing) = class_path.iter().find(|jar| !jar.is_file()) {
            return Err(NotFound::Release(release, missing.clone()));
        }
        let java = on_path("java", &path.unwrap_or_default()).ok_or(NotFound::Java)?;
        Ok(Self { java, class_path })
    }

    /// The Java runtime.
    #[must_use]
    pub fn java(&self) -> &Path {
        &self.java
    }

    /// The jars, in the order of the class path.
    pub fn class_path(&self) -> impl Iterator<Item = &Path> {
        self.class_path.iter().map(PathBuf::as_path)
    }
}

/// A release that tests may ask for beside the one that is installed: what Debian 11 and 13 have, where Debian 12 has
/// 3.8.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 3.4.13, of Debian 11.
    V3_4,
    /// 3.9.3, of Debian 13.
    V3_9,
}

impl Release {
    /// All of them, oldest first.
    pub const ALL: [Self; 2] = [Self::V3_4, Self::V3_9];

    /// The version as the server tells it.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V3_4 => "3.4.13",
            Self::V3_9 => "3.9.3",
        }
    }

    /// Where releases are unpacked: the directory `zk-tests` of the user's cache, which outlives a `cargo clean`. Nothing
    /// when the environment does not say where the cache is.
    #[must_use]
    pub fn cache() -> Option<PathBuf> {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
        Some(caches.join("zk-tests"))
    }

    /// Its own jars. The manifest of 3.9.3 names the jute of the installed release; Java takes what comes first.
    pub(super) const fn jars(self) -> &'static [&'static str] {
        match self {
            Self::V3_4 => &["zookeeper.jar"],
            Self::V3_9 => &["zookeeper-jute.jar", "zookeeper.jar"],
        }
    }

    /// What it needs of the installed release's jars and does not name in its manifest.
    const fn borrowed_jars(self) -> &'static [&'static str] {
        match self {
            Self::V3_4 => &[
                "/usr/share/java/slf4j-api.jar",
                "/usr/share/java/slf4j-simple.jar",
                "/usr/share/java/log4j-1.2.jar",
            ],
            Self::V3_9 => &["/usr/share/java/slf4j-simple.jar"],
        }
    }
}

/// What is missing for a ZooKeeper, and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// No executable file `java` is on the `PATH`.
    #[error("no `java` on the PATH: install a Java runtime (Debian: apt-get install default-jre-headless)")]
    Java,
    /// A jar that Debian's package brings is not there, and `ZOOKEEPER_JARS` is not set.
    #[error(
        "no {}: install Debian's packages (apt-get install zookeeper), or set {JARS_VARIABLE} to a directory of jars \
         (the `lib` of an Apache release)",
        .0.display()
    )]
    Package(PathBuf),
    /// A jar of a release beside the installed one is not there.
    #[error(
        "no {} for ZooKeeper {}: cargo run -p zk-tests --bin zookeeper -- install",
        .1.display(),
        .0.version()
    )]
    Release(Release, PathBuf),
    /// Neither `XDG_CACHE_HOME` nor `HOME` says where the user's cache is.
    #[error("neither XDG_CACHE_HOME nor HOME is set, so that there is no place for other releases")]
    NoHome,
    /// The directory of `ZOOKEEPER_JARS` cannot be read.
    #[error("{JARS_VARIABLE}={}: {error}; set it to the `lib` of an Apache release, or unset it", directory.display())]
    Directory {
        /// The directory named.
        directory: PathBuf,
        /// Why it cannot be read.
        error: io::Error,
    },
    /// The directory of `ZOOKEEPER_JARS` holds no jar of ZooKeeper's.
    #[error("{JARS_VARIABLE}={} holds no zookeeper*.jar; an Apache release keeps its jars in `lib`", .0.display())]
    NoJars(PathBuf),
}

fn debian_jars() -> Result<Vec<PathBuf>, NotFound> {
    let jars = DEBIAN_JARS.map(PathBuf::from);
    match jars.iter().find(|jar| !jar.is_file()) {
        None => Ok(jars.into()),
        Some(missing) => Err(NotFound::Package(missing.clone())),
    }
}

fn jars_in(directory: PathBuf) -> Result<Vec<PathBuf>, NotFound> {
    let entries = fs::read_dir(&directory)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(|error| NotFound::Directory { directory: directory.clone(), error })?;
    let mut jars: Vec<_> =
        entries.into_iter().map(|entry| entry.path()).filter(|file| is_jar(file)).collect();
    jars.sort();
    if jars
        .iter()
        .any(|jar| jar.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"zookeeper")))
    {
        Ok(jars)
    } else {
        Err(NotFound::NoJars(directory))
    }
}

fn is_jar(file: &Path) -> bool {
    file.extension() == Some(OsStr::new("jar")) && file.is_file()
}

/// The first executable file `name` in the directories of `path`.
pub(super) fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;

    env::split_paths(path).map(|directory| directory.join(name)).find(|file| {
        fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java_in(directory: &Path, mode: u32) -> OsString {
        use std::os::unix::fs::PermissionsExt as _;
        let java = directory.join("java");
        fs::write(&java, "").unwrap();
        fs::set_permissions(&java, fs::Permissions::from_mode(mode)).unwrap();
        directory.into()
    }

    fn with_jars(names: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(directory.path().join(name), "").unwrap();
        }
        directory
    }

    #[test]
    fn all_jars_of_a_named_directory_are_the_class_path() {
        let jars = with_jars(&["zookeeper-3.9.3.jar", "netty.jar", "README.md"]);
        let found =
            Installation::find_in(Some(jars.path().into()), Some(java_in(jars.path(), 0o755))).unwrap();
        assert_eq!(found.java(), jars.path().join("java"));
        let names: Vec<_> =
            found.class_path().map(|jar| jar.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["netty.jar", "zookeeper-3.9.3.jar"]);
    }

    #[test]
    fn a_named_directory_that_is_not_there_is_not_replaced_by_debians() {
        let error = Installation::find_in(Some("/nonexistent".into()), env::var_os("PATH")).unwrap_err();
        assert!(matches!(error, NotFound::Directory { .. }), "{error}");
        assert!(error.to_string().starts_with("ZOOKEEPER_JARS=/nonexistent: "), "{error}");
    }

    #[test]
    fn jars_of_others_are_not_enough() {
        let jars = with_jars(&["netty.jar", "zookeeper.txt"]);
        let error = Installation::find_in(Some(jars.path().into()), env::var_os("PATH")).unwrap_err();
        assert!(matches!(error, NotFound::NoJars(_)), "{error}");
    }

    #[test]
    fn java_must_be_on_the_path_and_executable() {
        let jars = with_jars(&["zookeeper.jar"]);
        let plain_file = java_in(jars.path(), 0o644);
        for path in [None, Some("".into()), Some("/nonexistent".into()), Some(plain_file)] {
            let error = Installation::find_in(Some(jars.path().into()), path).unwrap_err();
            assert!(matches!(error, NotFound::Java), "{error}");
        }
    }

    #[test]
    fn a_release_is_taken_from_the_cache_with_its_own_jute_first() {
        let cache = tempfile::tempdir().unwrap();
        let find = || Installation::release_in(Release::V3_9, Some(cache.path()), env::var_os("PATH"));
        let error = find().unwrap_err();
        assert!(matches!(error, NotFound::Release(Release::V3_9, _)), "{error}");
        let directory = cache.path().join("3.9.3");
        fs::create_dir(&directory).unwrap();
        for jar in ["zookeeper.jar", "zookeeper-jute.jar"] {
            fs::write(directory.join(jar), "").unwrap();
        }
        match find() {
            Ok(found) => assert_eq!(found.class_path().next(), Some(&*directory.join("zookeeper-jute.jar"))),
            // A machine without Debian's jars or Java.
            Err(NotFound::Java) => {}
            Err(NotFound::Release(_, missing)) => assert!(missing.starts_with("/usr/share/java")),
            Err(error) => panic!("{error}"),
        }
    }
}
