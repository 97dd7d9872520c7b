//! A Rust file as the rules see it: the text, the code in it, and what of that is shipped.
//!
//! No parser: comments and literals are blanked out, braces are counted, and macros are taken as they stand.

use std::collections::BTreeSet;

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    /// The text with comments and the insides of literals blanked; lines and columns (in bytes) stay.
    pub(crate) code: String,
    /// The code with all items under `#[cfg(test)]` blanked.
    pub(crate) shipped: String,
    /// Whether the file as a whole is a module under `#[cfg(test)]`.
    test_module: bool,
}

impl Source {
    #[cfg(test)]
    pub(crate) fn sample(name: &str, text: &str) -> Self {
        all([(name.to_owned(), text.to_owned())]).remove(0)
    }

    pub(crate) fn is_in(&self, directory: &str) -> bool {
        self.name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether it belongs to a library or binary, as opposed to its tests.
    pub(crate) fn is_shipped(&self) -> bool {
        self.name.split('/').nth(1) == Some("src") && !self.test_module
    }

    /// `file:line: what`, for the place at `offset`.
    pub(crate) fn breach(&self, offset: usize, what: &str) -> String {
        let line = self.code[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.name)
    }
}

/// Takes all files together, for only its parent knows whether a module is for tests.
pub(crate) fn all(files: impl IntoIterator<Item = (String, String)>) -> Vec<Source> {
    let mut sources: Vec<_> = files.into_iter().map(|(name, text)| read(name, text)).collect();
    let stems: BTreeSet<String> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        let stem = source.name.trim_end_matches(".rs").trim_end_matches("/mod");
        source.test_module =
            stem.match_indices('/').any(|(at, _)| stems.contains(&stem[..at])) || stems.contains(stem);
        if source.test_module {
            source.shipped = blank(&source.shipped);
        }
    }
    sources
}

fn read(name: String, text: String) -> Source {
    let code = code_of(&text);
    let shipped = without_tests(&code);
    Source { name, text, code, shipped, test_module: false }
}

/// The paths, without the ending, of modules declared as `#[cfg(test)] mod name;`.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.name.trim_end_matches(".rs");
    let (parent, last) = stem.rsplit_once('/').unwrap_or(("", stem));
    let directory = if ["lib", "main", "mod"].contains(&last) { parent } else { stem };
    let items =
        source.code.match_indices(TEST_ATTRIBUTE).map(|(at, _)| &source.code[at + TEST_ATTRIBUTE.len()..]);
    let names = items.filter_map(|item| item.trim_start().strip_prefix("mod ")?.split_once(';'));
    let names = names.map(|(name, _)| name.trim()).filter(|name| is_word(name));
    names.map(|name| format!("{directory}/{name}")).collect()
}

/// Blanks the item after each `#[cfg(test)]`: to its semicolon, or to the end of its braces.
fn without_tests(code: &str) -> String {
    let mut shipped = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(TEST_ATTRIBUTE) {
        let end = at + item_end(&rest[at..]);
        shipped.push_str(&rest[..at]);
        shipped.push_str(&blank(&rest[at..end]));
        rest = &rest[end..];
    }
    shipped + rest
}

/// Where the item at the start of `code` ends, its attributes among it.
pub(crate) fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Blanks comments, and what is within quotes.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let (length, kept) = match hidden(rest, after_word) {
            Some((length, quotes)) => (length, quotes),
            None => (first.len_utf8(), first.len_utf8()),
        };
        code.push_str(&rest[..kept]);
        code.push_str(&blank(&rest[kept..length]));
        rest = &rest[length..];
    }
    code
}

/// The length of the comment or literal that `rest` starts with, and how much of it stays to be seen.
fn hidden(rest: &str, after_word: bool) -> Option<(usize, usize)> {
    if rest.starts_with("//") {
        return Some((rest.find('\n').unwrap_or(rest.len()), 0));
    }
    if rest.starts_with("/*") {
        return Some((block_comment(rest), 0));
    }
    if rest.starts_with('"') {
        return Some((quoted(rest, '"'), 1));
    }
    if !after_word {
        let raw =
            rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'));
        if let Some(tail) = raw.filter(|tail| tail.trim_start_matches('#').starts_with('"')) {
            let hashes = tail.len() - tail.trim_start_matches('#').len();
            let body = &tail[hashes + 1..];
            let end = format!("\"{}", "#".repeat(hashes));
            let length = body.find(&end).map_or(body.len(), |at| at + end.len());
            return Some((rest.len() - body.len() + length, 0));
        }
    }
    // A quote is a character if it closes after one, else a lifetime.
    let inner = rest.strip_prefix('\'')?;
    let is_char = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
    is_char.then(|| (quoted(rest, '\''), 1))
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// Where `word` stands in the code by itself.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_alphanumeric() || char == '_')
}

const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let sample =
            "a // x\n/* x /* x */ x */ b \"x\\\"x\" 'x' '\\'' br#\"x\"x\"# r\"x\" c<'x>(b'x', \"é\")";
        let code = code_of(sample);
        assert_eq!(code.len(), sample.len());
        let words: Vec<_> =
            code.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        assert_eq!(words, ["a", "b", "c", "x", "b"]);
    }

    #[test]
    fn what_is_under_cfg_test_is_not_shipped() {
        let code = "a;\n#[cfg(test)]\n#[x]\nfn b(c: [u8; 2]) {\n{}\n}\nd;\n#[cfg(test)]\nuse e;\nf";
        assert_eq!(without_tests(code).split_whitespace().collect::<Vec<_>>(), ["a;", "d;", "f"]);
        assert_eq!(without_tests(code).lines().count(), code.lines().count());
    }

    #[test]
    fn a_file_is_a_test_when_its_parent_says_so() {
        let files =
            [("p/src/lib.rs", "#[cfg(test)]\nmod t;\nmod a;"), ("p/src/t.rs", "x"), ("p/src/t/u.rs", "x")];
        let more = [("p/src/a.rs", "#[cfg(test)] mod t;"), ("p/src/a/t.rs", "x"), ("p/src/a/u.rs", "x")];
        let sources =
            all(files.into_iter().chain(more).map(|(name, text)| (name.to_owned(), text.to_owned())));
        let shipped: Vec<_> =
            sources.iter().filter(|source| source.is_shipped()).map(|source| &*source.name).collect();
        assert_eq!(shipped, ["p/src/lib.rs", "p/src/a.rs", "p/src/a/u.rs"]);
    }

    #[test]
    fn a_word_stands_by_itself() {
        assert_eq!(words("std nostd std_x std::y", "std").collect::<Vec<_>>(), [0, 16]);
    }
}
