//! What a distribution of capi-lint holds besides the binary: manual pages and third-party notices. `scripts/dist.sh` runs it.
//!
//!     cargo run --example dist -- man DIR                  a manual page for each command
//!     cargo run --example dist -- completions DIR          for bash, zsh, fish and PowerShell
//!     cargo metadata … | cargo run --example dist -- notices TARGET
//!                                                          the crates in the binary, and the C library where it is part of it,
//!                                                          each with its licence text

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use clap_complete::Shell;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["man", folder] => manual_pages(Path::new(folder)),
        ["completions", folder] => completions(Path::new(folder)),
        ["notices", target] => notices(target),
        _ => Err("usage: dist man DIR | dist completions DIR | dist notices TARGET < metadata.json".into()),
    }
}

fn manual_pages(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    // The date of a page would make every build another one.
    clap_mangen::generate_to(capi_lint::cli::command(), folder)?;
    Ok(())
}

fn completions(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        clap_complete::generate_to(shell, &mut capi_lint::cli::command(), "capi-lint", folder)?;
    }
    Ok(())
}

/// Prints what the licences of the crates in the binary ask for. Crates that only build or test it are not in it.
fn notices(target: &str) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let root = metadata["resolve"]["root"].as_str().ok_or("cargo metadata names no root package")?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    writeln!(
        out,
        "capi-lint holds code of the crates below, each under its own licence. This file is made by `make dist`."
    )?;
    if target.ends_with("-linux-gnu") {
        writeln!(out, "\n{}\n{GLIBC}\n\n{}", "=".repeat(80), include_str!("LGPL-2.1.txt").trim_end())?;
    }
    let mut found: Vec<&Value> =
        reached(root, &nodes).into_iter().filter(|id| *id != root).filter_map(|id| packages.get(id).copied()).collect();
    found.sort_by_key(|package| (package["name"].as_str(), package["version"].as_str()));
    for package in found {
        let field = |name: &str| package[name].as_str().unwrap_or_default();
        writeln!(out, "\n{}\n{} {} ({})", "=".repeat(80), field("name"), field("version"), field("license"))?;
        if !field("repository").is_empty() {
            writeln!(out, "{}", field("repository"))?;
        }
        let texts = licence_texts(Path::new(field("manifest_path")).parent().unwrap_or(Path::new(".")))?;
        if texts.is_empty() {
            writeln!(out, "\n{}", standard_text(package))?;
        }
        for text in texts {
            writeln!(out, "\n{}", text.trim_end())?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The licence of a crate that comes without its text: what its metadata says, spelt out.
fn standard_text(package: &Value) -> String {
    let authors: Vec<&str> = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let name = package["name"].as_str().unwrap_or_default();
    let holders = if authors.is_empty() { format!("the authors of {name}") } else { authors.join(", ") };
    if package["license"].as_str().is_some_and(|licence| licence.contains("MIT")) {
        return format!("MIT License\n\nCopyright (c) {holders}\n\n{MIT}");
    }
    format!("Copyright {holders}. The text of this licence is that in the file LICENSE.")
}

/// What `scripts/release.sh` links statically, so that its licence asks for this. Whoever wants another one builds capi-lint anew: its
/// sources are all there.
const GLIBC: &str = "\
glibc, the GNU C Library (LGPL-2.1-or-later), linked statically
https://www.gnu.org/software/libc/

capi-lint uses the GNU C Library, which is covered by the licence below. The sources of capi-lint, and how it is built with
another version of the library, are where you have this file from: scripts/release.sh.";

const MIT: &str = "\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.";

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    list.as_array().into_iter().flatten().filter_map(|entry| Some((entry["id"].as_str()?, entry))).collect()
}

/// The packages that normal dependencies lead to.
fn reached<'m>(root: &'m str, nodes: &BTreeMap<&'m str, &'m Value>) -> BTreeSet<&'m str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        for dependency in nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            let is_normal = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()));
            // What a procedural macro is made of works at build time; its own licence is named, since its output is in.
            if let (true, Some(next)) = (is_normal, dependency["pkg"].as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

fn licence_texts(folder: &Path) -> io::Result<Vec<String>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let is_licence = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file()
            && ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE"]
                .iter()
                .any(|word| name.starts_with(word))
    };
    files.retain(|path| is_licence(path));
    files.iter().map(|path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())).collect()
}
