use super::*;
use crate::sniff::path_values::Anchor;
use crate::sniff::source::ReferenceName;

fn read(text: &str) -> Source {
    super::read(text, Path::new("/app/src/index.ts"))
}

fn requests(text: &str) -> Vec<(String, u32, bool, bool)> {
    let source = read(text);
    source.requests.into_iter().map(|found| (found.name, found.line, found.optional, found.in_function)).collect()
}

#[test]
fn requests_are_read_with_line_optionality_and_place() {
    let text = "
const config = parser.create((get) => ({
  port: get('PORT').string().transform((v) => Number(v)),
  level: get(\"LEVEL\").enum(['a', 'b']).default('a'),
})).parse();
app.get('/', (c) => {
  if (c.get('USER')) return new EnvironmentParser(process.env).create(read => ({ a: read(`LATE`).string() })).parse();
});
export const lazy = () => parser.create(function (g) { return { b: g('LAZY').string().optional() }; });
// parser.create((get) => get('COMMENT'))
const text = \"parser.create((get) => get('TEXT'))\";
const after = parser.create((get) => ({ c: get('AFTER').string() }));
";
    let found = requests(text);
    let expected = [
        ("PORT", 3, false, false),
        ("LEVEL", 4, true, false),
        ("LATE", 7, false, true),
        ("LAZY", 9, true, true),
        ("AFTER", 12, false, false),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(name, line, a, b)| (name.to_owned(), line, a, b)).collect();
    assert_eq!(found, expected);
    assert!(!read(text).opaque);
}

#[test]
fn requests_of_services_are_told_apart() {
    let text = "
export const stripe = { serviceName: 'stripe' as const, async register({ envParser }: Options): Promise<Stripe> {
  return new Stripe(envParser.create((get) => ({ key: get('KEY').string() })).parse());
} };
class Mail { readonly serviceName = 'mail'; register = async ({ envParser }) => envParser.create((get) => ({ a: get('MAIL').string() })).parse(); }
const handler = async () => envParser.create((get) => ({ a: get('OTHER').string() })).parse();
";
    let services: Vec<_> = read(text).requests.into_iter().map(|found| (found.name, found.service)).collect();
    let expected = [("KEY", Some("stripe")), ("MAIL", Some("mail")), ("OTHER", None)];
    assert_eq!(services, expected.map(|(name, service)| (name.to_owned(), service.map(str::to_owned))));
}

#[test]
fn names_that_are_computed_make_a_source_opaque() {
    assert!(read("parser.create((get) => ({ a: get(prefix + 'URL').string() }))").opaque);
    assert!(read("parser.create(({ get }) => get('A'))").opaque);
    assert!(read("import(name)").opaque);
    assert!(!read("map.get(name); get('X')").opaque);
}

#[test]
fn imports_are_read_with_their_place() {
    let text = "import a from './a';\nimport type B from './b';\nimport './c';\nexport * from './d';
import { type E, f } from './e';\nawait import('./f');\nexport async function go() { const { x } = await import('./g'); }
const run = () => require('./h'); if (a) { await import('./i'); }\nfunction typed(): Promise<void> { return import('./j'); }";
    let found: Vec<_> =
        read(text).imports.into_iter().map(|import| (import.specifier, import.dynamic, import.in_function)).collect();
    let expected = [
        ("./a", false, false),
        ("./c", false, false),
        ("./d", false, false),
        ("./e", false, false),
        ("./f", true, false),
        ("./g", true, true),
        ("./h", true, true),
        ("./i", true, false),
        ("./j", true, true),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(name, a, b)| (name.to_owned(), a, b)).collect();
    assert_eq!(found, expected);
}

/// The paths that a text names, and whether they are certain to be run.
fn references(text: &str) -> Vec<(String, bool)> {
    let shown = |name: ReferenceName| match name {
        ReferenceName::Path(Anchor::SourceFolder, path) => path,
        ReferenceName::Path(Anchor::WorkingFolder, path) => format!("<cwd>/{path}"),
        ReferenceName::Package(name) => format!("<package>/{name}"),
    };
    read(text).references.into_iter().map(|found| (shown(found.name), found.is_run)).collect()
}

#[test]
fn files_are_found_however_their_path_is_written() {
    for expression in [
        "path.join(__dirname, 'a.js')",
        "join(import.meta.dirname, 'a.js')",
        "path.resolve(__dirname, './a.js')",
        "`${__dirname}/a.js`",
        "__dirname + '/a.js'",
        "new URL('./a.js', import.meta.url)",
        "new URL('a.js', import.meta.url).href",
        "fileURLToPath(new URL('./a.js', import.meta.url))",
        "fileURLToPath(import.meta.resolve('./a.js'))",
        "require.resolve('./a.js')",
        "createRequire(import.meta.url).resolve('./a.js')",
        "path.join(path.dirname(fileURLToPath(import.meta.url)), 'a.js') as string",
        "path.posix.join(dirname(__filename), 'a.js')",
        "(`file://${path.join(__dirname, 'a.js')}`)",
    ] {
        let found = references(&format!("new Queue('mail', {expression});"));
        let path = found.first().map(|(path, _)| path.trim_start_matches("./"));
        assert_eq!((path, found.len()), (Some("a.js"), 1), "{expression}");
    }
    assert_eq!(references("fork('src/a.ts'); run(path.resolve('b.js')); spawn('node', ['c.js']);").len(), 3);
    assert_eq!(references("resolve('a'); join('a', 'b'); done.resolve(x); path.join('a', b);"), []);
    assert_eq!(references("require.resolve('@shop/jobs/mail')"), [("<package>/@shop/jobs/mail".to_owned(), false)]);
}

#[test]
fn a_path_counts_where_its_name_is_used() {
    let text = "const here = dirname(fileURLToPath(import.meta.url)); const a = join(here, 'a.js'); const b = join(here, 'b.js');
readFileSync(b); existsSync(join(here, 'c.js')); new Worker(prod ? a : join(here, 'd.ts')); await import(join(here, 'e.js'));
export const f = join(here, 'f.js');";
    let found = references(text);
    let expected = [("a.js", true), ("d.ts", true), ("f.js", false)];
    assert_eq!(found, expected.map(|(path, is_run)| (path.to_owned(), is_run)));
    assert_eq!(read(text).imports[0].specifier, "./e.js");
}

#[test]
fn what_is_run_under_a_name_that_only_running_tells_is_told() {
    for (text, expected) in [
        ("import { fork } from 'child_process';\nfork(file);\nfork(`${name}.js`);", vec![2, 3]),
        ("import { Worker } from 'node:worker_threads';\nnew Worker(file);", vec![2]),
        ("new Worker('mail', path.join(__dirname, `${name}.js`));", vec![1]),
        ("const file = path.join(__dirname, `${name}.js`);\nnew Worker('mail', file);", vec![2]),
        ("new Worker('mail', process); path.join(__dirname, name); cluster.fork(env); show(`${a}.js`);", vec![]),
        ("readFileSync(path.join(__dirname, `${name}.js`)); import(path.join(__dirname, name + '.js'))", vec![]),
    ] {
        assert_eq!(read(text).unfollowed, expected, "{text}");
    }
}

#[test]
fn branches_for_other_processes_are_seen() {
    assert!(read("if (cluster.isPrimary) {}").splits);
    assert!(read("if (isMainThread) {}").splits);
    assert!(!read("isMain").splits);
}

#[test]
fn direct_reads_are_read() {
    assert_eq!(read("f({ apiUrl: process.env.API_URL })").aliases, [("apiUrl".to_owned(), "API_URL".to_owned())]);
    let text = "a = process.env.ONE ?? process.env['TWO'] ?? process.env?.THREE;\nb = process.env.toString();";
    let names: Vec<_> = read(text).direct_reads;
    assert_eq!(names, [("ONE".to_owned(), 1), ("TWO".to_owned(), 1), ("THREE".to_owned(), 1)]);
}
