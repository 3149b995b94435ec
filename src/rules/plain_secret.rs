//! Secrets in plain text.

use super::view::{View, is_capi_group};
use crate::object::Object;
use crate::report::{Finding, Severity};
use crate::yaml::{PerForm, Value};

crate::rule! {
    /// A private key or password stands in a manifest.
    ///
    /// Whoever reads the chart, its values, the release Secret or a Git history reads it too. capi-lint never prints what it found.
    ///
    /// Looked at: Secrets with data (a **note**), and, as **warnings**, private keys anywhere in Cluster API
    /// objects, and `passwd` of kubeadm's users (a **note** where it is a hash).
    ///
    /// ## Example
    ///
    /// ```yaml
    /// files:
    ///   - path: /etc/kubernetes/pki/ca.key
    ///     content: |
    ///       -----BEGIN PRIVATE KEY-----
    /// ```
    ///
    /// ## Fix
    ///
    /// `contentFrom.secret` and `passwdFrom.secret`, with Secrets that come from a vault (External Secrets, Sealed Secrets, SOPS)
    /// and not from the chart.
    pub PLAIN_SECRET = "plain-secret", Info, Advice;
}

/// Looks at Secrets, and through the texts of Cluster API objects.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    out.extend(view.of_kind("", "Secret").filter_map(in_secret));
    // Nearly no release has either word in it: then no object is looked through.
    if view.release.streams.iter().any(|stream| WORDS.iter().any(|word| stream.holds(word))) {
        let mut forms = PerForm::default();
        for object in view.of_kinds(|group, _| is_capi_group(group)) {
            // What one of the words stands in stands in the form, or it is a value that the document has in place of the form's.
            let document = object.root.document();
            let is_in_form = *forms.get(document, || holds_word(document.form_text()));
            if is_in_form || document.difference().is_some_and(|(own, _)| holds_word(own)) {
                in_object(object, out);
            }
        }
    }
}

fn holds_word(text: &str) -> bool {
    WORDS.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// What stands in every manifest with a key or a password in it.
const WORDS: &[&str] = &["PRIVATE KEY-----", "passwd"];

fn in_secret(object: &Object<'_>) -> Option<Finding> {
    // What a ClusterResourceSet applies in clusters is mostly manifests.
    if object
        .at(&["type"])
        .and_then(|kind| kind.as_str())
        .is_some_and(|kind| kind == "addons.cluster.x-k8s.io/resource-set")
    {
        return None;
    }
    let filled = |value: &Value<'_>| value.entries().any(|entry| entry.as_str().is_some_and(|text| !text.is_empty()));
    let data = ["stringData", "data"].iter().filter_map(|key| object.root.get(key)).find(filled)?;
    // No name, so that the Secrets of a release make one finding.
    let message = "a Secret carries its data in the manifest: whoever reads the chart or the release reads it";
    let finding = Finding::new(&PLAIN_SECRET, message).at(object.key_place(data));
    Some(finding.suggest("let it come from a vault (External Secrets, Sealed Secrets, SOPS), not from the chart"))
}

fn in_object(object: &Object<'_>, out: &mut Vec<Finding>) {
    let Some(spec) = object.spec() else { return };
    for index in spec.index()..spec.end_index() {
        let Some(value) = object.root.document().value(index) else { continue };
        let is_scalar = !value.is_map() && !value.is_seq();
        let is_key = is_scalar && value.raw().contains("PRIVATE KEY-----") && value.as_str().is_some();
        let is_password =
            value.key_is("passwd") && value.as_str().is_some_and(|text| !text.is_empty() && text != "*" && text != "!");
        if is_key || is_password {
            // What crypt made of it (`$6$…`) is no way in by itself, but can be tried against a list of words.
            let is_hash = is_password && value.as_str().is_some_and(|text| text.starts_with('$'));
            let what = if is_key {
                "a private key"
            } else if is_hash {
                "the hash of a password"
            } else {
                "a password"
            };
            let severity = if is_hash { Severity::Info } else { Severity::Warning };
            let message = format!("{} '{}' carries {what} in the manifest", object.kind, object.name);
            let help = if is_key { "contentFrom.secret" } else { "passwdFrom.secret" };
            // A report shows the line a finding points at: never one that holds the secret itself.
            let is_one_line = !value.raw().contains('\n');
            let shown = object.root.get("kind").filter(|_| is_one_line).unwrap_or(value);
            let finding = Finding::new(&PLAIN_SECRET, message).severity(severity).at(object.key_place(shown));
            out.push(finding.path(object.path(value.index())).suggest(help));
        }
    }
}
