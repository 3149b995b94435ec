//! A mutation fuzzer for the stable toolchain: seeds are the repository's fixtures (and the shared corpus, where it is), a target
//! says what must hold for an input, and what does not hold is reduced to the least text that shows it.
//!
//! - [`engine`]: runs a target; [`mutate`]: changes seeds; [`seeds`]: finds them; [`go`]: asks Go's own YAML reader.
//! - One file a target. A new one goes there and into [`all`].
//!
//! `tests/fuzz.rs` runs each target for some seconds and replays `fixtures/fuzz/`; `examples/fuzz.rs` runs them for as long as one
//! likes. Nothing here may depend on the clock or on chance but for the seed that a failure prints.
#![allow(dead_code, reason = "the test and the example each use their part")]

pub mod engine;
pub mod go;
pub mod mutate;
pub mod seeds;

mod cel;
mod diff;
mod edit;
mod go_template;
mod helm_release;
mod judge;
#[path = "../support/judged.rs"]
mod judged;
mod migrate;
mod post_render;
#[path = "../support/post_rendered.rs"]
mod post_rendered;
mod schema;
mod settings;
mod split;
#[path = "../support/typed.rs"]
mod typed;
mod yaml;

use engine::Target;

/// All targets.
pub fn all() -> Vec<Box<dyn Target>> {
    vec![
        Box::new(yaml::Yaml::new()),
        Box::new(split::Split),
        Box::new(edit::Edit),
        Box::new(post_render::PostRender),
        Box::new(judge::Judge::default()),
        Box::new(schema::Schema::default()),
        Box::new(settings::Settings::new()),
        Box::new(helm_release::HelmRelease),
        Box::new(cel::Cel::new()),
        Box::new(migrate::Migrate),
        Box::new(diff::Diff::default()),
        Box::new(go_template::GoTemplate),
    ]
}

/// The target of a name.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    all().into_iter().find(|target| target.name() == name)
}
