//! Control planes that Azure runs (AKS) and their templates.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::admission::address::Block;
use crate::admission::check::{Check, field, filled, is_true, items, text};
use crate::admission::quantity::duration;
use crate::admission::rules::{INVALID_ADDRESS, INVALID_NAME, INVALID_VERSION, OUT_OF_RANGE};
use crate::admission::semver;
use crate::object::CLUSTER_NAME_LABEL;
use crate::yaml::{Once, Value};

use super::formats::is_count_of;
use super::machine::ssh_key;
use super::network::private_endpoints;
use super::{clash, is_set, lacking, malformed, within};

/// Judges an `AzureManagedControlPlane` or its template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    name(check);
    version(check, spec);
    balancer(check, spec);
    network(check, spec);
    access(check, spec);
    autoscaler(check, spec);
    extensions(check, spec);
    security(check, spec);
    if is_template {
        return;
    }
    ssh_key(check, spec);
    dns_prefix(check, spec);
    identity(check, spec);
    if let Some(at) = field(spec, &["disableLocalAccounts"]).filter(|_| field(spec, &["aadProfile"]).is_none()) {
        clash(check, at, "disableLocalAccounts without aadProfile", "add `aadProfile`, or drop the field");
    }
    if let Some(at) = field(spec, &["fleetsMember", "name"])
        && at.as_str().is_some_and(|name| !name.is_empty() && !is_member(&name))
    {
        let message = "no name of a member of a fleet: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use lower-case letters, digits and `-`");
    }
    service_address(check, spec);
}

fn name(check: &mut Check<'_, '_>) {
    let lower = check.name().to_lowercase();
    if let Some(word) = ["microsoft", "windows"].into_iter().find(|word| lower.contains(word))
        && let Some(at) = check.at(&["metadata", "name"])
    {
        let message = format!("Azure reserves names with {word:?}: the webhook refuses it");
        check.refuse(&INVALID_NAME, at, message, "use another name");
    }
}

fn version<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["version"]) else { return };
    let text = at.as_str().unwrap_or_default();
    let numbers = text.strip_prefix('v').unwrap_or(&text);
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(numbers.len());
    let (numbers, rest) = numbers.split_at(end);
    let parts: Vec<&str> = numbers.splitn(3, '.').collect();
    let is_number = |part: &str| part == "0" || !part.is_empty() && !part.starts_with('0');
    // Anything of these characters may follow the third number.
    let last = parts.get(2).map_or("", |last| last.split('.').next().unwrap_or_default());
    let is_version = parts.len() == 3
        && is_number(parts[0])
        && is_number(parts[1])
        && (is_number(last) || last.starts_with('0'))
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    if !is_version {
        let message = format!("{text:?} is no version: the webhook wants MAJOR.MINOR.PATCH and refuses it");
        check.refuse(&INVALID_VERSION, at, message, semver::suggestion(&text));
    }
}

fn balancer<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(profile) = field(spec, &["loadBalancerProfile"]) else { return };
    for (key, range) in
        [("managedOutboundIPs", 1..=100), ("allocatedOutboundPorts", 0..=64000), ("idleTimeoutInMinutes", 4..=120)]
    {
        within(check, field(profile, key), &range);
    }
    let kinds = ["managedOutboundIPs", "outboundIPPrefixes", "outboundIPs"];
    if kinds.iter().filter(|key| is_set(field(profile, **key))).count() > 1 {
        let why = "more than one kind of outbound addresses";
        clash(check, profile, why, format!("keep one of {}", kinds.join(", ")));
    }
}

fn network<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let (plane, mode) = (field(spec, &["networkDataplane"]), text(spec, &["networkPluginMode"]));
    let policy = field(spec, &["networkPolicy"]);
    let is_cilium = |at: Option<Value<'_>>| at.and_then(|at| at.as_str()).as_deref() == Some("cilium");
    let is_overlay = mode.as_deref() == Some("overlay");
    if let Some(at) = policy.filter(|_| is_cilium(policy) && plane.is_some() && !is_cilium(plane)) {
        clash(check, at, "policy cilium on another dataplane", "set `networkDataplane: cilium`");
    }
    if let Some(at) = plane.filter(|_| is_cilium(plane) && !is_overlay) {
        clash(check, at, "dataplane cilium without the overlay", "set `networkPluginMode: overlay`");
    }
    if let Some(at) = plane.filter(|_| is_cilium(plane) && !is_cilium(policy)) {
        clash(check, at, "dataplane cilium with another policy", "set `networkPolicy: cilium`");
    }
    let is_template = check.object.kind.ends_with("Template");
    if let Some(at) = field(spec, &["networkPluginMode"])
        .filter(|_| is_overlay && !is_template && text(spec, &["networkPlugin"]).as_deref() == Some("kubenet"))
    {
        clash(check, at, "the overlay belongs to plugin azure, not kubenet", "set `networkPlugin: azure`");
    }
    let own = field(spec, &["virtualNetwork"]);
    let get = |keys: &[&str]| own.and_then(|own| field(own, Once(keys))).filter(|at| is_set(Some(*at)));
    let (vnet, subnet) = (get(&["cidrBlock"]), get(&["subnet", "cidrBlock"]));
    // What is left out beside the other the schema fills.
    let or = |at: Option<Value<'a>>, default| at.and_then(|at| at.as_str()).unwrap_or(Cow::Borrowed(default));
    let (outer, inner) = (or(vnet, "10.0.0.0/8"), or(subnet, "10.240.0.0/16"));
    for (at, text) in [(vnet, &outer), (subnet, &inner)] {
        if let Some(at) = at.filter(|_| Block::parse(text).is_none()) {
            let message = "no CIDR: the webhook refuses it";
            check.refuse(&INVALID_ADDRESS, at, message, "write address and prefix length, such as 10.0.0.0/8");
        }
    }
    if let (Some(outer), Some(inner), Some(at)) = (Block::parse(&outer), Block::parse(&inner), subnet.or(vnet))
        && !outer.contains(inner.address)
    {
        let message = "the subnet's block lies outside of the network's: the webhook refuses it";
        check.refuse(&INVALID_ADDRESS, at, message, "set both `cidrBlock`s, one inside the other");
    }
}

fn access<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(profile) = field(spec, &["apiServerAccessProfile"]) else { return };
    for range in items(profile, &["authorizedIPRanges"]) {
        crate::admission::cluster::cidr(check, range);
    }
    let Some(at) = field(profile, &["privateDNSZone"]) else { return };
    let zone = at.as_str().unwrap_or_default().to_lowercase();
    if matches!(&*zone, "system" | "none") {
        return;
    }
    let Some((_, name)) = zone.split_once("privatednszones/") else {
        malformed(check, at, "no private zone", "write System, None or the id of a private DNS zone");
        return;
    };
    if !is_true(profile, &["enablePrivateCluster"]) {
        clash(check, at, "a private zone for a cluster that is public", "set `enablePrivateCluster: true`");
    } else if !is_zone(name) {
        malformed(
            check,
            at,
            &format!("{name:?} is no zone for AKS"),
            "name it private.LOCATION.azmk8s.io or privatelink.…",
        );
    }
}

/// `private.<location>.azmk8s.io` or `privatelink.…`, with or without one label in front.
fn is_zone(name: &str) -> bool {
    let Some(name) = name.strip_suffix(".azmk8s.io") else { return false };
    let mut labels = name.rsplit('.');
    let is_plain = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_front = |label: &str| {
        (1..=32).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.next().is_some_and(is_plain)
        && labels.next().is_some_and(|label| matches!(label, "private" | "privatelink"))
        && labels.next().is_none_or(is_front)
        && labels.next().is_none()
}

fn autoscaler<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(profile) = field(spec, &["autoscalerProfile"]) else { return };
    for key in ["maxEmptyBulkDelete", "maxGracefulTerminationSec", "okTotalUnreadyCount"] {
        let is_fine = |text: &str| text.parse::<i64>().is_ok_and(|number| number >= 0);
        setting(check, profile, key, "write a whole number in quotes", is_fine);
    }
    let is_share = |text: &str| text.parse::<i64>().is_ok_and(|share| (0..=100).contains(&share));
    setting(check, profile, "maxTotalUnreadyPercentage", "write 0 to 100 in quotes", is_share);
    let is_threshold = |text: &str| text.parse::<f32>().is_ok_and(|share| (0.0..=1.0).contains(&share));
    setting(check, profile, "scaleDownUtilizationThreshold", "write 0 to 1 in quotes, such as \"0.5\"", is_threshold);
    let is_time = |unit: char| move |text: &str| text.is_empty() || is_count_of(text, unit);
    for key in [
        "scaleDownDelayAfterAdd",
        "scaleDownDelayAfterFailure",
        "scaleDownUnneededTime",
        "scaleDownUnreadyTime",
        "maxNodeProvisionTime",
    ] {
        setting(check, profile, key, "write minutes, such as 10m", is_time('m'));
    }
    for key in ["scanInterval", "scaleDownDelayAfterDelete"] {
        setting(check, profile, key, "write seconds, such as 10s", is_time('s'));
    }
    let is_duration = |text: &str| text.is_empty() || duration(text).is_some();
    setting(check, profile, "newPodScaleUpDelay", "write a duration, such as 10s", is_duration);
}

fn setting<'a>(check: &mut Check<'_, 'a>, profile: Value<'a>, key: &str, fix: &str, is_fine: impl Fn(&str) -> bool) {
    if let Some(at) = field(profile, key)
        && let Some(text) = at.as_str().filter(|text| !is_fine(text))
    {
        malformed(check, at, &format!("{text:?} is no {key}"), fix);
    }
}

fn extensions<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for extension in items(spec, &["extensions"]) {
        let upgrades = field(extension, &["autoUpgradeMinorVersion"]).and_then(|at| at.as_bool()) != Some(false);
        if let Some(at) = field(extension, &["version"]).filter(|_| upgrades) {
            let why = "a version of an extension that upgrades itself";
            clash(check, at, why, "set `autoUpgradeMinorVersion: false`, or drop the version");
        }
        let Some(scope) = field(extension, &["scope"]) else { continue };
        let (needed, other) = match text(scope, &["scopeType"]).as_deref() {
            Some("Cluster") => ("releaseNamespace", "targetNamespace"),
            Some("Namespace") => ("targetNamespace", "releaseNamespace"),
            _ => continue,
        };
        if filled(scope, needed).is_none() {
            lacking(check, scope, &[needed], &format!("a scope without {needed}"), format!("add `{needed}`"));
        }
        if let Some(at) = field(scope, other).filter(|at| is_set(Some(*at))) {
            clash(check, at, &format!("`{other}` belongs to the other type of scope"), "drop it");
        }
    }
}

fn security<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(profile) = field(spec, &["securityProfile"]) else { return };
    if let Some(at) =
        field(profile, &["workloadIdentity"]).filter(|_| !is_true(spec, &["oidcIssuerProfile", "enabled"]))
    {
        clash(check, at, "workload identity without an OIDC issuer", "set `oidcIssuerProfile.enabled: true`");
    }
    let Some(kms) = field(profile, &["azureKeyVaultKms"]) else { return };
    if text(spec, &["identity", "type"]).as_deref() != Some("UserAssigned") {
        clash(check, kms, "a key vault without an identity of your own", "set `identity.type: UserAssigned`");
        return;
    }
    let access = text(kms, &["keyVaultNetworkAccess"]);
    let (is_private, is_public) =
        (access.as_deref() == Some("Private"), matches!(access.as_deref(), None | Some("Public")));
    let vault = field(kms, &["keyVaultResourceID"]).filter(|at| is_set(Some(*at)));
    match vault {
        None if is_private => {
            lacking(check, kms, &["keyVaultResourceID"], "a private key vault without id", "add its id");
        }
        Some(at) if is_public => {
            clash(
                check,
                at,
                "the id of a key vault that is public",
                "drop it, or set `keyVaultNetworkAccess: Private`",
            );
        }
        _ => {}
    }
}

/// Without a prefix the webhook takes the object's name for one.
fn dns_prefix<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let given = field(spec, &["dnsPrefix"]);
    let prefix = given.and_then(|at| at.as_str()).unwrap_or_else(|| check.name().into());
    let bytes = prefix.as_bytes();
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_prefix = (2..=54).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    if let Some(at) = given.or(check.at(&["metadata", "name"])).filter(|_| !is_prefix) {
        let fix = "set `dnsPrefix` to 2 to 54 letters, digits and `-`, with a letter or digit at both ends";
        malformed(check, at, &format!("{prefix:?} is no prefix for a DNS name"), fix);
    }
}

fn identity<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(identity) = field(spec, &["identity"]) else { return };
    let is_user = text(identity, &["type"]).as_deref() == Some("UserAssigned");
    match field(identity, &["userAssignedIdentityResourceID"]).filter(|at| is_set(Some(*at))) {
        None if is_user => {
            let why = "an identity of your own without its id";
            lacking(check, identity, &["userAssignedIdentityResourceID"], why, "add the id of the identity");
        }
        Some(at) if !is_user => {
            clash(check, at, "the id of an identity that Azure makes", "write `type: UserAssigned`");
        }
        _ => {}
    }
}

fn is_member(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(is_end) && name.ends_with(is_end) && name.chars().all(|c| is_end(c) || c == '-')
}

/// The address of the cluster's DNS against the Cluster's network, where the release has the Cluster.
fn service_address<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(label) = check.at(&["metadata", "labels", CLUSTER_NAME_LABEL]) else { return };
    let Some(name) = label.as_str() else { return };
    let Some(cluster) = check.peers.find(check.object, "cluster.x-k8s.io", "Cluster", None, &name) else { return };
    let services: Vec<String> = items(cluster.root, &["spec", "clusterNetwork", "services", "cidrBlocks"])
        .filter_map(|block| Some(block.as_str()?.into_owned()))
        .collect();
    let pods = items(cluster.root, &["spec", "clusterNetwork", "pods", "cidrBlocks"]).count();
    if services.len() > 1 || pods > 1 {
        let message = format!(
            "AKS takes one block for pods and one for services, Cluster {name} has more: the webhook refuses it"
        );
        check.refuse(&OUT_OF_RANGE, label, message, "leave one block each in the Cluster's `clusterNetwork`");
        return;
    }
    let blocks: Vec<Cow<'_, str>> = field(spec, &["virtualNetwork", "subnet", "cidrBlock"])
        .and_then(|block| block.as_str())
        .map_or_else(|| vec!["10.240.0.0/16".into()], |block| vec![block]);
    if let Some(subnet) = field(spec, &["virtualNetwork", "subnet"]) {
        private_endpoints(check, subnet, &blocks);
    }
    let Some(at) = field(spec, &["dnsServiceIP"]) else { return };
    let text = at.as_str().unwrap_or_default();
    let address = text.parse::<IpAddr>().ok();
    let block = services.first().and_then(|block| Block::parse(block));
    let is_inside = address.zip(block).is_some_and(|(address, block)| block.contains(address));
    if !is_inside || !address.is_some_and(|address| address.to_string().ends_with(".10")) {
        let range = services.first().map_or("none", String::as_str);
        let message = format!(
            "{text:?} must end with .10 and lie in the service block of Cluster {name} ({range}): the webhook refuses it"
        );
        check.refuse(
            &INVALID_ADDRESS,
            at,
            message,
            "use an address such as 10.96.0.10 inside `clusterNetwork.services`",
        );
    }
}
