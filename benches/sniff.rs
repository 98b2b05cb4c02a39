//! How fast sniffing is, as ratios within one run: five realistic entry apps, ours against `node --import tsx` for one
//! after another, and against plain Node importing the same modules.
//!
//! Cold means that nothing of ours is kept from one run to the next. tsx keeps on disk what it made of each file, and is
//! measured both with that (its usual state, and what the goal is judged by) and without. All read packages that the
//! system has in memory.
//!
//! `cargo bench --bench sniff`; `SNIFF_NODE` names another Node, `SNIFF_ROUNDS` how often each is measured (default 5).

#![expect(clippy::print_stdout, reason = "the numbers are the output")]

#[path = "../tests/sniff_support/mod.rs"]
mod sniff_support;

use deploy_native::sniff::{SniffOptions, sniff_all_apps};
use deploy_native::workspace::App;
use indexmap::IndexMap;
use serde_json::json;
use sniff_support::{app, corpus, workspace, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAMES: [&str; 5] = ["api", "auth", "billing", "mail", "search"];

fn main() {
    let node = PathBuf::from(std::env::var("SNIFF_NODE").unwrap_or_else(|_| "node".to_owned()));
    let rounds = std::env::var("SNIFF_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let folder = fill();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let apps: IndexMap<String, App> = NAMES.iter().map(|name| ((*name).to_owned(), declared(name))).collect();
    let one: IndexMap<String, App> = apps.iter().take(1).map(|(name, app)| (name.clone(), app.clone())).collect();
    let cold = SniffOptions::default().node(node.clone()).cache(false);
    let warm = SniffOptions::default().node(node.clone());
    let ours = |apps: &IndexMap<String, App>, options: &SniffOptions| {
        let sniffed = runtime.block_on(sniff_all_apps(apps, folder.path(), options)).expect("sniffs");
        for app in sniffed.values() {
            assert!(app.error.is_none() && app.required_env_vars.len() > 2, "{app:?}");
        }
    };
    ours(&apps, &warm);
    let mut times: [Vec<Spent>; 6] = Default::default();
    // Taken in turns, so that what else the machine does falls on all of them.
    for _ in 0..rounds {
        times[0].push(timed(|| NAMES.iter().for_each(|name| import(&node, folder.path(), name, Loader::Tsx))));
        times[1].push(timed(|| ours(&apps, &cold)));
        times[2].push(timed(|| ours(&apps, &warm)));
        times[3].push(timed(|| import(&node, folder.path(), NAMES[0], Loader::Node)));
        times[4].push(timed(|| ours(&one, &cold)));
        times[5].push(timed(|| NAMES.iter().for_each(|name| import(&node, folder.path(), name, Loader::TsxAnew))));
    }
    let [tsx, cold, warm, plain, single, anew] = times.map(|spent| Spent::median(&spent));
    println!("                                      elapsed          processor");
    tsx.print("five apps, tsx one after another");
    anew.print("five apps, tsx without its cache");
    cold.print("five apps, cold");
    warm.print("five apps, warm");
    plain.print("one app, plain imports of built JS");
    single.print("one app, cold");
    let compare = |what: &str, a: Spent, b: Spent| {
        println!("{what:<36}{:8.2} x       {:8.2} x", ratio(a.elapsed, b.elapsed), ratio(a.processor, b.processor));
    };
    compare("cold: faster than tsx", tsx, cold);
    compare("cold: faster than tsx anew", anew, cold);
    compare("one app: time of plain imports", single, plain);
    println!("warm: faster than tsx               {:8.1} x", ratio(tsx.elapsed, warm.elapsed));
    println!("peak memory of our side             {:8.1} MB", peak_memory());
}

/// The most memory that this process has held, in megabytes; 0 where the system does not say.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// What loads an app: tsx its TypeScript, with or without what it keeps on disk, or Node alone what a build made of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loader {
    Tsx,
    TsxAnew,
    Node,
}

/// Imports an app as a user would.
fn import(node: &Path, folder: &Path, name: &str, loader: Loader) {
    let typescript = loader != Loader::Node;
    let mut command = Command::new(node);
    if typescript {
        command.args(["--import", "tsx"]);
    }
    if loader == Loader::TsxAnew {
        command.env("TSX_DISABLE_CACHE", "1");
    }
    let entry = if typescript { "src/index.ts" } else { "dist/index.js" };
    let status = command
        .arg(entry)
        .current_dir(folder.join("apps").join(name))
        .envs(VARIABLES)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// What some work took: time, which the rest of the machine adds to, and the processor time of its processes, which it
/// hardly does.
#[derive(Debug, Clone, Copy)]
struct Spent {
    elapsed: Duration,
    processor: Duration,
}

impl Spent {
    fn median(all: &[Self]) -> Self {
        let middle = |part: fn(&Self) -> Duration| {
            let mut times: Vec<Duration> = all.iter().map(part).collect();
            times.sort();
            times[times.len() / 2]
        };
        Self { elapsed: middle(|spent| spent.elapsed), processor: middle(|spent| spent.processor) }
    }

    fn print(self, what: &str) {
        println!("{what:<36}{:8.1} ms      {:8.1} ms", milliseconds(self.elapsed), milliseconds(self.processor));
    }
}

fn timed(work: impl FnOnce()) -> Spent {
    let (start, before) = (Instant::now(), processor_time());
    work();
    Spent { elapsed: start.elapsed(), processor: processor_time().saturating_sub(before) }
}

/// The processor time of the processes that we started and that have ended, to a hundredth of a second; 0 where the
/// system does not say.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time of children, fields 16 and 17; the first after the name is the third.
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn declared(name: &str) -> App {
    app(&json!({ "path": format!("apps/{name}"), "entry": "src/index.ts" }))
}

const VARIABLES: [(&str, &str); 5] = [
    ("PORT", "3000"),
    ("DATABASE_URL", "postgresql://user:password@127.0.0.1:9/database"),
    ("BETTER_AUTH_URL", "http://127.0.0.1:9"),
    ("BETTER_AUTH_SECRET", "0123456789abcdef0123456789abcdef"),
    ("LOG_LEVEL", "info"),
];

/// Writes the five apps: eight files each, on hono, zod and envkit; one of them on better-auth and pg too.
fn fill() -> tempfile::TempDir {
    assert!(corpus().is_dir());
    let folder = workspace(&[]);
    for name in NAMES {
        let mut files = vec![("config".to_owned(), config(name)), ("index".to_owned(), index(name))];
        files.extend((0..6).map(|number| (format!("routes/r{number}"), route(number))));
        for (file, text) in files {
            let typescript = format!("apps/{name}/src/{file}.ts");
            let built = format!("apps/{name}/dist/{file}.js");
            write(folder.path(), &[(&typescript, &text), (&built, &text.replace(": number", ""))]);
        }
        write(folder.path(), &[(&format!("apps/{name}/package.json"), r#"{ "type": "module" }"#)]);
    }
    folder
}

fn config(name: &str) -> String {
    let auth = if name == "auth" {
        "authUrl: get('BETTER_AUTH_URL').string().url(), authSecret: get('BETTER_AUTH_SECRET').string().min(32),"
    } else {
        "authUrl: get('BETTER_AUTH_URL').string(), authSecret: get('BETTER_AUTH_SECRET').string(),"
    };
    format!(
        "import {{ EnvironmentParser }} from '@geekmidas/envkit';\n\
         export const config = new EnvironmentParser(process.env).create((get) => ({{\n\
         port: get('PORT').coerce.number(), database: get('DATABASE_URL').string().url(), {auth}\n\
         level: get('LOG_LEVEL').enum(['debug', 'info']).default('info') }})).parse();\n"
    )
}

fn route(number: usize) -> String {
    format!(
        "import {{ Hono }} from 'hono';\nimport {{ z }} from 'zod';\n\
         const body = z.object({{ id: z.string(), count: z.number().int().min({number}) }});\n\
         const twice = (value: number) => value * 2;\n\
         export const route = new Hono().post('/r{number}', async (context) => context.json({{ ok: body.safeParse(await context.req.json()).success, n: twice({number}) }}));\n"
    )
}

fn index(name: &str) -> String {
    let imports: Vec<String> =
        (0..6).map(|number| format!("import {{ route as r{number} }} from './routes/r{number}.js';\n")).collect();
    let routes: Vec<String> = (0..6).map(|number| format!(".route('/', r{number})")).collect();
    let auth = if name == "auth" {
        "import { betterAuth } from 'better-auth';\nimport pg from 'pg';\n\
         export const auth = betterAuth({ database: new pg.Pool({ connectionString: config.database }), baseURL: config.authUrl, secret: config.authSecret });\n"
    } else {
        ""
    };
    format!(
        "import {{ Hono }} from 'hono';\nimport {{ config }} from './config.js';\n{}{auth}\
         export const app = new Hono(){};\nconsole.log(config.port);\n",
        imports.concat(),
        routes.concat()
    )
}
