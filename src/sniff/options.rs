//! How sniffing is carried out.

use super::requirement::SniffedEnvironment;
use derive_setters::Setters;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Told of each app as soon as it is sniffed.
pub type OnSniffed = Arc<dyn Fn(&SniffedEnvironment) + Send + Sync>;

/// How sniffing is carried out; none of it changes what an app needs.
#[derive(Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct SniffOptions {
    /// The `node` to run, 20 or newer; default `node` of the `PATH`.
    #[setters(into)]
    pub node: PathBuf,
    /// The folder of the worker's JavaScript; default: the copy inside this library, written to a private folder.
    ///
    /// `oxc-transform`, `oxc-resolver`, `get-tsconfig`, `resolve-pkg-maps` and `picomatch` are looked for from this folder
    /// upwards, then from the app's. Without the first, TypeScript needs Node 22.13 and must be of the kind that can be
    /// stripped; without the others, imports are found as Node alone finds them.
    #[setters(into)]
    pub sniffer: Option<PathBuf>,
    /// Whether answers for unchanged apps are taken from the cache; default true.
    pub cache: bool,
    /// The folder of the cache; default `.gkm/cache` in the workspace.
    #[setters(into)]
    pub cache_dir: Option<PathBuf>,
    /// How long one app may take before its process is killed; default 30 seconds.
    pub deadline: Duration,
    /// How many apps are sniffed side by side; default: the number of cores.
    pub concurrency: usize,
    /// The `NODE_ENV` that the app sees; default `production`, as where it is deployed.
    #[setters(into)]
    pub node_env: String,
    /// Cancels the sniffing; its processes are killed.
    pub cancel: CancellationToken,
    /// Told of each app as soon as it is sniffed.
    pub on_sniffed: Option<OnSniffed>,
}

impl Default for SniffOptions {
    fn default() -> Self {
        Self {
            node: PathBuf::from("node"),
            sniffer: None,
            cache: true,
            cache_dir: None,
            deadline: Duration::from_secs(30),
            concurrency: std::thread::available_parallelism().map_or(2, usize::from),
            node_env: "production".to_owned(),
            cancel: CancellationToken::new(),
            on_sniffed: None,
        }
    }
}

impl std::fmt::Debug for SniffOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SniffOptions")
            .field("node", &self.node)
            .field("sniffer", &self.sniffer)
            .field("cache", &self.cache)
            .field("cache_dir", &self.cache_dir)
            .field("deadline", &self.deadline)
            .field("concurrency", &self.concurrency)
            .field("node_env", &self.node_env)
            .finish_non_exhaustive()
    }
}
