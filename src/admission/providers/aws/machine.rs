//! Machines of AWS and their templates, and what pools share with them: volumes, groups, the market.

use crate::admission::Gate;
use crate::admission::check::{Check, field, filled, is_set, is_true, items, number, text, whole};
use crate::admission::rules::{FIELD_IN_TEMPLATE, MISSING_SETTING, OUT_OF_RANGE};
use crate::admission::url;
use crate::base64;
use crate::yaml::{Once, Value};

use super::{clash, elastic_pool, lacking, malformed, not_in_template, ssh_key, tags, within};

/// Judges an `AWSMachine` or its template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    ssh_key(check, spec);
    tags(check, spec);
    volumes(check, spec);
    groups(check, spec, "additionalSecurityGroups", Filters::Some);
    hosts(check, spec, is_template);
    if let Some(cloud_init) = field(spec, &["cloudInit"]) {
        secrets(check, cloud_init, is_template);
    }
    ignition(check, spec, is_template);
    if is_template {
        let is_empty = field(spec, &["providerID"]).filter(|at| !is_set(Some(*at)));
        if let Some(at) = is_empty {
            let message =
                "`providerID` belongs to one machine, and even an empty one is refused by the webhook in a template";
            check.refuse(&FIELD_IN_TEMPLATE, at, message, "drop it");
        }
        for path in [&["providerID"][..], &["cloudInit", "secretPrefix"], &["cloudInit", "secretCount"]] {
            not_in_template(check, spec, path);
        }
        return;
    }
    within(check, field(spec, &["rootVolume", "throughput"]), &THROUGHPUT);
    market(check, spec);
    if let Some(pool) = field(spec, &["elasticIpPool"]) {
        if !is_true(spec, &["publicIP"]) {
            let why = "a pool of public addresses for a machine without `publicIP: true`";
            clash(check, pool, why, "set `publicIP: true`, or drop the pool");
        }
        elastic_pool(check, Some(pool));
    }
    reservation(check, spec);
    let is_spot =
        text(spec, &["marketType"]).as_deref() == Some("Spot") || field(spec, &["spotMarketOptions"]).is_some();
    if let Some(at) = field(spec, &["capacityReservationPreference"])
        && at.as_str().as_deref() == Some("CapacityReservationsOnly")
        && is_spot
    {
        clash(check, at, "reserved capacity only, and the spot market", "drop one of them");
    }
}

/// What gp3 volumes can do, in MiB/s; the webhooks know it for the root volume of a machine or pool.
pub const THROUGHPUT: std::ops::RangeInclusive<i64> = 125..=2000;

/// With the id of a reservation there is but one preference.
pub fn reservation<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    if field(spec, &["capacityReservationId"]).is_some()
        && let Some(at) = field(spec, &["capacityReservationPreference"])
        && at.as_str().is_some_and(|preference| !matches!(&*preference, "" | "CapacityReservationsOnly"))
    {
        clash(check, at, "a preference beside the id of a reservation", "write CapacityReservationsOnly, or drop it");
    }
}

fn secrets<'a>(check: &mut Check<'_, 'a>, cloud_init: Value<'a>, is_template: bool) {
    let set = |key: &str| field(cloud_init, key).filter(|at| is_set(Some(*at)) && whole(*at) != Some(0));
    if is_true(cloud_init, &["insecureSkipSecretsManager"]) {
        for key in ["secretPrefix", "secretCount", "secureSecretsBackend"] {
            if let Some(at) = set(key) {
                let why = format!("`{key}` although secrets are not used");
                clash(check, at, &why, "drop it, or `insecureSkipSecretsManager`");
            }
        }
    }
    // A template may have neither.
    if is_template {
        return;
    }
    if let (Some(at), None) | (None, Some(at)) = (set("secretPrefix"), set("secretCount")) {
        let message = "secretPrefix and secretCount go together: the webhook refuses one alone";
        check.refuse(&MISSING_SETTING, at, message, "set both, or drop both");
    }
}

fn ignition<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let Some(ignition) = field(spec, &["ignition"]) else { return };
    if !check.gate(Gate::BootstrapFormatIgnition, ignition, "`ignition`") {
        return;
    }
    let is_configured = field(spec, &["cloudInit"]).is_some_and(|cloud_init| {
        is_true(cloud_init, &["insecureSkipSecretsManager"])
            || ["secretPrefix", "secureSecretsBackend"].iter().any(|key| filled(cloud_init, *key).is_some())
            || number(cloud_init, &["secretCount"]).is_some_and(|count| count != 0)
    });
    if is_configured {
        clash(check, ignition, "both `cloudInit` and `ignition`", "keep one of them");
    }
    if is_template {
        return;
    }
    let version = filled(ignition, &["version"]);
    // Unless the user data carries its own version, 2.3 is filled in.
    let is_old = match version.as_deref() {
        None => text(ignition, &["storageType"]).as_deref() != Some("UnencryptedUserData"),
        Some(version) => matches!(version, "2.3" | "3.0"),
    };
    for key in ["proxy", "tls"] {
        if let Some(at) = field(ignition, key).filter(|_| is_old) {
            let why = format!("Ignition of version {} knows no `{key}`", version.as_deref().unwrap_or("2.3"));
            clash(check, at, &why, "use `version: \"3.1\"` or newer");
        }
    }
    for key in ["httpProxy", "httpsProxy"] {
        if let Some(at) = field(ignition, Once(&["proxy", key]))
            && at.as_str().is_some_and(|text| url::parse(&text).is_none())
        {
            malformed(check, at, "no URL of a proxy", "write http://host:port");
        }
    }
    for at in items(ignition, &["proxy", "noProxy"]) {
        if at.as_str().is_some_and(|text| !url::is_no_proxy(&text)) {
            malformed(check, at, "no host without proxy", "write an address, a CIDR, a domain in lower case, or *");
        }
    }
    for at in items(ignition, &["tls", "certificateAuthorities"]) {
        if let Some(text) = at.as_str().filter(|text| !is_authority(text)) {
            let shown: String = text.chars().take(32).collect();
            let fix = "write a URL of http, https, tftp, s3, arn or gs, or data:;base64,…";
            malformed(check, at, &format!("{shown:?} is no source of a certificate authority"), fix);
        }
    }
}

/// Whether a text says where a certificate is found, or holds one itself.
fn is_authority(text: &str) -> bool {
    url::parse(text).is_some_and(|url| match &*url.scheme.to_ascii_lowercase() {
        "http" | "https" | "tftp" | "s3" | "arn" | "gs" => true,
        "data" => {
            !url.rest.starts_with('/')
                && url.rest.split_once(',').is_some_and(|(_, data)| base64::decode(data.as_bytes()).is_some())
        }
        _ => false,
    })
}

/// Judges how instances are bought.
pub fn market<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["marketType"]) else { return };
    let ty = at.as_str().unwrap_or_default();
    if matches!(&*ty, "CapacityBlock" | "OnDemand") && field(spec, &["spotMarketOptions"]).is_some() {
        let why = format!("spotMarketOptions with market type {ty}");
        clash(check, at, &why, "drop `spotMarketOptions`, or write Spot");
    }
    if ty == "CapacityBlock" && field(spec, &["capacityReservationId"]).is_none() {
        let why = "a capacity block without capacityReservationId";
        lacking(check, spec, &["capacityReservationId"], why, "name the reservation");
    }
}

fn hosts<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let (id, dynamic) = (filled(spec, &["hostID"]), field(spec, &["dynamicHostAllocation"]));
    let affinity = field(spec, &["hostAffinity"]).filter(|at| at.as_str().as_deref() == Some("host"));
    let at = field(spec, &["hostID"]).filter(|_| id.is_some()).or(dynamic).or(affinity);
    let Some(at) = at else { return };
    let why = if id.is_some() && dynamic.is_some() {
        "hostID and dynamicHostAllocation exclude each other"
    } else if text(spec, &["tenancy"]).as_deref() != Some("host") {
        "dedicated hosts need `tenancy: host`"
    } else if dynamic.is_some() && affinity.is_none() {
        "dynamicHostAllocation needs `hostAffinity: host`"
    } else if is_template && affinity.is_some() && id.is_none() && dynamic.is_none() {
        "`hostAffinity: host` needs hostID or dynamicHostAllocation"
    } else {
        return;
    };
    clash(check, at, why, "change the host settings accordingly");
}

/// Which filters count beside an id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filters {
    /// Those that filter.
    Some,
    /// An empty list too.
    Empty,
}

/// Judges references to groups or subnets: by id or by filters.
pub fn groups<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, list: &str, filters: Filters) {
    for group in items(spec, list) {
        let given = field(group, &["filters"]).filter(|at| filters == Filters::Empty || is_set(Some(*at)));
        if field(group, &["id"]).is_some() && given.is_some() {
            clash(check, group, "both `id` and `filters`", "keep one of them");
        }
    }
}

/// Judges volumes, root and others.
pub fn volumes<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let root = field(spec, &["rootVolume"]).into_iter().map(|volume| (volume, true));
    let others = items(spec, &["nonRootVolumes"]).map(|volume| (volume, false));
    for (volume, is_root) in root.chain(others) {
        let ty = text(volume, &["type"]).unwrap_or_default();
        if matches!(&*ty, "io1" | "io2") && matches!(number(volume, &["iops"]), None | Some(0)) {
            lacking(check, volume, &["iops"], &format!("a volume of type {ty} without iops"), "add `iops`");
        }
        if let Some(at) = field(volume, &["throughput"]) {
            if ty != "gp3" {
                clash(check, at, "only gp3 volumes take a throughput", "use `type: gp3`");
            } else if whole(at).is_some_and(|rate| rate < 0) {
                check.refuse(&OUT_OF_RANGE, at, "a negative throughput: the webhook refuses it", "use 125 to 2000");
            }
        }
        if !is_root && filled(volume, &["deviceName"]).is_none() {
            lacking(check, volume, &["deviceName"], "a volume without deviceName", "add it, such as /dev/sdb");
        }
    }
}
