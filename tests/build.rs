//! Sets `cfg(zookeeper)` when this machine has a ZooKeeper, by the rules the tests themselves find it by.
//!
//! Tests that need one are ignored without it, with the reason; see the crate's documentation.

#[allow(unreachable_pub, reason = "the crate exports what a build script only uses")]
#[path = "src/zookeeper/detect.rs"]
mod detect;

/// Changes with every package that apt installs or removes.
const PACKAGES: &str = "/var/lib/dpkg/status";

fn main() -> std::io::Result<()> {
    use std::io::Write as _;

    let mut cargo = std::io::stdout().lock();
    writeln!(cargo, "cargo::rustc-check-cfg=cfg(zookeeper)")?;
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    writeln!(cargo, "cargo::rerun-if-changed=src/zookeeper/detect.rs")?;
    writeln!(cargo, "cargo::rerun-if-env-changed={}", detect::JARS_VARIABLE)?;
    writeln!(cargo, "cargo::rerun-if-env-changed=PATH")?;
    match detect::Installation::find() {
        Ok(found) => {
            writeln!(cargo, "cargo::rustc-cfg=zookeeper")?;
            for file in std::iter::once(found.java()).chain(found.class_path()) {
                writeln!(cargo, "cargo::rerun-if-changed={}", file.display())?;
            }
        }
        // A missing file would make cargo run this at every build.
        Err(_) if std::path::Path::new(PACKAGES).exists() => {
            writeln!(cargo, "cargo::rerun-if-changed={PACKAGES}")?;
        }
        Err(_) => {}
    }
    Ok(())
}
