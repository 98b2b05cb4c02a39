//! What operating systems do differently, in one place: files, process groups, the machine's name. Each function says what
//! becomes of it on Windows. Nothing outside of this folder asks which system it runs on, but for a better service on Linux.

mod files;
mod machine;
mod process;

pub(crate) use files::{
    FileId, as_owner_only, expect_regular, id_at, id_of, is_link_refusal, link, make_private_folder, mode, modified,
    slashed, sync_folder, tighten, write_all_at,
};
pub(crate) use machine::{host_name, uptime};
pub(crate) use process::{input_of, isolate, kill_descendants, kill_group, kill_marked, kill_orphans, own_group};
