//! The tour's two languages run the same commands; `tests/docs.rs` holds their outputs against the program.

mod common;

use std::fs;

use common::repository;

/// The commands of a page, in order.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository("docs").join(page)).expect("the page is there");
    assert_eq!(text.lines().filter(|line| line.starts_with("## ")).count(), 15, "{page} has fifteen steps");
    text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

#[test]
fn both_languages_run_the_same_commands() {
    let english = commands("tour.md");
    assert_eq!(english, commands("tour.fr.md"));
    for command in ["lint", "count", "post-render", "verify", "contexts", "plan", "diff", "split"] {
        assert!(english.iter().any(|line| line.contains(&format!("capi-lint {command}"))), "no step shows {command}");
    }
}
