//! Secrets, ConfigMaps and identities that a provider's object names without saying of which group and kind they are.
//!
//! Found by the key they stand under, which all providers choose alike: `credentialsRef`, `hetznerSecretRef`, `contentFrom.secret`,
//! `dataSecretName`, `identityRef`.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{INFRASTRUCTURE, Link, Naming, Role, text};
use crate::object::{Object, Reference};
use crate::secrets;
use crate::yaml::Value;

/// Whether a text may hold any key that speaks of data or identities.
pub fn may_be_in(text: &[u8]) -> bool {
    static WORDS: LazyLock<[Finder<'_>; 4]> =
        LazyLock::new(|| ["ecret", "onfigMap", "dentityRef", "redentialsRef"].map(Finder::new));
    WORDS.iter().any(|word| word.find(text).is_some())
}

/// The references of an object to data and identities, at any depth. (In a ClusterClass such names are filled in by patches,
/// cluster by cluster.)
pub fn of<'a>(object: &Object<'a>, spec: Value<'a>) -> Vec<Link<'a>> {
    let document = spec.document();
    let mut links = Vec::new();
    // Nearly no key ends like these: their last letters are looked at first.
    let may_be = |index: u32| document.key_ends_with(index, &["Ref", "ecret", "ecretName", "onfigMap"]);
    for index in (spec.index()..spec.end_index()).filter(|index| may_be(*index)) {
        let Some(value) = document.value(index) else { continue };
        let Some(key) = value.key() else { continue };
        if key == "identityRef" {
            links.extend(identity(object, value));
        } else if let Some(kind) = kind_of(&key) {
            // A value under `clientSecret` is the secret itself; a mapping there names one.
            if value.is_map() || !secrets::is_telling(&key) {
                links.extend(data(object, value, kind));
            }
        }
    }
    links
}

/// Which kind a key speaks of.
fn kind_of(key: &str) -> Option<&'static str> {
    let lower = key.strip_suffix("Ref").unwrap_or(key);
    let ends = |end: &str| {
        lower.len() >= end.len()
            && lower.is_char_boundary(lower.len() - end.len())
            && lower[lower.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    if ends("secret") || ends("secretName") || key.len() > lower.len() && ends("credentials") {
        Some("Secret")
    } else if ends("configMap") {
        Some("ConfigMap")
    } else {
        None
    }
}

/// A mapping with a name, or the name itself.
fn data<'a>(object: &Object<'a>, value: Value<'a>, kind: &'static str) -> Option<Link<'a>> {
    let name = if value.is_map() { text(value, "name")? } else { value.as_str()? };
    let stated = text(value, "kind");
    // What says its group has been found by its shape; a name with a blank or a bracket is filled in by somebody else.
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if !is_name || stated.as_ref().is_some_and(|stated| stated != kind) || Reference::from_value(value).is_some() {
        return None;
    }
    // The credentials of an identity are the provider's way in; a Secret beside them is mere data.
    let role = if object.kind.ends_with("Identity") { Role::Identity } else { Role::Data };
    let to = Naming { namespace: text(value, "namespace"), ..Naming::of("", kind) };
    Some(Link::by_name(object, value, role, to))
}

/// `identityRef` without a group: a Secret, or a kind of the provider's own group.
fn identity<'a>(object: &Object<'a>, value: Value<'a>) -> Option<Link<'a>> {
    if text(value, "name").is_none() || Reference::from_value(value).is_some() {
        return None;
    }
    let kind = text(value, "kind").or_else(|| text(value, "type")).unwrap_or(Cow::Borrowed("Secret"));
    // OpenStack calls its OpenStackClusterIdentity by its type.
    let kind = if kind == "ClusterIdentity" { Cow::Borrowed("OpenStackClusterIdentity") } else { kind };
    let group = if kind == "Secret" { "" } else { INFRASTRUCTURE };
    let to = Naming { kind, namespace: text(value, "namespace"), ..Naming::of(group, "") };
    Some(Link::by_name(object, value, Role::Identity, to))
}
