//! The answers that are names and values.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::{WordRefused, answered, owned};

/// The answer to `mntr`: metrics by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics(pub BTreeMap<String, String>);

impl Metrics {
    /// Understands the answer.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        table(answer, '\t').map(Self)
    }

    /// The number that a metric is, such as `zk_znode_count`; `None` if there is no such metric or it is a text.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.parse().ok()
    }
}

/// The answer to `conf` and `envi`: settings by name. The servers of the ensemble are among those of `conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub BTreeMap<String, String>);

impl Settings {
    /// Understands the answer.
    ///
    /// # Errors
    ///
    /// [`WordRefused`] if the server did not answer.
    pub fn new(answer: &str) -> Result<Self, WordRefused> {
        table(answer, '=').map(Self)
    }
}

fn table(answer: &str, separator: char) -> Result<BTreeMap<String, String>, WordRefused> {
    let lines = answered(answer)?.lines().filter_map(|line| line.split_once(separator));
    Ok(lines.map(|(name, value)| (owned(name), owned(value))).collect())
}
