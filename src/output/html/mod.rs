//! The fleet as one HTML file: opened from a disk, sent by mail, kept with a build. It asks nothing from anywhere, which its
//! own content policy forbids it too.
//!
//! The page is three hand-written files (`page.html`, `style.css`, `script.js`) and the data as JSON ([`data`]). The script
//! builds what is looked at when it is looked at, and puts text into the page only as text: no name or message is markup.

mod data;

use std::io::{self, Write};

use crate::diff::Diff;
use crate::output::Located;
use crate::parted::Parted;
use crate::rules::view::View;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What is on the page.
#[derive(Clone, Copy, Debug)]
pub struct Page<'p, 'r, 'a> {
    /// The heading.
    pub title: &'p str,
    /// The date that the reader is told, where one was given; the page has no clock.
    pub as_of: Option<&'p str>,
    /// The release with its clusters.
    pub view: &'p View<'r, 'a>,
    /// What was found, each place by itself.
    pub findings: &'p Parted<Located<'r>>,
    /// Clusters that are not like the others.
    pub outliers: &'p Parted<Located<'r>>,
    /// What the release changes in an older one.
    pub rollout: Option<&'p Diff<'p, 'a>>,
}

/// Writes the page.
///
/// # Errors
/// When the writer fails.
pub fn write(page: &Page<'_, '_, '_>, out: &mut dyn Write) -> io::Result<()> {
    // Within JSON this character stands in texts only, where it may be written so; no text can then end the script element.
    let data = serde_json::to_string(&data::of(page)?)?.replace('<', "\\u003c");
    let mut rest = PAGE;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        out.write_all(before.as_bytes())?;
        match name {
            "title" => out.write_all(escaped(page.title).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            _ => out.write_all(data.as_bytes())?,
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
