//! No recipe knows another: what two of them share lies beside them.

use std::collections::BTreeSet;

use crate::source::{Source, words};

/// Where the code of one recipe names the module of another.
pub(crate) fn acquaintances(sources: &[Source]) -> Vec<String> {
    let recipes: BTreeSet<&str> =
        sources.iter().filter(|source| is_recipe(source)).filter_map(module).collect();
    let mut breaches = Vec::new();
    for source in sources {
        let Some(own) = module(source).filter(|name| recipes.contains(name)) else { continue };
        for other in recipes.iter().filter(|name| **name != own) {
            let named = words(&source.shipped, other).filter(|at| names_module(&source.shipped, *at));
            let what = format!("the recipe `{own}` must not know the recipe `{other}`");
            breaches.extend(named.map(|at| source.breach(at, &what)));
        }
    }
    breaches
}

fn is_recipe(source: &Source) -> bool {
    words(&source.shipped, "Recipe").any(|at| {
        let line = source.shipped[..at].rfind(['\n', ';', '}']).map_or(0, |start| start + 1);
        words(&source.shipped[line..at], "impl").next().is_some()
            && words(&source.shipped[at..], "for").next().is_some_and(|next| {
                let between = &source.shipped[at + "Recipe".len()..at + next];
                !between.contains(['{', ';', ','])
            })
    })
}

/// The module right below the crate root that the file belongs to.
fn module(source: &Source) -> Option<&str> {
    let path = source.name.split_once("/src/")?.1;
    let name = path.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (name != "lib").then_some(name)
}

/// Whether the word at `at` is a step of a path from `crate` or `super`, also within the braces of a `use`.
fn names_module(code: &str, at: usize) -> bool {
    let direct = code[..at].trim_end().strip_suffix("::").is_some_and(|path| {
        let path = path.trim_end();
        ["crate", "super"].iter().any(|root| path.ends_with(root))
    });
    let start = code[..at].rfind([';', '}']).map_or(0, |start| start + 1);
    let statement = &code[start..at];
    let within = words(statement, "use").any(|from| {
        let path = statement[from + "use".len()..].trim_start();
        (path.starts_with("crate::") || path.starts_with("super::")) && path.contains('{')
    });
    direct || within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(lock: &str) -> Vec<String> {
        let lock = Source::sample("zk-recipes/src/lock.rs", &format!("impl Recipe for Lock {{}}\n{lock}"));
        let queue = Source::sample("zk-recipes/src/queue.rs", "impl<T: Clone> Recipe<T> for Queue<T> {}");
        let shared = Source::sample("zk-recipes/src/rank.rs", "pub trait Recipe {}\nuse crate::queue;");
        acquaintances(&[lock, queue, shared])
    }

    #[test]
    fn a_recipe_that_knows_another_is_seen() {
        let expected = ["zk-recipes/src/lock.rs:2: the recipe `lock` must not know the recipe `queue`"];
        assert_eq!(breaches("use crate::queue::Queue;"), expected);
        assert_eq!(breaches("fn a(b: super::queue::Queue) {}"), expected);
        assert_eq!(breaches("use crate::{rank::Rank, queue::Queue};"), expected);
        assert_eq!(breaches("").len(), 0);
        assert_eq!(breaches("// crate::queue\nuse crate::rank::Rank;\nlet queue = x::queue;").len(), 0);
    }

    #[test]
    fn a_file_below_a_recipe_belongs_to_it() {
        let lock = Source::sample("zk-recipes/src/lock/mod.rs", "impl Recipe for Lock {}");
        let part = Source::sample("zk-recipes/src/lock/part.rs", "use crate::lock::A;\nuse crate::queue::B;");
        let queue = Source::sample("zk-recipes/src/queue.rs", "impl Recipe for Queue {}");
        let expected = ["zk-recipes/src/lock/part.rs:2: the recipe `lock` must not know the recipe `queue`"];
        assert_eq!(acquaintances(&[lock, part, queue]), expected);
    }
}
