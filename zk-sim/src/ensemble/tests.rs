//! Ensembles.
