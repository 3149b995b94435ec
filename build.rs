//! Packs `schemas/` into the table that the binary holds, with the code that packs users' schemas at run time.
#![allow(dead_code, unreachable_pub, reason = "the modules are the library's; only a part of each is used here")]

use std::path::Path;
use std::{env, fs};

#[path = "src/schema/facts.rs"]
mod facts;
#[path = "src/schema/folder.rs"]
mod folder;
#[path = "src/schema/layout.rs"]
mod layout;
#[path = "src/schema/pack.rs"]
mod pack;

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed=schemas");
    for module in ["facts", "folder", "layout", "pack"] {
        println!("cargo:rerun-if-changed=src/schema/{module}.rs");
    }
    // For tests/cost.rs, whose figures hold for one level of optimization.
    println!("cargo:rustc-env=CAPI_LINT_OPT_LEVEL={}", env::var("OPT_LEVEL").unwrap_or_default());
    let table = pack::pack(&folder::read(Path::new("schemas"))?);
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("schemas.table"), table).map_err(|error| error.to_string())
}
