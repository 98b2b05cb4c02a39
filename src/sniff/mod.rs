//! How the variables an app needs are found.
//!
//! Each app is loaded by Node in a process of its own, in which envkit's parser reports what it is asked for (the
//! JavaScript in `sniffer/`). The app's code never runs in our process, gets none of our environment, and leaves nothing
//! running.
//!
//! | file | what lives there |
//! |---|---|
//! | `app` | the strategies, and all apps side by side |
//! | `entry` | one entry file |
//! | `route_files` | the files that an app's globs name |
//! | `run` | loading the files that stand for an app |
//! | `subprocess` | the process: environment, bounds, deadline, end |
//! | `records` | what the worker reports |
//! | `findings` | reports → requirements, evidence, failure |
//! | `source`, `lexer` | what can be read from source text itself |
//! | `unrun` | what code that did not run would ask for, and whether something may be missing |
//! | `group` | that nothing of a run is left running |
//! | `cache`, `inputs` | answers for apps that did not change |
//! | `script` | where the worker's JavaScript comes from |

mod app;
mod cache;
mod entry;
mod findings;
mod group;
mod inputs;
mod lexer;
mod options;
mod records;
mod requirement;
mod route_files;
mod run;
mod script;
mod source;
mod subprocess;
mod unrun;

pub use app::{sniff_all_apps, sniff_app};
pub use entry::sniff_entry_file;
pub use options::{OnSniffed, SniffOptions};
pub use requirement::{Evidence, EvidenceSource, SniffFailure, SniffedEntry, SniffedEnvironment};
