//! The fleet as a whole: what is in it, cluster by cluster.

pub mod count;
pub mod machines;
