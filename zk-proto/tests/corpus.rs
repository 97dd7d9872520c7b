//! The fuzz targets hold over their committed corpus, and over every recorded frame.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/targets.rs"]
mod targets;

type Target = fn(&[u8]);

/// The targets by the names of their directories.
const TARGETS: [(&str, Target); 10] = [
    ("deframer", targets::deframer),
    ("request", targets::request),
    ("reply", targets::reply),
    ("handshake", targets::handshake),
    ("values", targets::values),
    ("connect_string", targets::connect_string),
    ("path", targets::path),
    ("acl", targets::acl),
    ("challenge", targets::challenge),
    ("words", targets::words),
];

#[test]
fn every_target_holds_over_its_corpus() {
    for (name, target) in TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let mut files = 0;
        for entry in fs::read_dir(&directory).expect("the directory is there") {
            let data = fs::read(entry.expect("an entry").path()).expect("the file can be read");
            targets::capped(&data, target);
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
    }
}

#[test]
fn every_target_holds_over_everything_short() {
    for (_, target) in TARGETS {
        targets::capped(&[], target);
        for byte in 0..=u8::MAX {
            targets::capped(&[byte], target);
            targets::capped(&[byte; 64], target);
            targets::capped(&[0, 0, 0, byte], target);
        }
    }
}
