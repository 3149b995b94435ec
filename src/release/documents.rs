//! From a document to its objects: is it one, is it a list of them, and which template did it come from.
//!
//! What is wrong with the document itself is found here (no YAML, no object, a key twice); what is wrong with an object is
//! for `schema` and the rules.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::object::{Common, Object, Outline, Parts, Text, TypeMeta};
use crate::report::{Finding, Place};
use crate::secrets;
use crate::yaml::{Document, DuplicateKey, Kind, Span, SyntaxError, Value, Words, words_read};

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

/// The object of a value, or why it is none; `known` is what it has in common with others, where that is known.
pub fn object<'a>(
    number: u32,
    document: u32,
    root: Value<'a>,
    outline: Outline,
    known: Option<Arc<Common<'a>>>,
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
    let document_of = root.document();
    let text = |index| text_at(document_of, index);
    let mut stated = || match (text(outline.api_version), text(outline.kind)) {
        (Some(api_version), Some(kind)) => Ok(shared.common(api_version, kind, outline.parts)),
        (api_version, kind) => {
            let missing = match (api_version.is_some(), kind.is_some()) {
                (false, false) => "'apiVersion' and 'kind'",
                (false, true) => "'apiVersion'",
                _ => "'kind'",
            };
            Err(fault(
                format!(
                    "this document has no {missing} (or not as text): kubectl and Helm cannot tell what it is and refuse the stream"
                ),
                "add apiVersion and kind, such as apiVersion: cluster.x-k8s.io/v1beta2 and kind: Cluster",
            ))
        }
    };
    let common = known.map_or_else(&mut stated, Ok)?;
    Ok(Object {
        number,
        document,
        root,
        common,
        namespace: text(outline.namespace).map(|namespace| shared.namespace(namespace)).unwrap_or_default(),
        name: text(outline.name).map(Text::from).unwrap_or_default(),
    })
}

/// What is known of the documents of a form.
#[derive(Debug)]
pub struct Known<'a> {
    /// Where what makes them objects stands.
    pub outline: Outline,
    /// What they have in common, where their type hangs on words that most of them keep, and these words.
    common: Option<(Arc<Common<'a>>, Words)>,
}

impl<'a> Known<'a> {
    /// Looks a document through.
    pub fn of(document: &'a Document, root: Value<'a>) -> Self {
        let outline = Outline::of(root);
        let watched = document.watched();
        let read = words_read(|| {
            let _ = type_of(&watched, outline);
        });
        let common = type_of(document, outline).filter(|_| document.keeps(read)).map(|(version, kind)| {
            let common = Common { type_meta: TypeMeta::new(version, kind), parts: outline.parts };
            (common.into(), read)
        });
        Self { outline, common }
    }

    /// What one of them has in common with others, where that is known.
    pub fn common(&self, document: &Document) -> Option<Arc<Common<'a>>> {
        let (common, words) = self.common.as_ref()?;
        document.keeps(*words).then(|| Arc::clone(common))
    }
}

/// `apiVersion` and `kind`, where both are texts.
fn type_of(document: &Document, outline: Outline) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    Some((text_at(document, outline.api_version)?, text_at(document, outline.kind)?))
}

/// A text at a node, where one is there.
fn text_at(document: &Document, index: u32) -> Option<Cow<'_, str>> {
    let value = if index == 0 { None } else { document.value(index) };
    value.and_then(|value| value.as_str()).filter(|text| !text.is_empty())
}

/// What many objects share: kept once, so that comparing them looks at few places in memory.
#[derive(Debug, Default)]
pub struct Shared<'a> {
    /// By `apiVersion`, `kind` and where the parts stand.
    common: FxHashMap<(Cow<'a, str>, Cow<'a, str>, Parts), Arc<Common<'a>>>,
    /// The namespace that was asked for last, where it stood first.
    namespace: &'a str,
}

impl<'a> Shared<'a> {
    /// What objects of this type have in common that have their parts here.
    fn common(&mut self, api_version: Cow<'a, str>, kind: Cow<'a, str>, parts: Parts) -> Arc<Common<'a>> {
        let known = self.common.entry((api_version, kind, parts));
        let (api_version, kind, parts) = known.key().clone();
        Arc::clone(known.or_insert_with(|| Common { type_meta: TypeMeta::new(api_version, kind), parts }.into()))
    }

    /// The same namespace, where the last one stood if that was the same: there may be many.
    fn namespace(&mut self, text: Cow<'a, str>) -> Text<'a> {
        let Cow::Borrowed(own) = text else { return text.into() };
        if own != self.namespace {
            self.namespace = own;
        }
        Cow::Borrowed(self.namespace).into()
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
