//! x

pub mod dns;
