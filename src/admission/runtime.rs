//! ExtensionConfigs: where a runtime extension is reached.

use super::Gate;
use super::check::{Check, field, filled, is_set, whole};
use super::rules::{CONFLICTING_FIELDS, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE};
use crate::schema::validate::names::{is_dns_1035_label, is_dns_label};

/// Judges an ExtensionConfig.
pub fn judge(check: &mut Check<'_, '_>) {
    if check.object.kind != "ExtensionConfig" {
        return;
    }
    let root = check.object.root;
    if !check.gate(Gate::RuntimeSdk, field(root, &["kind"]).unwrap_or(root), "an ExtensionConfig") {
        return;
    }
    let name = check.name();
    if let Some(value) = field(root, &["metadata", "name"]).filter(|_| !is_dns_label(name)) {
        let message = format!("{name:?} is no DNS label: the webhook refuses it for an ExtensionConfig");
        check.refuse(&INVALID_NAME, value, message, "use at most 63 lower-case letters, digits and `-`, without dots");
    }
    check.selector(field(root, &["spec", "namespaceSelector"]));
    client(check);
}

fn client(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let Some(client) = field(root, &["spec", "clientConfig"]) else { return };
    let url = field(client, &["url"]).filter(|url| url.as_str().is_none_or(|url| !url.is_empty()));
    let service = field(client, &["service"]).filter(|service| is_set(Some(*service)) || !check.since(11));
    match (url, service) {
        (None, None) => {
            let message = "neither `url` nor `service`: the webhook cannot reach the extension and refuses the object";
            check.absent(&MISSING_SETTING, client, &["service"], message, "add `service: {name: …, namespace: …}`");
        }
        (Some(url), Some(_)) => {
            let message = "both `url` and `service`: the webhook refuses the object";
            check.refuse(&CONFLICTING_FIELDS, url, message, "keep `service`, or `url` alone");
        }
        _ => {}
    }
    if let Some(url) = url
        && let Some(text) = url.as_str()
        && !is_https(&text)
    {
        check.refuse(&MALFORMED_VALUE, url, "no https URL: the webhook refuses it", "write https://host:port/path");
    }
    let Some(service) = service else { return };
    if let Some(name) = field(service, &["name"])
        && !filled(service, &["name"]).is_some_and(|name| is_dns_1035_label(&name))
    {
        let message = "no name of a Service: the webhook refuses it";
        check.refuse(&INVALID_NAME, name, message, "use lower-case letters, digits and `-`, beginning with a letter");
    }
    if let Some(namespace) = field(service, &["namespace"])
        && !filled(service, &["namespace"]).is_some_and(|name| is_dns_label(&name))
    {
        let message = "no name of a namespace: the webhook refuses it";
        check.refuse(&INVALID_NAME, namespace, message, "use at most 63 lower-case letters, digits and `-`");
    }
    if let Some(path) = field(service, &["path"])
        && let Some(text) = path.as_str().filter(|text| !text.is_empty())
        && !is_url_path(&text)
    {
        check.refuse(
            &MALFORMED_VALUE,
            path,
            "no URL path: the webhook refuses it",
            "begin with `/` and percent-encode the rest",
        );
    }
    if let Some(port) = field(service, &["port"])
        && let Some(number) = whole(port).filter(|number| !(1..=65535).contains(number))
    {
        check.refuse(
            &OUT_OF_RANGE,
            port,
            format!("port {number}: the webhook refuses it"),
            "use 1 to 65535 (443 is the default)",
        );
    }
}

/// Whether Go reads the text as a URL with the scheme https.
fn is_https(url: &str) -> bool {
    let Some(rest) = url.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).and_then(|_| url.get(8..))
    else {
        // Go also takes `https:path`.
        return url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) && is_encoded(url);
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or("", |(_, port)| port);
    is_encoded(url) && !host.contains(' ') && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is free of control characters, and each `%` begins an escape.
fn is_encoded(text: &str) -> bool {
    !text.bytes().any(|byte| byte < 0x20 || byte == 0x7F)
        && text
            .split('%')
            .skip(1)
            .all(|rest| rest.as_bytes().get(..2).is_some_and(|escape| escape.iter().all(u8::is_ascii_hexdigit)))
}

fn is_url_path(path: &str) -> bool {
    path.starts_with('/') && is_encoded(path) && !path.contains(['?', '#'])
}
