//! What a container with a command of its own does: a small shell, and the `psql` in it.

mod interpreter;
mod psql;
mod shell;

pub(super) use interpreter::{of, run, split, unstartable};
