//! The Metal3 provider.

use crate::report::Severity;
use crate::yaml::{Once, Value};

use super::super::check::{Check, field, filled, is_set, is_true, items, number, text, whole};
use super::super::quantity::duration;
use super::super::rules::{
    CONFLICTING_FIELDS, FOREIGN_REFERENCE, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE,
};
use super::super::url;
use super::{durations, lacking, machine_spec};

/// Judges an object of the Metal3 provider.
pub fn judge(check: &mut Check<'_, '_>) {
    match &*check.object.kind {
        "Metal3Cluster" => endpoint(check, &["spec", "controlPlaneEndpoint"], false),
        "Metal3ClusterTemplate" => endpoint(check, &["spec", "template", "spec", "controlPlaneEndpoint"], true),
        "Metal3Machine" | "Metal3MachineTemplate" => machine(check),
        "Metal3Data" => data(check),
        "Metal3DataClaim" => claim(check),
        "Metal3DataTemplate" => data_template(check),
        "Metal3Remediation" | "Metal3RemediationTemplate" => remediation(check),
        _ => {}
    }
}

fn endpoint(check: &mut Check<'_, '_>, path: &[&str], needs_port: bool) {
    let root = check.object.root;
    let endpoint = check.below(path);
    if endpoint.and_then(|endpoint| filled(endpoint, &["host"])).is_none() {
        let message = "no host of the control plane's endpoint: the webhook refuses it";
        let keys: Vec<&str> = path.iter().copied().chain(["host"]).collect();
        check.absent(
            &MISSING_SETTING,
            root,
            &keys,
            message,
            "name the address at which the API server will be reached",
        );
    }
    if needs_port && endpoint.is_none_or(|endpoint| matches!(number(endpoint, &["port"]), None | Some(0))) {
        let message = "no port of the control plane's endpoint: the webhook refuses it in a template";
        let keys: Vec<&str> = path.iter().copied().chain(["port"]).collect();
        check.absent(&MISSING_SETTING, root, &keys, message, "add `port: 6443`");
    }
}

fn machine(check: &mut Check<'_, '_>) {
    let Some((spec, is_template)) = machine_spec(check) else { return };
    if !is_set(field(spec, &["customDeploy"])) {
        image(check, spec);
    }
    if is_template {
        return;
    }
    for key in ["userData", "metaData", "networkData"] {
        let Some(at) = field(spec, Once(&[key, "namespace"])) else { continue };
        let own = check.namespace();
        if at.as_str().is_some_and(|other| !other.is_empty() && own.is_some_and(|own| own != other)) {
            let message = "a Secret in another namespace than the machine's: the webhook refuses it";
            check.refuse(&FOREIGN_REFERENCE, at, message, "drop `namespace`, and keep the Secret beside the machine");
        }
    }
}

fn image<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let image = field(spec, &["image"]);
    let url = image.and_then(|image| filled(image, &["url"]));
    let Some((image, url)) = image.zip(url) else {
        let message = "no URL of an image: the webhook refuses the machine";
        check.absent(&MISSING_SETTING, spec, &["image", "url"], message, "add `url` and `checksum`, or `customDeploy`");
        return;
    };
    let at = field(image, &["url"]).unwrap_or(image);
    if !is_request_uri(&url) {
        check.refuse(
            &MALFORMED_VALUE,
            at,
            format!("{url:?} is no URL: the webhook refuses it"),
            "write scheme://host/path",
        );
    }
    let is_oci = url.starts_with("oci://");
    let is_live = ["format", "diskFormat"].iter().any(|key| text(image, *key).as_deref() == Some("live-iso"));
    let checksum = filled(image, &["checksum"]);
    if is_oci {
        for key in ["checksum", "checksumType"] {
            if let Some(at) = field(image, key).filter(|at| at.as_str().is_some_and(|text| !text.is_empty())) {
                let message = format!("`{key}` has no meaning for an OCI image: the webhook refuses it");
                check.refuse(&CONFLICTING_FIELDS, at, message, "drop it");
            }
        }
    } else if is_live {
        // The checksum is not looked at.
    } else if checksum.is_none() {
        let message = "an image without checksum: the webhook refuses it unless the format is live-iso";
        check.absent(
            &MISSING_SETTING,
            image,
            &["checksum"],
            message,
            "add `checksum`: the sum itself, or the URL of a file with it",
        );
    } else if let Some(at) = field(image, &["checksum"])
        && let Some(sum) = checksum.filter(|sum| sum.starts_with("http://") || sum.starts_with("https://"))
        && !is_request_uri(&sum)
    {
        let message = format!("{sum:?} is no URL: the webhook refuses it");
        check.refuse(&MALFORMED_VALUE, at, message, "write scheme://host/path");
    }
}

/// Whether Go's `url.ParseRequestURI` takes the text.
fn is_request_uri(text: &str) -> bool {
    let is_absolute = |url: url::Url<'_>| !url.scheme.is_empty() || url.rest.starts_with('/');
    text == "*" || url::parse(text).is_some_and(is_absolute)
}

fn data(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    // In v1beta1 the index cannot be left out, and a template without name and namespace counts as none.
    let is_first = check.object.version() == "v1beta1";
    let Some(index) = number(root, &["spec", "index"]).or(is_first.then_some(0)) else { return };
    if index < 0 {
        let at = check.at(&["spec", "index"]).unwrap_or(root);
        check.refuse(&OUT_OF_RANGE, at, "a negative index: the webhook refuses it", "use 0 or more");
    }
    let Some(template) = field(root, &["spec", "template"]) else { return };
    if is_first && ["name", "namespace"].iter().all(|key| filled(template, *key).is_none()) {
        return;
    }
    let wanted = format!("{}-{index}", text(template, &["name"]).unwrap_or_default());
    if let Some(at) = field(root, &["metadata", "name"]).filter(|_| check.name() != wanted) {
        let message = "the name does not follow from template and index: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, format!("write {wanted}"));
    }
}

fn claim(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if filled(root, &["spec", "template", "name"]).is_none() {
        let message = "no name of a template: the webhook refuses it";
        check.absent(&MISSING_SETTING, root, &["spec", "template", "name"], message, "name a Metal3DataTemplate");
    }
    let Some(at) = field(root, &["spec", "template", "namespace"]) else { return };
    let own = check.namespace();
    if at.as_str().is_some_and(|other| !other.is_empty() && own.is_some_and(|own| own != other)) {
        let message = "a template in another namespace: the webhook refuses it";
        check.refuse(&FOREIGN_REFERENCE, at, message, "drop `namespace`");
    }
}

fn data_template(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    if let Some(at) = check.at(&["spec", "clusterName"]).filter(|at| is_set(Some(*at))) {
        let message = "the controllers do not read `clusterName` any more: the webhook warns of it";
        let finding = check.object.finding(&CONFLICTING_FIELDS, at, message).suggest("drop it");
        check.out.push(finding.severity(Severity::Warning));
    }
    for list in ["ipv4", "ipv6"] {
        for network in items(root, Once(&["spec", "networkData", "networks", list])) {
            let from_pool: [&[&str]; 3] =
                [&["ipAddressFromIPPool"], &["fromPoolRef", "name"], &["fromPoolAnnotation", "object"]];
            if from_pool.iter().all(|path| filled(network, Once(path)).is_none()) {
                let message = "a network without a pool of addresses: the webhook refuses it";
                check.absent(&MISSING_SETTING, network, &["fromPoolRef"], message, "name a pool in `fromPoolRef`");
            }
        }
    }
    for interface in items(root, &["spec", "metaData", "fromHostInterfaces"]) {
        let is_by_boot = is_true(interface, &["fromBootMAC"]);
        if let Some(at) = field(interface, &["interface"])
            && is_by_boot
            && filled(interface, &["interface"]).is_some()
        {
            let message = "both an interface and `fromBootMAC`: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, at, message, "keep one of them");
        }
        if filled(interface, &["interface"]).is_none() && !is_by_boot {
            let message = "neither an interface nor `fromBootMAC`: the webhook refuses it";
            check.absent(&MISSING_SETTING, interface, &["interface"], message, "name the host's interface");
        }
    }
}

fn remediation(check: &mut Check<'_, '_>) {
    let Some((spec, is_template)) = machine_spec(check) else { return };
    let Some(strategy) = field(spec, &["strategy"]) else {
        if is_template {
            let why = "a template without strategy, on which the webhook fails";
            lacking(check, spec, &["strategy"], why, "add `strategy: {type: Reboot}`");
        }
        return;
    };
    durations(check, spec, &[&["strategy", "timeout"]]);
    // In a template the webhook fills what is left out.
    if !is_template && filled(strategy, &["type"]).is_none() {
        lacking(check, strategy, &["type"], "no type of remediation", "add `type: Reboot`");
    }
    if let Some(at) = field(strategy, &["type"])
        && at.as_str().is_some_and(|ty| !matches!(&*ty, "" | "Reboot"))
    {
        check.refuse(&MALFORMED_VALUE, at, "no known type of remediation: the webhook refuses it", "use Reboot");
    }
    let least = i64::from(check.object.version() != "v1beta1");
    if let Some(at) = field(strategy, &["retryLimit"]).filter(|_| !is_template)
        && whole(at).is_some_and(|limit| limit < least)
    {
        check.refuse(&OUT_OF_RANGE, at, "fewer than one try: the webhook refuses it", "use 1 or more");
    }
    if let Some(at) = field(strategy, &["timeout"]).or(field(strategy, &["timeoutSeconds"]))
        && let Some(seconds) = at.as_str().map_or(whole(at).map(|seconds| seconds as f64), |text| duration(&text))
        && seconds.trunc() != 0.0
        && seconds < 100.0
    {
        check.refuse(&OUT_OF_RANGE, at, "less than 100 s to come back: the webhook refuses it", "use 100s or more");
    }
}
