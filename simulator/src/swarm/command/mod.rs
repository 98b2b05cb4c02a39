//! What a container with a command of its own does: a small shell, `psql`, programs that connect, and those that an image
//! declares.

mod interpreter;
mod lexer;
mod programs;
mod psql;
mod selection;
mod shell;

pub(super) use interpreter::run;
pub(super) use selection::{Command, of};
