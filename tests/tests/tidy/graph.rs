//! The arrows of the crate graph: which crate may use which.

use crate::ENGINE;
use crate::source::{Source, words};

/// For each crate of ours, the crates of ours it may depend on.
const ARROWS: [(&str, &[&str]); 6] = [
    ("zk-proto", &[]),
    ("zk-session", &["zk-proto"]),
    ("zk-recipes", &["zk-session"]),
    ("zk-sim", &["zk-proto", "zk-session", "zk-recipes"]),
    ("zk-tokio", &["zk-proto", "zk-session", "zk-recipes"]),
    ("zk-std", &["zk-proto", "zk-session", "zk-recipes"]),
];

/// All that an engine crate takes from others. Another one is a decision to be recorded first.
const ENGINE_DEPENDENCIES: [&str; 8] =
    ["base64", "bytes", "md-5", "nom", "sha1", "subtle", "thiserror", "tracing"];

/// The dependencies in `manifest` that the package `name` must not have; those for its tests are free.
pub(crate) fn arrows(name: &str, path: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else { return vec![] };
    let forbidden = dependencies(manifest).into_iter().filter(|(_, dependency)| {
        if dependency.starts_with("zk-") {
            !allowed.contains(&&**dependency)
        } else {
            ENGINE.contains(&name) && !ENGINE_DEPENDENCIES.contains(&&**dependency)
        }
    });
    forbidden
        .map(|(line, dependency)| format!("{path}:{line}: {name} must not depend on {dependency}"))
        .collect()
}

/// The keys of the tables `dependencies` and `target.….dependencies`, with their lines.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let table = format!(".{}", header.0.trim());
            in_table = table.ends_with(".dependencies");
            if let Some((_, key)) = table.rsplit_once(".dependencies.") {
                found.push((index + 1, unquoted(key)));
            }
        } else if in_table && !line.starts_with('#') && line.contains('=') {
            let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((index + 1, unquoted(key)));
            // A package under another name.
            if let Some((_, package)) =
                line.split_once("package").filter(|(_, rest)| rest.trim_start().starts_with('='))
            {
                found.push((
                    index + 1,
                    unquoted(package.trim_start_matches([' ', '=']).split(',').next().unwrap_or("")),
                ));
            }
        }
    }
    found
}

fn unquoted(text: &str) -> String {
    text.trim_matches([' ', '"', '\'', '}']).to_owned()
}

/// Where a recipe takes the engine of the session, of which it is to know the words only.
pub(crate) fn session_taken(source: &Source) -> Vec<String> {
    let taken = words(&source.code, "zk_session").filter(|at| {
        let rest = &source.code[at + "zk_session".len()..];
        let used = source.code[..*at].trim_end();
        let taken = if used.ends_with("use") || used.ends_with("use ::") {
            &rest[..rest.find(';').unwrap_or(rest.len())]
        } else {
            &rest[..rest
                .find(|char: char| !char.is_alphanumeric() && !"_:".contains(char))
                .unwrap_or(rest.len())]
        };
        words(taken, "Session").next().is_some() || taken.contains('*')
    });
    taken.map(|at| source.breach(at, "a recipe knows the words of a session, not the Session")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_points_up_is_seen() {
        let up = |name, manifest| arrows(name, "Cargo.toml", manifest);
        assert_eq!(
            up(
                "zk-proto",
                "[package]\nx = 1\n[dependencies]\nbytes.workspace = true\nzk-session.workspace = true\n"
            ),
            ["Cargo.toml:5: zk-proto must not depend on zk-session"]
        );
        assert_eq!(up("zk-recipes", "[dependencies]\nzk-proto = \"1\"").len(), 1);
        assert_eq!(up("zk-sim", "[dependencies]\nzk-std = \"1\"").len(), 1);
        assert_eq!(
            up("zk-tokio", "[dependencies]\nzk-std = { path = \"../zk-std\" }\ntokio = \"1\"").len(),
            1
        );
        assert_eq!(up("zk-std", "[dependencies.zk-tokio]\npath = \"..\"").len(), 1);
        assert_eq!(
            up(
                "zk-std",
                "[target.'cfg(unix)'.dependencies]\nx = { package = \"zk-tokio\", version = \"1\" }"
            )
            .len(),
            1
        );
        assert!(
            up("zk-session", "[dependencies]\nzk-proto.workspace = true\n[dev-dependencies]\nzk-std = \"1\"")
                .is_empty()
        );
    }

    #[test]
    fn a_foreign_dependency_of_the_engine_is_seen() {
        let manifest = "[dependencies]\nbytes = \"1\"\nnom.workspace = true\nserde = \"1\" # why not\n";
        assert_eq!(arrows("zk-proto", "m", manifest), ["m:4: zk-proto must not depend on serde"]);
        assert!(arrows("zk-tokio", "m", manifest).is_empty());
    }

    #[test]
    fn a_session_in_a_recipe_is_seen() {
        let taken = |text| session_taken(&Source::sample("zk-recipes/src/lock.rs", text)).len();
        assert_eq!(taken("use zk_session::Session;"), 1);
        assert_eq!(taken("use zk_session::{\n    Path,\n    Session,\n};"), 1);
        assert_eq!(taken("fn a(b: &zk_session::Session) {}"), 1);
        assert_eq!(taken("use zk_session::*;"), 1);
        assert_eq!(
            taken(
                "// Session\nuse zk_session::{SessionId, Path};\nstruct Session;\nzk_session::Path * Session"
            ),
            0
        );
    }
}
