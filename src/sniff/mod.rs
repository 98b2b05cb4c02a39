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
//! | `targets` | which files stand for an app |
//! | `route_files` | the files that an app's globs name |
//! | `loading` | loading the files that stand for an app, again with what it does not load without |
//! | `assumptions`, `mentions` | without which variables an app does not load |
//! | `offshoots` | which files an app runs in other processes and threads |
//! | `origins` | from which variables a parser's keys have their values |
//! | `worker` | the process: its job, deadline, end |
//! | `sandbox` | the process: environment, bounds |
//! | `stall` | telling an endless loop from work |
//! | `process_group` | that nothing of a run is left running |
//! | `protocol` | the job of a worker, and what it reports |
//! | `findings` | reports → requirements and evidence |
//! | `fallback` | whether source text does without a variable that it reads |
//! | `failure` | reports → why something may be missing |
//! | `unexecuted` | what code that did not run would ask for |
//! | `source`, `source_reader`, `source_scope`, `calls` | what can be read from source text itself |
//! | `path_values` | which file an expression names |
//! | `cache`, `inputs`, `digest` | answers for apps that did not change |
//! | `script` | where the worker's JavaScript comes from |
//! | `app_paths` | where an app lives, and its files |
//! | `requirement`, `options` | what is found, and how it is looked for |

mod app;
mod app_paths;
mod assumptions;
mod cache;
mod calls;
mod digest;
mod entry;
mod failure;
mod fallback;
mod findings;
mod inputs;
mod loading;
mod mentions;
mod offshoots;
mod options;
mod origins;
mod path_values;
mod process_group;
mod protocol;
mod requirement;
mod route_files;
mod sandbox;
mod script;
mod source;
mod source_reader;
mod source_scope;
mod stall;
mod targets;
mod unexecuted;
mod worker;

pub use app::{sniff_all_apps, sniff_app};
pub use entry::sniff_entry_file;
pub use options::{OnSniffed, SniffOptions};
pub use requirement::{Evidence, EvidenceSource, SniffFailure, SniffedEntry, SniffedEnvironment};
