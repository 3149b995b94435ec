//! The inputs, each made when its turn comes.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A folder of this run's own, gone with it.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
}

impl Folder {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self { path }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// One input, made and ready.
pub struct Input {
    /// Its name in the folder.
    pub file: String,
    /// What it is, for the table.
    pub what: &'static str,
    /// Its bytes.
    pub size: u64,
    /// What it unpacks to, as far as that is taken in; 0 where nothing is packed.
    pub unpacked: u64,
    /// What lint says of it.
    pub says: &'static str,
}

/// The sizes of issue 10, or as many times less as the tests of every day can bear: `CAPI_LINT_HOSTILE` is `full` or how many
/// times less.
fn scaled(full: usize) -> usize {
    let asked = std::env::var("CAPI_LINT_HOSTILE").unwrap_or_default();
    let less = if asked == "full" { 1 } else { asked.parse().unwrap_or(100) };
    (full / less).max(1)
}

type Out<'o> = &'o mut dyn Write;

fn input(
    folder: &Folder,
    file: &str,
    what: &'static str,
    says: &'static str,
    make: impl FnOnce(Out<'_>) -> std::io::Result<()>,
) -> Input {
    let path = folder.path.join(file);
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    make(&mut out).and_then(|()| out.flush()).expect("room on the disk");
    let size = fs::metadata(&path).expect("the file").len();
    Input { file: file.to_owned(), what, size, unpacked: 0, says }
}

fn repeat(out: Out<'_>, text: &str, times: usize) -> std::io::Result<()> {
    let at_once = (1 << 16) / text.len() + 1;
    let many = text.repeat(at_once);
    for _ in 0..times / at_once {
        out.write_all(many.as_bytes())?;
    }
    out.write_all(text.repeat(times % at_once).as_bytes())
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: b\ndata:\n";

const DEEP: &str = "nested more than";
const FINE: &str = "objects checked";
const ONE: &str = "1 object checked";

pub fn nested(folder: &Folder, each: &mut dyn FnMut(Input)) {
    const DEPTH: usize = 100_000;
    let bomb = |out: Out<'_>| {
        writeln!(out, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]")?;
        (1..10).try_for_each(|level| writeln!(out, "a{level}: &a{level} [{}]", format!("*a{}, ", level - 1).repeat(10)))
    };
    each(input(folder, "bomb.yaml", "aliases, 10 × 10 × …", "aliases multiply", bomb));
    each(input(folder, "merges.yaml", "merge keys, doubled 30 times", "aliases multiply", |out| {
        writeln!(out, "a0: &a0 {{k0: x}}")?;
        (1..30).try_for_each(|n| writeln!(out, "a{n}: &a{n} {{<<: [*a{0}, *a{0}], k{n}: {{<<: *a{0}}}}}", n - 1))
    }));
    each(input(folder, "flow.yaml", "100,000 [ and no ]", DEEP, |out| repeat(out, "[", DEPTH)));
    each(input(folder, "closed.yaml", "100,000 [ and ]", DEEP, |out| {
        repeat(out, "[", DEPTH)?;
        repeat(out, "]", DEPTH)
    }));
    each(input(folder, "braces.yaml", "100,000 { and }", DEEP, |out| {
        repeat(out, "{a: ", DEPTH)?;
        repeat(out, "}", DEPTH)
    }));
    each(input(folder, "deep.json", "JSON, 100,000 deep", DEEP, |out| {
        repeat(out, "{\"a\":", DEPTH)?;
        out.write_all(b"1")?;
        repeat(out, "}", DEPTH)
    }));
    each(input(folder, "dashes.yaml", "100,000 dashes on a line", DEEP, |out| repeat(out, "- ", DEPTH)));
    each(input(folder, "quotes.yaml", "100,000 quotes in turn", "error[", |out| {
        out.write_all(b"a: ")?;
        repeat(out, "\"'", DEPTH)
    }));
    each(input(folder, "block.yaml", "mappings, each a column deeper", DEEP, |out| {
        (0..3000).try_for_each(|depth| writeln!(out, "{}a:", " ".repeat(depth)))
    }));
    each(input(folder, "lists.json", "lists in lists, 400 deep", "", |out| {
        repeat(out, r#"{"apiVersion":"v1","kind":"List","items":["#, 400)?;
        repeat(out, "]}", 400)
    }));
}

pub fn long(folder: &Folder, each: &mut dyn FnMut(Input)) {
    each(input(folder, "line.yaml", "one line", ONE, |out| {
        out.write_all(CONFIG.as_bytes())?;
        out.write_all(b"  a: ")?;
        repeat(out, "x ", scaled(500_000_000))?;
        out.write_all(b"\n")
    }));
    each(input(folder, "word.yaml", "one word and nothing else", "a single value", |out| {
        repeat(out, "x", scaled(1_000_000_000))
    }));
    each(input(folder, "scalar.yaml", "one block scalar", ONE, |out| {
        out.write_all(CONFIG.as_bytes())?;
        out.write_all(b"  a: |\n")?;
        repeat(out, "    line of text that is a block scalar\n", scaled(5_000_000))
    }));
    each(input(folder, "secret.yaml", "one Secret", "Secret", |out| {
        out.write_all(b"apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData:\n  a: |\n")?;
        repeat(out, "    password: correct horse battery staple\n", scaled(2_000_000))?;
        out.write_all(b"data: {a: '%'}\n")
    }));
    each(input(folder, "key.yaml", "one key", "syntax-error", |out| {
        out.write_all(CONFIG.as_bytes())?;
        out.write_all(b"  ")?;
        repeat(out, "k", scaled(10_000_000))?;
        out.write_all(b": b\n")
    }));
    each(input(folder, "name.yaml", "two names", "dangling-reference", |out| {
        let name = "n".repeat(scaled(5_000_000));
        write!(
            out,
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {{name: a, namespace: b}}\nspec:\n  infrastructureRef: \
             {{apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerCluster, name: {name}x}}\n---\napiVersion: \
             infrastructure.cluster.x-k8s.io/v1beta2\nkind: DockerCluster\nmetadata: {{name: {name}y, namespace: b}}\n"
        )
    }));
    each(input(folder, "comment.yaml", "comments", "", |out| {
        repeat(out, "# no more than a comment\n", scaled(4_000_000))
    }));
    each(input(folder, "blank.yaml", "line ends", "", |out| repeat(out, "\n", scaled(100_000_000))));
}

pub fn many(folder: &Folder, each: &mut dyn FnMut(Input)) {
    let documents = input(folder, "documents.yaml", "documents of 10 bytes", "malformed-object", |out| {
        repeat(out, "---\na: bcd\n", scaled(1_000_000))
    });
    // What is known of a document takes some 300 bytes, however small it is.
    each(Input { unpacked: documents.size * 9, ..documents });
    each(input(folder, "objects.yaml", "small objects", FINE, |out| {
        (0..scaled(300_000)).try_for_each(|n| {
            writeln!(out, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{n}, namespace: b}}")
        })
    }));
    each(input(folder, "broken.yaml", "documents that are no YAML", "syntax-error", |out| {
        repeat(out, "---\na: [b\n", scaled(500_000))
    }));
    each(input(folder, "list.json", "objects in one list on one line", FINE, |out| {
        out.write_all(br#"{"apiVersion":"v1","kind":"List","items":["#)?;
        for number in 0..scaled(200_000) {
            let comma = if number > 0 { "," } else { "" };
            let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"b","name":"#;
            write!(out, "{comma}{object}\"a{number}\"}}}}")?;
        }
        out.write_all(b"]}")
    }));
    let values = input(folder, "values.json", "values on one line that are no objects", "malformed-object", |out| {
        (0..scaled(300_000)).try_for_each(|number| write!(out, "{{\"a\":{number}}}"))
    });
    each(Input { unpacked: values.size * 9, ..values });
    each(input(folder, "versions.yaml", "objects, each of another version", "unknown-kind", |out| {
        (0..scaled(100_000)).try_for_each(|number| {
            write!(out, "---\napiVersion: a{number}.x-k8s.io/v1\nkind: A\nmetadata: {{name: a, namespace: b}}\n")
        })
    }));
    each(input(folder, "twins.json", "the same object in one list", "duplicate-object", |out| {
        out.write_all(br#"{"apiVersion":"v1","kind":"List","items":["#)?;
        let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"b","name":"a"}}"#;
        repeat(out, &format!("{object},"), scaled(200_000) - 1)?;
        write!(out, "{object}]}}")
    }));
    each(input(folder, "same.yaml", "the same object", "duplicate-object", |out| {
        repeat(out, &format!("---\n{CONFIG}  a: b\n"), scaled(200_000))
    }));
    each(input(folder, "unlike.yaml", "one name, different objects", "conflicting-duplicate", |out| {
        (0..scaled(100_000)).try_for_each(|number| write!(out, "---\n{CONFIG}  a: b{number}\n"))
    }));
    each(input(folder, "keys.yaml", "keys in one mapping", ONE, |out| {
        out.write_all(CONFIG.as_bytes())?;
        (0..scaled(1_000_000)).try_for_each(|number| writeln!(out, "  key{number}: value"))
    }));
    each(input(folder, "twice.yaml", "the same key", "duplicate-key", |out| {
        out.write_all(CONFIG.as_bytes())?;
        repeat(out, "  k: b\n", scaled(1_000_000))
    }));
    each(input(folder, "unknown.yaml", "unknown fields of one object", "error[", |out| {
        out.write_all(
            b"apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: c, namespace: b}\nspec:\n",
        )?;
        (0..scaled(200_000)).try_for_each(|number| writeln!(out, "  nope{number}: 1"))
    }));
    each(input(folder, "clusters.yaml", "clusters without a class", "dangling-reference", |out| {
        (0..scaled(100_000)).try_for_each(|number| {
            writeln!(
                out,
                "---\napiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {{name: c{number}, namespace: b}}\nspec: \
                 {{topology: {{classRef: {{name: nope}}, version: v1.33.0}}}}"
            )
        })
    }));
    each(input(folder, "items.yaml", "items of a list", "", |out| {
        out.write_all(b"apiVersion: bootstrap.cluster.x-k8s.io/v1beta2\nkind: KubeadmConfig\nmetadata: {name: c, namespace: b}\nspec:\n  preKubeadmCommands:\n")?;
        repeat(out, "  - echo\n", scaled(1_000_000))
    }));
    each(input(folder, "contexts.yaml", "contexts of a kubeconfig", "", |out| {
        let count = scaled(50_000);
        out.write_all(b"apiVersion: v1\nkind: Config\ncontexts:\n")?;
        (0..count).try_for_each(|n| writeln!(out, "- {{name: c{n}, context: {{cluster: k{n}, user: u{n}}}}}"))?;
        out.write_all(b"clusters:\n")?;
        (0..count).try_for_each(|n| writeln!(out, "- {{name: k{n}, cluster: {{server: 'https://k{n}'}}}}"))?;
        out.write_all(b"users:\n")?;
        (0..count).try_for_each(|n| writeln!(out, "- {{name: u{n}}}"))
    }));
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]));
        }
        text.push_str(&"=".repeat(3 - chunk.len()));
    }
    text
}

/// A release Secret as Helm keeps it.
fn release(prefix: &str, repeated: &str, times: usize, suffix: &str) -> String {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(prefix.as_bytes()).expect("memory");
    repeat(&mut packed, repeated, times).expect("memory");
    packed.write_all(suffix.as_bytes()).expect("memory");
    let packed = base64(base64(&packed.finish().expect("memory")).as_bytes());
    let mut text = String::new();
    let _ = write!(
        text,
        r#"{{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{{"name":"sh.helm.release.v1.a.v1","labels":{{"name":"a","owner":"helm","status":"deployed","version":"1"}}}},"data":{{"release":"{packed}"}}}}"#
    );
    text
}

pub fn packed(folder: &Folder, each: &mut dyn FnMut(Input)) {
    let full = scaled(2_000_000_000);
    let taken = (full as u64).min(256 << 20);
    let made = |file, what, prefix, repeated: &str, suffix, unpacked| {
        let text = release(prefix, repeated, full / repeated.len(), suffix);
        let input = input(folder, file, what, "", |out| out.write_all(text.as_bytes()));
        Input { unpacked, ..input }
    };
    each(made("zeros.json", "a release that unpacks to zeros", "", "\0", "", 0));
    each(made("manifest.json", "a release that unpacks to one manifest", "{\"manifest\":\"", "a", "\"}", taken));
    each(made(
        "numbers.json",
        "a release that unpacks to numbers",
        "{\"manifest\":\"\",\"x\":[",
        "1,",
        "1]}",
        taken / 100,
    ));
    each(made("brackets.json", "a release that unpacks to brackets", "{\"manifest\":\"\",\"x\":", "[", "", 0));
    each(made(
        "lines.json",
        "a release that unpacks to documents",
        "{\"manifest\":\"",
        "---\\na: b\\n",
        "\"}",
        taken * 8,
    ));
}

pub fn bytes(folder: &Folder, each: &mut dyn FnMut(Input)) {
    let zeros = |out: Out<'_>| repeat(out, "\0", scaled(100_000_000));
    each(input(folder, "zeros.yaml", "zeros", "syntax-error", zeros));
    let latin = |out: Out<'_>| (0..scaled(200_000)).try_for_each(|_| out.write_all(b"---\na: \xff\xfe\n"));
    each(input(folder, "latin.yaml", "documents that are no UTF-8", "syntax-error", latin));
    let wide = |out: Out<'_>| CONFIG.encode_utf16().try_for_each(|unit| out.write_all(&unit.to_le_bytes()));
    each(input(folder, "wide.yaml", "UTF-16", "syntax-error", wide));
    let returns = |out: Out<'_>| repeat(out, "\r", scaled(20_000_000));
    each(input(folder, "returns.yaml", "carriage returns", "", returns));
    let controls = |out: Out<'_>| repeat(out, "---\na: \x01\n", scaled(200_000));
    each(input(folder, "controls.yaml", "control characters", "syntax-error", controls));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let noise = move |out: Out<'_>| {
        (0..scaled(5_000_000)).try_for_each(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.write_all(&state.to_le_bytes())
        })
    };
    each(input(folder, "noise.yaml", "noise", "syntax-error", noise));
}
