//! post-render of any stream: no object is lost or made up, what was not to change keeps its bytes, the second time changes nothing.

use capi_lint::transform::{self, Dedupe, Labels, Options};

use super::engine::{Shape, Target};
use super::mutate::Random;
use super::{post_rendered, seeds};

pub struct PostRender;

fn options(random: &mut Random) -> Options {
    let mut labels = Labels::default();
    if random.one_in(2) {
        labels.all.insert("owner".into(), "platform".into());
    }
    if random.one_in(2) {
        labels.clusters.insert("cni".into(), "calico".into());
        labels.inherit.push("cni".into());
    }
    if random.one_in(4) {
        labels.all.insert("example.com/yes".into(), (*random.pick(&["true", "", "1", "null"])).to_owned());
    }
    if random.one_in(4) {
        labels.from_name = transform::label::NamePattern::try_from("{app}-{environment}".to_owned()).ok();
    }
    let modes = [Dedupe::Identical, Dedupe::Identical, Dedupe::KeepFirst, Dedupe::KeepLast, Dedupe::Off];
    Options { dedupe: *random.pick(&modes), labels, jobs: 1 }
}

impl Target for PostRender {
    fn name(&self) -> &'static str {
        "post-render"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = seeds::short_streams(1800);
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/post-render"), &["txt"], 4000));
        all
    }

    fn words(&self) -> &'static [&'static str] {
        seeds::MANIFEST
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let options = options(&mut Random::of(input));
        let (rules, dropped, edited, items, broken) = post_rendered::check(input, &options)?.seen;
        Ok(Shape::of((rules, dropped.min(3), edited.min(5), items.min(3), broken.min(4))))
    }
}
