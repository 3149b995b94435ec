//! How large the Secret will be in which Helm keeps a release: a Secret holds one megabyte, and an upgrade that needs more fails
//! after everything was rendered.
//!
//! Helm stores base64 of a gzipped JSON document that holds the manifests, the chart's files and the values. What is known of
//! it is packed here the same way and counted; nothing is kept.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::base64;

/// Bytes that the API server takes in one Secret.
pub const LIMIT: usize = 1_048_576;

/// What Helm writes around the manifests and files: names, times, states.
const FRAME: &str = r#"{"name":"release-name","info":{"first_deployed":"2026-01-01T00:00:00.000000000Z","last_deployed":"2026-01-01T00:00:00.000000000Z","deleted":"","description":"Install complete","status":"deployed","notes":""},"chart":{"metadata":{"name":"chart","version":"0.1.0","apiVersion":"v2"},"lock":null,"templates":[],"values":{},"schema":null,"files":null},"config":{},"manifest":"","version":1,"namespace":"default"}"#;

/// The Secret of a release, packed as Helm would and only counted.
#[derive(Debug)]
pub struct Forecast {
    packed: GzEncoder<Counter>,
}

impl Default for Forecast {
    fn default() -> Self {
        Self::new()
    }
}

impl Forecast {
    /// A release with nothing in it.
    pub fn new() -> Self {
        let mut forecast = Self { packed: GzEncoder::new(Counter::default(), Compression::best()) };
        forecast.write(FRAME.as_bytes());
        forecast
    }

    /// Adds rendered manifests, or a part of them.
    pub fn manifests(&mut self, text: &str) {
        // A JSON string: Go escapes what HTML would read, too.
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escaped = match byte {
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'<' => "\\u003c",
                b'>' => "\\u003e",
                b'&' => "\\u0026",
                _ => continue,
            };
            self.write(text.get(from..at).unwrap_or_default().as_bytes());
            self.write(escaped.as_bytes());
            from = at + 1;
        }
        self.write(text.get(from..).unwrap_or_default().as_bytes());
    }

    /// Adds a file of the chart: a template, or anything else that Helm stores as it is.
    pub fn chart_file(&mut self, name: &str, bytes: &[u8]) {
        self.write(br#"{"name":""#);
        self.write(name.as_bytes());
        self.write(br#"","data":""#);
        for chunk in bytes.chunks(3) {
            self.write(&base64::encode(chunk));
        }
        self.write(br#""},"#);
    }

    /// The size of the Secret, to be compared with [`LIMIT`].
    pub fn size(self) -> usize {
        let packed = self.packed.finish().map_or(0, |counter| counter.bytes);
        packed.div_ceil(3) * 4
    }

    fn write(&mut self, bytes: &[u8]) {
        // A counter takes everything.
        let _ = self.packed.write_all(bytes);
    }
}

/// The size of the Secret of a release of which only the rendered manifests are known.
pub fn of_manifests<'t>(texts: impl IntoIterator<Item = &'t str>) -> usize {
    let mut forecast = Forecast::new();
    texts.into_iter().for_each(|text| forecast.manifests(text));
    forecast.size()
}

#[derive(Debug, Default)]
struct Counter {
    bytes: usize,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_release_is_small_and_noise_is_a_third_larger() {
        assert!(of_manifests([]) < 500);
        let mut state = 1_u64;
        let noise: String = (0..90_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state >> 58) as usize])
            })
            .collect();
        let size = of_manifests([noise.as_str()]);
        assert!((88_000..96_000).contains(&size), "{size}");
    }
}
