//! From a document to its objects: is it one, is it a list of them, and which template did it come from.
//!
//! What is wrong with the document itself is found here (no YAML, no object, a key twice); what is wrong with an object is
//! for `schema` and the rules.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::object::{Object, Outline};
use crate::report::{Finding, Place};
use crate::secrets;
use crate::yaml::{Document, DuplicateKey, Kind, Span, SyntaxError, Value};

crate::rule! {
    /// The document is no YAML that Kubernetes can read.
    ///
    /// kubectl and Helm stop at it, and nothing of the release is applied. capi-lint goes on and judges the other
    /// documents, so that one mistake does not hide the next.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// metadata:
    ///   name: prod: eu
    /// ```
    ///
    /// ## Fix
    ///
    /// Quote values that hold `: ` or begin with a special character: `name: "prod: eu"`.
    pub SYNTAX_ERROR = "syntax-error", Error, Client;

    /// The document is YAML, but no Kubernetes object: not a mapping, or without `apiVersion` or `kind`.
    ///
    /// kubectl and Helm refuse the whole release for it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// - apiVersion: cluster.x-k8s.io/v1beta2
    ///   kind: Cluster
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the document `apiVersion`, `kind` and `metadata.name`. Objects that stand in a list belong under `items` of a
    /// `kind: List`, or in documents of their own, separated by `---`.
    pub MALFORMED_OBJECT = "malformed-object", Error, Client;

    /// The same key stands twice in one mapping.
    ///
    /// Every client keeps the last one and drops the others in silence; the API server never sees them. Two documents that
    /// run into each other because a `---` is missing look like this too: only the last of them is applied.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// extraArgs:
    ///   cloud-provider: external
    ///   cloud-provider: aws
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one of them. Where `apiVersion` or `kind` stands twice, put a line `---` between the two documents.
    pub DUPLICATE_KEY = "duplicate-key", Error, Client;

    /// Text behind the end of a document, which no client reads.
    ///
    /// A line `...` ends a document, and so does the closing bracket of a document in flow style. What follows, up to the next
    /// `---`, is dropped without a word: an object that stands there is never applied.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: ConfigMap
    /// ...
    /// apiVersion: v1
    /// kind: Secret
    /// ```
    ///
    /// ## Fix
    ///
    /// Separate documents by `---`.
    pub IGNORED_TEXT = "ignored-text", Error, Client;
}

/// The finding for text that no client reads.
pub fn ignored(document: u32, offset: usize) -> Finding {
    let start = offset as u32;
    Finding::new(&IGNORED_TEXT, "the document has ended before this text, and every client drops it without a word")
        .at(Place { document, object: None, node: None, span: Span { start, end: start } })
        .suggest("put a line with --- before it, or remove it")
}

/// The finding for a document that is no YAML.
pub fn broken(document: u32, text: &str, error: &SyntaxError) -> Finding {
    let start = error.offset.min(text.len()) as u32;
    let place = Place { document, object: None, node: None, span: Span { start, end: start } };
    let finding =
        Finding::new(&SYNTAX_ERROR, format!("{error}. kubectl and Helm refuse the whole stream for it")).at(place);
    let mut finding = match error.help() {
        Some(help) => finding.suggest(help),
        None => finding,
    };
    secrets::Values::around(text, error.offset).scrub_finding(&mut finding);
    finding
}

/// The finding for a key that stands twice.
pub fn duplicate_key(document: u32, parsed: &Document, duplicate: &DuplicateKey) -> Finding {
    let value = parsed.value(duplicate.node);
    let key = value.and_then(|value| value.key()).unwrap_or_default();
    let between = parsed.text().get(duplicate.first.start as usize..duplicate.second.start as usize);
    let between = between.map_or(0, |between| memchr::memchr_iter(b'\n', between.as_bytes()).count());
    let place = Place { document, object: None, node: Some(duplicate.node), span: duplicate.second };
    let at_root = value.is_some_and(|value| value.path() == *key);
    let (message, help) = if at_root && matches!(&*key, "apiVersion" | "kind" | "metadata" | "spec") {
        (
            format!(
                "'{key}' stands twice at the top of one document ({between} lines apart): two objects run into each other, \
                 and every client keeps only the last. The first one is never applied"
            ),
            "put a line with --- between the two objects; look for a value with --- glued to its end".to_owned(),
        )
    } else {
        (
            format!(
                "'{key}' stands twice in the same mapping ({between} lines apart): every client keeps the last and drops the \
                 first without a word"
            ),
            format!("keep one '{key}'"),
        )
    };
    let mut finding = Finding::new(&DUPLICATE_KEY, message).at(place).suggest(help);
    finding.others = vec![Place { span: duplicate.first, ..place }];
    finding
}

/// The object of a value, or why it is none.
pub fn object<'a>(
    number: u32,
    document: u32,
    root: Value<'a>,
    outline: Outline,
    shared: &mut Shared<'a>,
) -> Result<Object<'a>, Box<Finding>> {
    let fault = |message: String, help: &str| {
        let place = Place { document, object: None, node: Some(root.index()), span: start_of(root) };
        Box::new(Finding::new(&MALFORMED_OBJECT, message).at(place).suggest(help))
    };
    if !root.is_map() {
        let what = if root.kind() == Kind::Seq { "a list" } else { "a single value" };
        return Err(fault(
            format!(
                "this document is {what}, not a Kubernetes object: kubectl and Helm refuse the whole stream for it"
            ),
            "write each object as a document of its own with apiVersion, kind and metadata; separate documents by ---",
        ));
    }
    let text = |index: u32| {
        let value = if index == 0 { None } else { root.document().value(index) };
        value.and_then(|value| value.as_str()).filter(|text| !text.is_empty())
    };
    let (api_version, kind) = match (text(outline.api_version), text(outline.kind)) {
        (Some(api_version), Some(kind)) => (api_version, kind),
        (api_version, kind) => {
            let missing = match (api_version.is_some(), kind.is_some()) {
                (false, false) => "'apiVersion' and 'kind'",
                (false, true) => "'apiVersion'",
                _ => "'kind'",
            };
            return Err(fault(
                format!(
                    "this document has no {missing} (or not as text): kubectl and Helm cannot tell what it is and refuse the stream"
                ),
                "add apiVersion and kind, such as apiVersion: cluster.x-k8s.io/v1beta2 and kind: Cluster",
            ));
        }
    };
    Ok(Object {
        number,
        document,
        root,
        parts: outline.parts,
        group_length: memchr::memchr(b'/', api_version.as_bytes()).unwrap_or(0) as u32,
        api_version: shared.versions.first(api_version),
        kind: shared.kinds.first(kind),
        namespace: text(outline.namespace).map(|namespace| shared.namespaces.like_last(namespace)),
        name: text(outline.name).unwrap_or(Cow::Borrowed("")),
    })
}

/// Texts that many objects share: each is kept where it stood first, so that comparing them looks at few places in memory.
#[derive(Debug, Default)]
pub struct Shared<'a> {
    versions: Texts<'a>,
    kinds: Texts<'a>,
    namespaces: Texts<'a>,
}

#[derive(Debug, Default)]
struct Texts<'a> {
    known: FxHashSet<&'a str>,
    /// What was asked for last, and where it stood first.
    last: (&'a str, &'a str),
}

impl<'a> Texts<'a> {
    /// The same text, where it stood first.
    fn first(&mut self, text: Cow<'a, str>) -> Cow<'a, str> {
        let Cow::Borrowed(own) = text else { return text };
        // Documents of a form have one text, in one place.
        if !std::ptr::eq(own, self.last.0) {
            let known = self.known.get(own).copied().unwrap_or_else(|| {
                self.known.insert(own);
                own
            });
            self.last = (own, known);
        }
        Cow::Borrowed(self.last.1)
    }

    /// The same text; where the last one stood if that was the same. For texts of which there may be many.
    fn like_last(&mut self, text: Cow<'a, str>) -> Cow<'a, str> {
        let Cow::Borrowed(own) = text else { return text };
        if own != self.last.1 {
            self.last = (own, own);
        }
        Cow::Borrowed(self.last.1)
    }
}

/// The first line of a value: to point at a whole object without marking all of it.
fn start_of(value: Value<'_>) -> Span {
    let span = value.span();
    let line = value.raw().lines().next().map_or(0, str::len) as u32;
    Span { start: span.start, end: span.start + line }
}

/// Helm 4's mark of origin.
pub const HELM4_ORIGIN: &str = "postrenderer.helm.sh/postrender-filename";

/// The template that a document was rendered from: Helm 4's annotation, else Helm 3's comment before the object.
pub fn template<'a>(text: &'a str, parsed: Option<&'a Document>) -> Option<&'a str> {
    let from_annotation = parsed.and_then(|document| {
        let mark = document.root()?.at(&["metadata", "annotations"])?.get(HELM4_ORIGIN)?;
        match mark.as_str()? {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    });
    from_annotation.or_else(|| {
        let (mut rest, mut found) = (text, None);
        // Not line by line: a document may be one line of many megabytes, and hold as many objects.
        while rest.starts_with('#') || rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n') {
            let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
            found = line.trim_end().strip_prefix("# Source: ").or(found);
            rest = behind;
        }
        found
    })
}
