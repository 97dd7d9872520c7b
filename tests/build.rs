//! Sets `cfg(zookeeper)`, `cfg(zookeeper_3_4)`, `cfg(zookeeper_3_9)`, `cfg(javac)` and `cfg(kazoo)` when this machine has them, by the rules the tests themselves find them by.
//!
//! Tests that need one are ignored without it, with the reason; see the crate's documentation.

#[allow(unreachable_pub, reason = "the crate exports what a build script only uses")]
#[path = "src/zookeeper/detect.rs"]
mod detect;
#[allow(unreachable_pub, reason = "the crate exports what a build script only uses")]
#[path = "src/kazoo.rs"]
mod kazoo;

/// Changes with every package that apt installs or removes.
const PACKAGES: &str = "/var/lib/dpkg/status";

fn main() -> std::io::Result<()> {
    use std::io::Write as _;

    let mut cargo = std::io::stdout().lock();
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(zookeeper)")?;
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(zookeeper_3_4)")?;
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(zookeeper_3_9)")?;
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(javac)")?;
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(kazoo)")?;
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    writeln!(cargo, "cargo::rerun-if-changed=src/zookeeper/detect.rs")?;
    writeln!(cargo, "cargo::rerun-if-env-changed={}", detect::JARS_VARIABLE)?;
    writeln!(cargo, "cargo::rerun-if-env-changed=PATH")?;
    writeln!(cargo, "cargo::rerun-if-changed=src/kazoo.rs")?;
    if std::path::Path::new(PACKAGES).exists() {
        writeln!(cargo, "cargo::rerun-if-changed={PACKAGES}")?;
    }
    if detect::on_path("javac", &std::env::var_os("PATH").unwrap_or_default()).is_some() {
        writeln!(cargo, "cargo::rustc-cfg=javac")?;
    }
    if kazoo::python().is_some() {
        writeln!(cargo, "cargo::rustc-cfg=kazoo")?;
    }
    // Files that are missing are not named: they would make cargo run this at every build.
    if let Ok(found) = detect::Installation::find() {
        writeln!(cargo, "cargo::rustc-cfg=zookeeper")?;
        for file in std::iter::once(found.java()).chain(found.class_path()) {
            writeln!(cargo, "cargo::rerun-if-changed={}", file.display())?;
        }
    }
    for release in detect::Release::ALL {
        let name = match release {
            detect::Release::V3_4 => "zookeeper_3_4",
            detect::Release::V3_9 => "zookeeper_3_9",
        };
        if detect::Installation::find_release(release).is_ok() {
            writeln!(cargo, "cargo::rustc-cfg={name}")?;
        }
    }
    // It is made even when there is nothing to put into it, so that what is put there later is noticed.
    if let Some(cache) = detect::Release::cache().filter(|cache| std::fs::create_dir_all(cache).is_ok()) {
        writeln!(cargo, "cargo::rerun-if-changed={}", cache.display())?;
    }
    Ok(())
}
