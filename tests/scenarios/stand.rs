//! Where the scenarios are played: on a real Dokploy that the environment names, or on the simulator.

use deploy_native::deploy::{RunOptions, Surroundings};
use deploy_native::dokploy::{Dokploy, WaitSettings};
use deploy_native::secrets::{Entropy, Secret, SystemEntropy};
use deploy_native_simulator::postgres::PostgresBackend;
use deploy_native_simulator::{Image, Simulator};
use deploy_native_test_support::{LANDING, TIME_SCALE, bundled_postgres};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The port that another database has taken, and that is the first to be chosen.
pub const TAKEN_PORT: u16 = 24_681;

/// The images to play with.
pub struct Images {
    /// It runs until it is stopped.
    pub good: String,
    /// Another one that does.
    pub other: String,
    /// It ends at once.
    pub crashing: String,
    /// There is none.
    pub absent: String,
    /// Of the database; `None` for the default one.
    pub postgres: Option<String>,
    /// The variable and the value with which `good` and `other` end at once.
    pub crash: (String, String),
}

/// A server to play on.
pub struct Stand {
    pub endpoint: String,
    pub token: String,
    /// Where an opened database port is reached; `None` for the endpoint's host.
    pub database_host: Option<String>,
    pub images: Images,
    /// How long an app must stay up to count as running.
    pub stability_seconds: u64,
    wait: WaitSettings,
    landing: Duration,
    _simulator: Option<Simulator>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("DEPLOY_NATIVE_SCENARIO_{name}")).ok().filter(|value| !value.is_empty())
}

fn required(name: &str) -> String {
    variable(name).unwrap_or_else(|| panic!("DEPLOY_NATIVE_SCENARIO_{name} is not set: see CONTRIBUTING.md"))
}

impl Stand {
    /// The server that `DEPLOY_NATIVE_SCENARIO_ENDPOINT` names, else a simulated one.
    pub async fn set_up() -> Self {
        match variable("ENDPOINT") {
            Some(endpoint) => Self::real(endpoint),
            None => Self::simulated().await,
        }
    }

    fn real(endpoint: String) -> Self {
        let crash = variable("CRASH_VARIABLE").unwrap_or_else(|| "NODE_OPTIONS=--require=/nonexist".to_owned());
        let (name, value) = crash.split_once('=').expect("DEPLOY_NATIVE_SCENARIO_CRASH_VARIABLE is NAME=value");
        let images = Images {
            good: required("IMAGE"),
            other: required("OTHER_IMAGE"),
            crashing: required("CRASHING_IMAGE"),
            absent: required("ABSENT_IMAGE"),
            postgres: variable("POSTGRES_IMAGE"),
            crash: (name.to_owned(), value.to_owned()),
        };
        Self {
            endpoint,
            token: required("TOKEN"),
            database_host: variable("DATABASE_HOST"),
            images,
            stability_seconds: 15,
            wait: WaitSettings::default(),
            landing: Surroundings::default().landing,
            _simulator: None,
        }
    }

    async fn simulated() -> Self {
        let image = |name: &str| {
            format!(
                "registry.test/{name}@sha256:{}",
                format!("{name:a<64}").replace(|it: char| !it.is_ascii_hexdigit(), "0")
            )
        };
        let images = Images {
            good: image("good"),
            other: image("other"),
            crashing: image("crashing"),
            absent: image("absent"),
            postgres: None,
            crash: ("NODE_OPTIONS".to_owned(), "--require=/nonexist".to_owned()),
        };
        let (name, value) = &images.crash;
        let simulator = Simulator::builder()
            .time_scale(TIME_SCALE)
            .backend(Arc::new(PostgresBackend::new(bundled_postgres())))
            .image(Image::new(&images.good).crashes_with(name, value))
            .image(Image::new(&images.other).crashes_with(name, value))
            .image(Image::new(&images.crashing).crashes())
            .image(Image::new(&images.absent).absent());
        let simulator = simulator.start().await.expect("the simulator starts");
        let usual = WaitSettings::default();
        Self {
            endpoint: simulator.url().to_owned(),
            token: simulator.token().to_owned(),
            database_host: Some("127.0.0.1".to_owned()),
            images,
            stability_seconds: 1,
            wait: WaitSettings::default()
                .first_pause(usual.first_pause.mul_f64(TIME_SCALE))
                .settled(usual.settled.mul_f64(TIME_SCALE)),
            landing: LANDING,
            _simulator: Some(simulator),
        }
    }

    /// A client for what somebody does by hand.
    pub fn client(&self) -> Dokploy {
        Dokploy::new(&self.endpoint, &Secret::new(self.token.as_str())).expect("an endpoint and a key")
    }

    /// How runs are carried out.
    pub fn options(&self) -> RunOptions {
        let surroundings =
            Surroundings::default().landing(self.landing).wait(self.wait.clone()).entropy(Arc::new(TakenPortFirst));
        RunOptions::default().surroundings(surroundings)
    }
}

/// Whether the next port to be chosen is the one that is taken.
pub static CHOOSE_TAKEN_PORT: AtomicBool = AtomicBool::new(false);

/// Randomness whose first choice of a port is the one that is taken.
struct TakenPortFirst;

impl Entropy for TakenPortFirst {
    fn fill(&self, bytes: &mut [u8]) {
        match bytes {
            [low, high] if CHOOSE_TAKEN_PORT.swap(false, Ordering::SeqCst) => {
                [*low, *high] = (TAKEN_PORT - 20_000).to_le_bytes();
            }
            _ => SystemEntropy.fill(bytes),
        }
    }
}
