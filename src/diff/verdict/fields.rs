//! Fields that webhooks freeze, judged by the table [`frozen`].

use serde_json::Value as Json;

use super::frozen::{self, When};
use super::{VERSION_DOWNGRADE, Verdict, quoted};
use crate::diff::json;
use crate::diff::update::Update;
use crate::diff::version::Version;

crate::rule! {
    /// A field that must not change is changed.
    ///
    /// The server or a webhook refuses the update, and Helm stops in the middle of the upgrade: objects before it are changed
    /// already, those behind it are not.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: prod-2   # was prod
    /// ```
    ///
    /// ## Fix
    ///
    /// Take the change back. Where it has to be, give the object a new name, so that it is made anew.
    pub IMMUTABLE_FIELD = "immutable-field", Error, Admission;
}

const HELP: &str = "take the change back, or give the object a new name so that it is made anew";

/// Judges an object of a kind with frozen fields.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if !object.group().ends_with("cluster.x-k8s.io") {
        return;
    }
    for (when, keys) in frozen::fields(object.group(), &object.kind) {
        if is_refused(*when, update, keys) {
            refuse(update, keys, verdict);
        }
    }
    if let Some(allowed) = frozen::only(object.group(), &object.kind) {
        only(update, allowed, verdict);
    }
    match &*object.kind {
        "OpenStackCluster" => openstack_cluster(update, verdict),
        "AWSCluster" => {
            aws_load_balancer(update, verdict);
            aws_bastion(update, &["spec", "bastion"], verdict);
        }
        "AWSManagedControlPlane" => {
            authentication_mode(update, verdict);
            managed_version(update, &["spec", "version"], verdict);
            aws_bastion(update, &["spec", "bastion"], verdict);
            generated(update, &["spec", "eksClusterName"], eks_name(update, 100).as_deref(), verdict);
        }
        "AWSManagedControlPlaneTemplate" => {
            managed_version(update, &["spec", "template", "spec", "version"], verdict);
            aws_bastion(update, &["spec", "template", "spec", "bastion"], verdict);
        }
        "AWSManagedMachinePool" => {
            generated(update, &["spec", "eksNodegroupName"], eks_name(update, 64).as_deref(), verdict);
        }
        "AzureCluster" => azure_cluster(update, verdict),
        "AzureManagedControlPlane" => {
            managed_version(update, &["spec", "version"], verdict);
            aks_extensions(update, &["spec", "extensions"], verdict);
        }
        "AzureManagedControlPlaneTemplate" => {
            aks_extensions(update, &["spec", "template", "spec", "extensions"], verdict);
        }
        _ => {}
    }
}

/// Whether a field comes or goes of which the webhook asks only whether it is there, be it empty.
pub fn comes_or_goes(update: &Update<'_, '_>) -> bool {
    let fields = frozen::fields(update.new.group(), &update.new.kind).iter();
    fields.filter(|(when, _)| *when == When::Presence).any(|(when, keys)| is_refused(*when, update, keys))
}

fn refuse(update: &Update<'_, '_>, keys: &[&str], verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let message = format!(
        "{} must not change once {} is there (from {} to {}): the webhook refuses the update",
        keys.join("."),
        update.new.kind,
        quoted(before),
        quoted(after)
    );
    verdict.say(update, &IMMUTABLE_FIELD, keys, message, HELP);
}

fn is_set(value: Option<&Json>) -> bool {
    value.is_some_and(|value| !json::is_empty(value) && value.as_str() != Some(""))
}

fn is_refused(when: When, update: &Update<'_, '_>, keys: &[&str]) -> bool {
    let (before, after) = update.both(keys);
    let differs = || !json::same(before, after);
    match when {
        When::Always => differs(),
        When::Plain => {
            let is_zero = |value: &&Json| value.as_f64() == Some(0.0) || value.as_bool() == Some(false);
            !json::same(before.filter(|value| !is_zero(value)), after.filter(|value| !is_zero(value)))
        }
        When::OnceSet => is_set(before) && differs(),
        When::NotRemoved => is_set(before) && !is_set(after),
        When::Presence => before.is_some() != after.is_some(),
        When::Replaced => is_set(before) && is_set(after) && differs(),
        When::WhileThere => {
            let above = keys.split_last().map_or(&[][..], |(_, above)| above);
            let (before, after) = update.both(above);
            before.is_some() && after.is_some() && differs()
        }
    }
}

/// Everything below `spec` is frozen but these paths.
fn only(update: &Update<'_, '_>, allowed: &[frozen::Path], verdict: &mut Verdict) {
    let spec = |tree: &Json| {
        let mut spec = json::at(tree, &["spec"]).cloned().unwrap_or(Json::Null);
        for path in allowed {
            json::remove_each(&mut spec, path);
        }
        // These webhooks compare what is written when nothing empty is.
        if matches!(&*update.new.kind, "AWSMachine" | "VSphereMachine" | "VSphereVM") {
            json::drop_empty(&mut spec, &[]);
        }
        spec
    };
    let (before, after) = (spec(&update.before), spec(&update.after));
    // What a field of its own says is not said again; where only its coming and going is frozen, what stands in it is too.
    let is_told = |keys: &[&str]| {
        let fields = frozen::fields(update.new.group(), &update.new.kind).iter();
        fields
            .filter(|(_, known)| keys.starts_with(known))
            .any(|(when, known)| !matches!(when, When::Presence | When::NotRemoved) || is_refused(*when, update, known))
    };
    let mut paths = Vec::new();
    json::leaf_differences(Some(&before), Some(&after), &mut vec!["spec".into()], &mut paths);
    for path in &paths {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        if !is_told(&keys) {
            let message =
                format!("{} of {} must not change: the webhook refuses the update", path.join("."), update.new.kind);
            verdict.say(update, &IMMUTABLE_FIELD, &keys, message, HELP);
        }
    }
}

/// What of an OpenStackCluster may change only in one direction, or only where the floating IP is off.
fn openstack_cluster(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let is_off = json::at(&update.before, &["spec", "disableAPIServerFloatingIP"]) == Some(&Json::Bool(true));
    for field in ["apiServerFixedIP", "apiServerPort"] {
        let keys = ["spec", field];
        if update.changed(&keys) && (!is_off || is_set(update.both(&keys).0)) {
            refuse(update, &keys, verdict);
        }
    }
    let (before, after) = update.both(&["spec", "bastion"]);
    let was_on = before.is_some_and(|bastion| bastion.get("enabled") != Some(&Json::Bool(false)));
    if was_on && after.is_none() {
        let message = "spec.bastion is taken away while it is on: the webhook refuses that".to_owned();
        let help = "first upgrade with bastion.enabled: false, then take it away";
        verdict.say(update, &IMMUTABLE_FIELD, &["spec", "bastion"], message, help);
    }
    let keys = ["spec", "managedSubnets"];
    let (before, after) = update.both(&keys);
    if let (Some(Json::Array(before)), Some(Json::Array(after))) = (before, after)
        && before.len() != after.len()
        && !verdict.has_refused(update.new, "spec.managedSubnets")
    {
        refuse(update, &keys, verdict);
    }
    // A filter may become the id that it resolved to; which that is, no manifest shows.
    let names_by_filter = |value: &Json| value.get("filter").is_some() && value.get("id").is_none();
    let is_resolved = |old: &Json, new: &Json| json::equal(old, new) || names_by_filter(old) && new.get("id").is_some();
    let fits = |old: Option<&Json>, new: Option<&Json>| match (old, new) {
        (Some(Json::Array(old)), Some(Json::Array(new))) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_resolved(old, new))
        }
        (Some(old), Some(new)) => is_resolved(old, new),
        (old, new) => json::same(old, new),
    };
    for field in ["network", "subnets"] {
        let keys = ["spec", field];
        let (before, after) = update.both(&keys);
        if !fits(before, after) {
            refuse(update, &keys, verdict);
        }
    }
}

/// A field that a webhook fills with a name of its own where nothing is written, and that must not change from then on.
fn generated(update: &Update<'_, '_>, keys: &[&str], default: Option<&str>, verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let stored = |value: Option<&Json>| match value.and_then(Json::as_str).filter(|text| !text.is_empty()) {
        Some(written) => Some(written.to_owned()),
        None => default.map(str::to_owned),
    };
    // Where neither the name nor how it is made is known, nothing can be said.
    if let (Some(before), Some(after)) = (stored(before), stored(after))
        && before != after
    {
        refuse(update, keys, verdict);
    }
}

/// What the AWS provider calls things in EKS that have no name, unless that is so long that it is hashed.
fn eks_name(update: &Update<'_, '_>, limit: usize) -> Option<String> {
    let name = format!("{}_{}", update.new.namespace.as_deref()?, update.new.name.replace('.', "_"));
    (name.len() < limit).then_some(name)
}

/// Names below the network of an AzureCluster; subnets are told by theirs.
fn azure_cluster(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let name = &update.new.name;
    let balancer = |tree: &Json| {
        let is_internal = json::text_at(tree, &["spec", "networkSpec", "apiServerLB", "type"]) == Some("Internal");
        format!("{name}-{}-lb", if is_internal { "internal" } else { "public" })
    };
    let default = Some(balancer(&update.before)).filter(|before| *before == balancer(&update.after));
    generated(update, &["spec", "networkSpec", "apiServerLB", "name"], default.as_deref(), verdict);
    let outbound = |tree: &Json| json::at(tree, &["spec", "networkSpec", "nodeOutboundLB"]).is_some();
    if outbound(&update.before) && outbound(&update.after) {
        generated(update, &["spec", "networkSpec", "nodeOutboundLB", "name"], Some(&**name), verdict);
    }
    let keys = ["spec", "networkSpec", "subnets"];
    for after in json::items(&update.after, &keys) {
        let same = |before: &&Json| before.get("name").is_some() && before.get("name") == after.get("name");
        let Some(before) = json::items(&update.before, &keys).iter().find(same) else { continue };
        for part in ["routeTable", "natGateway", "securityGroup"] {
            let named = |subnet: &Json| json::text_at(subnet, &[part, "name"]).map(str::to_owned);
            // Without a name the webhook makes one from cluster and role; a name that is taken away may come back as it was.
            if let (Some(old), Some(new)) = (named(before), named(after))
                && old != new
            {
                let message = format!(
                    "the {part} of the subnet {} must not get another name (from {old:?} to {new:?}): the webhook refuses \
                     the update",
                    quoted(after.get("name"))
                );
                verdict.say(update, &IMMUTABLE_FIELD, &keys, message, HELP);
            }
        }
    }
}

/// Extensions of AKS, told by their names (release 1.26.0). The webhook compares where two scopes stand in memory, so that no scope
/// is ever the same: an extension that has one freezes its whole object.
fn aks_extensions(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    for after in json::items(&update.after, keys) {
        let same = |before: &&Json| before.get("name") == after.get("name");
        let Some(before) = json::items(&update.before, keys).iter().rfind(same) else { continue };
        let name = quoted(after.get("name"));
        if before.get("scope").is_some() || after.get("scope").is_some() {
            let message = format!(
                "the extension {name} has a scope: the webhook of {} takes no update of an object with such an extension, \
                 whatever changes in it",
                update.new.kind
            );
            let help = "give the extension another name, so that it is made anew, or leave the object as it is";
            verdict.say(update, &IMMUTABLE_FIELD, keys, message, help);
        }
        let of = |side: &Json, part: &str| side.get(part).filter(|value| !json::is_empty(value)).cloned();
        let is_other = |part: &&&str| match (of(before, part), of(after, part)) {
            (Some(before), Some(after)) => !json::equal(&before, &after),
            (before, after) => **part == "identity" && before != after,
        };
        for part in ["extensionType", "plan", "releaseTrain", "version", "identity"].iter().filter(is_other) {
            let message = format!("{part} of the extension {name} must not change: the webhook refuses the update");
            verdict.say(update, &IMMUTABLE_FIELD, keys, message, HELP);
        }
    }
}

fn aws_load_balancer(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "controlPlaneLoadBalancer", "loadBalancerType"];
    let (before, after) = update.both(&keys);
    let is = |value: Option<&Json>, kind: &str| value.and_then(Json::as_str) == Some(kind);
    if is(before, "disabled") != is(after, "disabled") {
        refuse(update, &keys, verdict);
    }
    let protocol = ["spec", "controlPlaneLoadBalancer", "healthCheckProtocol"];
    if !is(before, "classic") && update.changed(&protocol) {
        refuse(update, &protocol, verdict);
    }
    let scheme = ["spec", "secondaryControlPlaneLoadBalancer", "scheme"];
    let is_new = update.both(&scheme[..2]).0.is_none() && update.both(&scheme[..2]).1.is_some();
    let chosen = update.both(&scheme).1.and_then(Json::as_str).unwrap_or("internet-facing");
    if is_new && !chosen.eq_ignore_ascii_case("internet-facing") {
        let message = format!(
            "a second load balancer that comes later must be internet-facing, not {chosen}: the webhook refuses the update"
        );
        verdict.say(update, &IMMUTABLE_FIELD, &scheme, message, "make the AWSCluster anew with both of them");
    }
    let annotation = ["metadata", "annotations", "cluster.x-k8s.io/managed-by"];
    if is_refused(When::NotRemoved, update, &annotation) {
        refuse(update, &annotation, verdict);
    }
}

/// Where nobody says who may reach the bastion, the webhook writes everybody down when the object is made, and no upgrade that does
/// not speak of it takes that back: then the bastion cannot lose its rules.
fn aws_bastion(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    let (before, after) = update.both(keys);
    let has_none = |bastion: Option<&Json>| {
        bastion.and_then(|bastion| bastion.get("disableIngressRules")) == Some(&Json::Bool(true))
    };
    let is_open = |bastion: Option<&Json>| bastion.is_none_or(|bastion| bastion.get("allowedCIDRBlocks").is_none());
    if has_none(after) && !has_none(before) && is_open(before) && is_open(after) {
        let keys = [keys, &["allowedCIDRBlocks"]].concat();
        let message = format!(
            "{} was filled in when the {} was made, and is there still when disableIngressRules comes: the webhook refuses the two \
             together",
            keys.join("."),
            update.new.kind
        );
        verdict.say(update, &IMMUTABLE_FIELD, &keys, message, "write `allowedCIDRBlocks: []` beside it");
    }
}

/// EKS: the mode goes from `config_map` over `api_and_config_map` to `api`, never back.
fn authentication_mode(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let keys = ["spec", "accessConfig", "authenticationMode"];
    let rank = |mode: &str| ["config_map", "api_and_config_map", "api"].iter().position(|known| *known == mode);
    let Some((old, new)) = update.texts(&keys) else { return };
    if rank(new) < rank(old) {
        refuse(update, &keys, verdict);
    }
}

/// Managed control planes never go down.
fn managed_version(update: &Update<'_, '_>, keys: &[&'static str], verdict: &mut Verdict) {
    let Some((old, new)) = update.texts(keys) else { return };
    let parse = |text: &str| Version::parse(text).or_else(|| Version::parse(&format!("{text}.0")));
    let (Some(from), Some(to)) = (parse(old), parse(new)) else { return };
    if (to.major, to.minor) < (from.major, from.minor) {
        let message =
            format!("the version goes down from {old} to {new}: the webhook of {} refuses that", update.new.kind);
        verdict.say(update, &VERSION_DOWNGRADE, keys, message, &format!("stay at {old}"));
    }
}
