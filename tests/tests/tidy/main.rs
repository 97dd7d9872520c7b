//! The house rules that no lint knows, over the source of the whole workspace.
//!
//! Each rule is a pure function from text to the places that break it, and shows on a bad sample beside it that it can
//! go red. A breach is told as `file:line: what is wrong`. What lints and the compiler see is left to them.

use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

mod floors;
mod graph;
mod habits;
mod recipes;
mod shape;
mod source;

/// Crates below the adapters.
const ENGINE: [&str; 3] = ["zk-proto", "zk-session", "zk-recipes"];

#[test]
fn every_file_opens_with_its_purpose() {
    all_hold(&sources(&workspace()), shape::opening);
}

#[test]
fn files_and_functions_keep_their_length() {
    let sources = sources(&workspace());
    let measured: Vec<_> =
        sources.iter().filter(|source| source.is_shipped()).flat_map(shape::lengths).collect();
    clean(&shape::over_limit(&measured, shape::RATCHET));
}

#[test]
fn the_engine_knows_no_system() {
    let sources = engine_sources();
    all_hold(&sources, floors::roots);
    all_hold(&sources, floors::system);
}

#[test]
fn the_engine_has_no_verb_of_an_adapter() {
    all_hold(&engine_sources(), floors::verbs);
}

#[test]
fn the_engine_hashes_nothing() {
    all_hold(&engine_sources(), floors::hashes);
}

#[test]
fn the_arrows_of_the_crate_graph_point_down() {
    let breaches = members().into_iter().flat_map(|name| {
        let path = format!("{name}/Cargo.toml");
        graph::arrows(&name, &path, &read(&workspace().join(&path)))
    });
    clean(&breaches.collect::<Vec<_>>());
}

#[test]
fn recipes_take_no_session() {
    let recipes: Vec<_> =
        sources(&workspace()).into_iter().filter(|source| source.is_in("zk-recipes/src")).collect();
    all_hold(&recipes, graph::session_taken);
}

#[test]
fn no_recipe_knows_another() {
    let recipes: Vec<_> =
        sources(&workspace()).into_iter().filter(|source| source.is_in("zk-recipes/src")).collect();
    clean(&recipes::acquaintances(&recipes));
}

#[test]
fn nothing_is_left_to_do() {
    all_hold(&sources(&workspace()), habits::leftovers);
}

#[test]
fn what_is_switched_off_says_why() {
    all_hold(&sources(&workspace()), habits::unreasoned);
}

#[track_caller]
fn all_hold(sources: &[Source], rule: impl Fn(&Source) -> Vec<String>) {
    clean(&sources.iter().flat_map(rule).collect::<Vec<_>>());
}

#[track_caller]
fn clean(breaches: &[String]) {
    assert!(breaches.is_empty(), "the house rules are broken\n{}\n", breaches.join("\n"));
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a member of a workspace").into()
}

/// The directories of the workspace's packages.
fn members() -> Vec<String> {
    let entries = fs::read_dir(workspace()).expect("the workspace can be read");
    let paths = entries.map(|entry| entry.expect("the workspace can be read").path());
    let mut names: Vec<String> = paths
        .filter(|path| path.join("Cargo.toml").is_file())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

fn engine_sources() -> Vec<Source> {
    let shipped = |source: &Source| ENGINE.iter().any(|name| source.is_in(&format!("{name}/src")));
    sources(&workspace()).into_iter().filter(shipped).collect()
}

/// Every Rust file of every package, by path.
fn sources(workspace: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    for name in members() {
        let package = workspace.join(name);
        files.push(package.join("build.rs"));
        for directory in ["src", "tests", "examples", "benches"] {
            collect(&package.join(directory), &mut files);
        }
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "rs") && file.is_file());
    files.sort();
    let named = files.iter().map(|file| {
        let name = file.strip_prefix(workspace).expect("it was found below the workspace");
        (name.to_str().expect("our names are ASCII").to_owned(), read(file))
    });
    source::all(named)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    // A package need not have every directory.
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("a directory of ours can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
