//! Releases that Helm cannot keep.

use flate2::{Compress, Compression, FlushCompress};

use super::view::{Delivery, View};
use crate::release::secret_size::LIMIT;
use crate::report::{Finding, Severity};
use crate::stream::Stream;

crate::rule! {
    /// The release is too large for the Secret that Helm keeps it in, or soon will be.
    ///
    /// Helm stores every release as JSON, gzipped and in base64, in one Secret of at most 1,048,576 bytes: the manifests, the
    /// chart with all of its templates, and the values. Above that `helm install` and `helm upgrade` fail at the very end, with
    /// `Secret "sh.helm.release.v1.…" is invalid: data: Too long`.
    ///
    /// What is forecast is the manifests' share, from samples of them; chart and values come on top. It is an **error** under
    /// post-render, where Helm is known to store the release, and a **warning** else, and for what comes near the limit (from
    /// four fifths on).
    ///
    /// ## Example
    ///
    /// 10,000 clusters in one release; or a few hundred, each with certificates of its own, which do not compress.
    ///
    /// ## Fix
    ///
    /// Several releases, each with a part of the clusters (`capi-lint plan` proposes shards); contents such as certificates and
    /// cloud-init into Secrets that come from elsewhere. Where Helm keeps its releases in a database
    /// (`HELM_DRIVER=sql`), switch the rule off: `rules: {release-too-large: off}`.
    pub RELEASE_TOO_LARGE = "release-too-large", Warning, Admission;
}

/// From this part of the limit on a word is due: tenths.
const NEAR: usize = 8;

/// How the streams are sampled.
#[derive(Clone, Copy)]
struct Look {
    /// How many samples, spread evenly.
    samples: usize,
    /// Bytes of one sample.
    bytes: usize,
    /// Bytes before it, in which it finds again what the whole stream would have brought to its place.
    lead: usize,
    level: u32,
}

/// Finds more bytes than there will be: it looks back less than deflate does.
const QUICK: Look = Look { samples: 8, bytes: 8 << 10, lead: 8 << 10, level: 1 };
/// Deflate looks back 32 KiB. Tells the size to a seventh (measured on fleets, the corpus, and certificates, against all of each
/// compressed), in a millisecond for a fleet.
const CAREFUL: Look = Look { samples: 12, bytes: 24 << 10, lead: 32 << 10, level: 7 };
/// The quick look is taken at its word only below this part of the limit: a stream is not the same everywhere.
const QUICK_NEAR: usize = 6;

/// Forecasts the release's Secret.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    let streams = view.release.streams;
    // Helm escapes line ends and quotes for JSON, then base64 makes four bytes of three: less can never reach the limit.
    let bytes: usize = streams.iter().map(Stream::len).sum();
    if bytes * 3 / 2 < LIMIT * NEAR / 10 || !is_helms(view) {
        return;
    }
    if forecast(streams, QUICK) < LIMIT * QUICK_NEAR / 10 {
        return;
    }
    let size = forecast(streams, CAREFUL);
    if size < LIMIT * NEAR / 10 {
        return;
    }
    let too_large = size > LIMIT;
    let message = format!(
        "the manifests of this release ({} MB) take about {} kB of the {} kB that Helm's release Secret may have, and chart and \
         values come on top: {}",
        bytes / 1_000_000,
        size / 1000,
        LIMIT / 1000,
        if too_large {
            "Helm cannot store the release, and install or upgrade fail"
        } else {
            "soon Helm cannot store it"
        }
    );
    let is_error = too_large && view.delivery == Delivery::Helm;
    let finding = Finding::new(&RELEASE_TOO_LARGE, message);
    let shards = size.div_ceil(LIMIT * NEAR / 10).max(2);
    out.push(
        finding
            .severity(if is_error { Severity::Error } else { Severity::Warning })
            .suggest(format!("{shards} releases, each with a part of the clusters (capi-lint plan proposes shards)")),
    );
}

/// Whether Helm rendered the manifests, or is about to store them.
fn is_helms(view: &View<'_, '_>) -> bool {
    let mut objects = view.release.objects.iter();
    view.delivery == Delivery::Helm || objects.any(|object| view.release.template_of(object.document).is_some())
}

/// The size of the Secret that holds the streams, from samples spread over them evenly.
fn forecast(streams: &[Stream], look: Look) -> usize {
    let all: usize = streams.iter().map(Stream::len).sum();
    let (mut read, mut written) = (0_usize, 0_usize);
    let mut packer = Packer::of(look.level);
    for stream in streams {
        let share = (look.samples * stream.len()).div_ceil(all.max(1));
        for number in 0..share {
            let step = stream.len() / share;
            let from = step * number + step.saturating_sub(look.bytes) / 2;
            let lead = from.saturating_sub(look.lead);
            let bytes = stream.bytes(lead..stream.len().min(from + look.bytes));
            let (lead, sample) = bytes.split_at_checked(from - lead).unwrap_or_default();
            read += sample.len();
            written += packer.packed(lead, sample).unwrap_or(sample.len());
        }
    }
    let gzipped = all as f64 * written as f64 / read.max(1) as f64;
    (gzipped * 4.0 / 3.0) as usize
}

/// Compresses one sample after the other, in the same room.
struct Packer {
    deflate: Compress,
    packed: Vec<u8>,
}

impl Packer {
    fn of(level: u32) -> Self {
        Self { deflate: Compress::new(Compression::new(level), false), packed: Vec::new() }
    }

    /// What a sample adds to a compressed stream behind its lead. That Helm puts the text into JSON makes two bytes of a hundred more,
    /// and that a sample begins a block of its own about as many.
    fn packed(&mut self, lead: &[u8], sample: &[u8]) -> Option<usize> {
        self.deflate.reset();
        if !lead.is_empty() {
            self.deflate.set_dictionary(lead).ok()?;
        }
        self.packed.clear();
        // What does not get smaller gets hardly larger.
        self.packed.reserve(sample.len() + sample.len() / 8 + 64);
        self.deflate.compress_vec(sample, &mut self.packed, FlushCompress::Sync).ok()?;
        (self.deflate.total_in() == sample.len() as u64).then_some(self.packed.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::input::Source;

    /// What Helm would do with the whole of it: it compresses as well as gzip can.
    fn exact(text: &[u8]) -> usize {
        let text = serde_json::to_vec(std::str::from_utf8(text).unwrap()).unwrap();
        Packer::of(9).packed(b"", &text).unwrap() * 4 / 3
    }

    #[test]
    fn samples_tell_the_size_of_the_whole() {
        let mut even = String::new();
        let mut uneven = String::new();
        let mut seed = 1_u32;
        for number in 0..6000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let _ = write!(
                even,
                "---\nkind: Cluster\nmetadata:\n  name: app-{number}\n  labels: {{a: \"{seed:x}\"}}\nspec: {{}}\n"
            );
            let _ = write!(uneven, "---\nkind: Secret\nmetadata:\n  name: s-{number}\n");
            for _ in 0..number % 40 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let _ = write!(uneven, "{seed:x}");
            }
        }
        for text in [even, uneven] {
            let source = Source { name: "manifests".into(), bytes: text.into_bytes() };
            let (exact, forecast) = (exact(&source.bytes), forecast(&[Stream::parse(&source, 1)], CAREFUL));
            assert!(exact.abs_diff(forecast) * 10 < exact, "{exact} bytes, forecast {forecast}");
        }
    }
}
