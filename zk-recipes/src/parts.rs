//! Machines inside machines: what several recipes have in common.
//!
//! A part takes the inputs of its recipe and asks for calls by the recipe's errands. It tells nobody anything: it returns
//! what has happened, and its recipe decides what that means.

pub(crate) mod ensure;
pub(crate) mod holder;
pub(crate) mod leave;
pub(crate) mod member;
pub(crate) mod pace;
pub(crate) mod scene;
pub(crate) mod trouble;
pub(crate) mod turn;
