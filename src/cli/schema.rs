//! stub
use super::Outcome;
/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {}
/// x
pub fn run(_: &Args) -> anyhow::Result<Outcome> {
    Ok(Outcome::Clean)
}
