//! The AWS provider: clusters, machines and pools. Managed control planes are judged by their name and access settings.

use crate::yaml::Value;

use super::super::Gate;
use super::super::check::{Check, field, filled, is_set, is_true, items, number, text, whole};
use super::super::cluster::{cidr, is_cidr};
use super::super::quantity::duration;
use super::super::rules::{
    CONFLICTING_FIELDS, INVALID_ADDRESS, INVALID_METADATA, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING, OUT_OF_RANGE,
};
use super::{machine_spec, not_in_template};

/// Judges an object of the AWS provider.
pub fn judge(check: &mut Check<'_, '_>) {
    let kind = check.object.kind.to_string();
    let Some((spec, is_template)) = machine_spec(check) else { return };
    match kind.as_str() {
        "AWSCluster" | "AWSClusterTemplate" => {
            bastion(check, spec);
            ssh_key(check, spec);
            tags(check, spec);
            if !is_template {
                bucket(check, spec);
                network(check, spec);
                load_balancers(check, spec);
            }
        }
        "AWSMachine" | "AWSMachineTemplate" => machine(check, spec, is_template),
        "AWSMachinePool" => pool(check, spec),
        "AWSManagedMachinePool" => managed_pool(check, spec),
        "AWSManagedControlPlane" => super::eks::judge(check, spec),
        "AWSClusterControllerIdentity" if check.object.name != "default" => {
            if let Some(at) = check.at(&["metadata", "name"]) {
                check.refuse(&INVALID_NAME, at, "the webhook takes only the name `default`", "write default");
            }
        }
        "AWSClusterRoleIdentity" if !is_set(field(spec, &["sourceIdentityRef"])) => {
            let message = "no identity from which to take the role: the webhook refuses it";
            check.absent(&MISSING_SETTING, spec, &["sourceIdentityRef"], message, "add `sourceIdentityRef`");
        }
        _ => {}
    }
    if kind.starts_with("AWSCluster") && kind.ends_with("Identity") {
        check.selector(field(spec, &["allowedNamespaces", "selector"]));
    }
}

fn bastion<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(bastion) = field(spec, &["bastion"]) else { return };
    if let Some(at) = field(bastion, &["allowedCIDRBlocks"])
        && is_set(Some(at))
        && is_true(bastion, &["disableIngressRules"])
    {
        let message = "allowedCIDRBlocks while ingress rules are disabled: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, at, message, "drop one of them");
    }
    for block in items(bastion, &["allowedCIDRBlocks"]) {
        cidr(check, block);
    }
}

fn ssh_key<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["sshKeyName"]) else { return };
    let Some(name) = at.as_str() else { return };
    let is_fine = name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && name.trim() == name;
    if !is_fine {
        let message = format!("{name:?} is no name of an SSH key: the webhook refuses it");
        check.refuse(&INVALID_NAME, at, message, "use printable ASCII without blanks at the ends");
    }
}

pub(super) fn tags<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(tags) = field(spec, &["additionalTags"]) else { return };
    if tags.entries().count() > 50 {
        check.refuse(&INVALID_METADATA, tags, "more than 50 tags: the webhook refuses them", "drop some");
    }
    let is_text = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:=+-@/".contains(c));
    for tag in tags.entries() {
        let key = tag.key().unwrap_or_default();
        let value = tag.as_str().unwrap_or_default();
        let why = if key.is_empty() || key.chars().count() > 128 {
            "a key needs 1 to 128 characters"
        } else if key.starts_with("aws:") {
            "keys that begin with aws: belong to AWS"
        } else if value.chars().count() > 256 {
            "a value takes 256 characters at most"
        } else if !is_text(&key) || !is_text(&value) {
            "a tag takes letters, digits, blanks and _ . : = + - @ /"
        } else {
            continue;
        };
        check.refuse(&INVALID_METADATA, tag, format!("no valid tag, {why}: the webhook refuses it"), "change the tag");
    }
}

fn bucket<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(bucket) = field(spec, &["s3Bucket"]) else { return };
    if !check.gate(Gate::BootstrapFormatIgnition, bucket, "`s3Bucket`") {
        return;
    }
    if field(bucket, &["presignedURLDuration"]).is_none() {
        if filled(bucket, &["controlPlaneIAMInstanceProfile"]).is_none() {
            let message = "no IAM instance profile by which control planes read the bucket: the webhook refuses it";
            let fix = "add `controlPlaneIAMInstanceProfile`, or `presignedURLDuration`";
            check.absent(&MISSING_SETTING, bucket, &["controlPlaneIAMInstanceProfile"], message, fix);
        }
        if items(bucket, &["nodesIAMInstanceProfiles"]).next().is_none() {
            let message = "no IAM instance profiles by which nodes read the bucket: the webhook refuses it";
            let fix = "add `nodesIAMInstanceProfiles`, or `presignedURLDuration`";
            check.absent(&MISSING_SETTING, bucket, &["nodesIAMInstanceProfiles"], message, fix);
        }
    }
    let name = filled(bucket, &["name"]).unwrap_or_default();
    if name.is_empty() {
        let message = "a bucket without name: the webhook refuses it";
        check.absent(&MISSING_SETTING, bucket, &["name"], message, "name the bucket");
    } else if !is_bucket_name(&name)
        && let Some(at) = field(bucket, &["name"])
    {
        let message = format!("{name:?} is no name of a bucket: the webhook refuses it");
        check.refuse(&INVALID_NAME, at, message, "use 3 to 63 lower-case letters, digits, `-` and `.`");
    }
}

fn is_bucket_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && super::super::selector::is_dns1123_subdomain(name)
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

fn network<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(network) = field(spec, &["network"]) else { return };
    if let Some(vpc) = field(network, &["vpc"]) {
        virtual_network(check, vpc);
    }
    for subnet in items(network, &["subnets"]) {
        for key in ["cidrBlock", "ipv6CidrBlock"] {
            optional_cidr(check, field(subnet, &[key]));
        }
        let zone = text(subnet, &["zoneType"]);
        if matches!(zone.as_deref(), Some("local-zone" | "wavelength-zone"))
            && filled(subnet, &["parentZoneName"]).is_none()
        {
            let message = "a subnet at the edge without parentZoneName: the webhook refuses it";
            check.absent(&MISSING_SETTING, subnet, &["parentZoneName"], message, "name the zone to which it belongs");
        }
    }
    for block in items(network, &["nodePortIngressRuleCidrBlocks"]) {
        cidr(check, block);
    }
    for list in ["additionalControlPlaneIngressRules", "additionalNodeIngressRules"] {
        for rule in items(network, &[list]) {
            ingress_rule(check, rule);
        }
    }
}

fn virtual_network<'a>(check: &mut Check<'_, 'a>, vpc: Value<'a>) {
    let primary = filled(vpc, &["cidrBlock"]);
    optional_cidr(check, field(vpc, &["cidrBlock"]));
    optional_cidr(check, field(vpc, &["ipv6", "cidrBlock"]));
    for block in items(vpc, &["secondaryCidrBlocks"]) {
        optional_cidr(check, field(block, &["ipv4CidrBlock"]));
        if let Some(at) = field(block, &["ipv4CidrBlock"]).filter(|at| primary.is_some() && at.as_str() == primary) {
            let message = "a secondary block that is the primary one: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, at, message, "use another block");
        }
    }
    if let Some(pool) = field(vpc, &["ipamPool"]) {
        if primary.is_some() {
            let message = "both `cidrBlock` and `ipamPool`: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, pool, message, "keep one of them");
        }
        if filled(pool, &["id"]).is_none() && filled(pool, &["name"]).is_none() {
            let message = "a pool without id and name: the webhook refuses it";
            check.absent(&MISSING_SETTING, pool, &["id"], message, "add `id` or `name`");
        }
    }
    elastic_pool(check, field(vpc, &["elasticIpPool"]));
}

pub(super) fn optional_cidr<'a>(check: &mut Check<'_, 'a>, block: Option<Value<'a>>) {
    let Some(block) = block else { return };
    if block.as_str().is_some_and(|text| !text.is_empty() && !is_cidr(&text)) {
        let message = "no CIDR: the webhook refuses it";
        check.refuse(&INVALID_ADDRESS, block, message, "write address and prefix length, such as 10.0.0.0/16");
    }
}

fn elastic_pool<'a>(check: &mut Check<'_, 'a>, pool: Option<Value<'a>>) {
    let Some(pool) = pool else { return };
    let (name, fallback) = (filled(pool, &["publicIpv4Pool"]), filled(pool, &["publicIpv4PoolFallbackOrder"]));
    if name.is_some() != fallback.is_some() {
        let (key, message) = if name.is_some() {
            ("publicIpv4PoolFallbackOrder", "a pool without fallback order: the webhook refuses it")
        } else {
            ("publicIpv4Pool", "a fallback order without pool: the webhook refuses it")
        };
        check.absent(&MISSING_SETTING, pool, &[key], message, format!("add `{key}`"));
    }
    if let Some(at) =
        field(pool, &["publicIpv4Pool"]).filter(|_| name.is_some_and(|name| !name.starts_with("ipv4pool-ec2-")))
    {
        check.refuse(&MALFORMED_VALUE, at, "no id of a pool: the webhook refuses it", "write ipv4pool-ec2-…");
    }
}

fn ingress_rule<'a>(check: &mut Check<'_, 'a>, rule: Value<'a>) {
    let has = |key: &str| is_set(field(rule, &[key]));
    let from_cidrs = has("cidrBlocks") || has("ipv6CidrBlocks");
    let from_groups = has("sourceSecurityGroupIds") || has("sourceSecurityGroupRoles");
    if is_true(rule, &["natGatewaysIPsSource"]) && (from_cidrs || from_groups) || from_cidrs && from_groups {
        let message = "a rule with more than one kind of source: the webhook refuses it";
        check.refuse(
            &CONFLICTING_FIELDS,
            rule,
            message,
            "make a rule for each: CIDRs, security groups, or NAT gateways",
        );
    }
}

fn load_balancers<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let (first, second) =
        (field(spec, &["controlPlaneLoadBalancer"]), field(spec, &["secondaryControlPlaneLoadBalancer"]));
    for balancer in [first, second].into_iter().flatten() {
        for rule in items(balancer, &["ingressRules"]) {
            ingress_rule(check, rule);
        }
    }
    if let Some(first) = first {
        let ty = filled(first, &["loadBalancerType"]).unwrap_or_else(|| "classic".into());
        if ty == "disabled" {
            disabled_balancer(check, first);
        }
        if let Some(at) = field(first, &["targetGroupIPType"]).filter(|at| ty == "classic" && is_set(Some(*at))) {
            let message = "a classic load balancer has no target groups: the webhook refuses targetGroupIPType";
            check.refuse(&CONFLICTING_FIELDS, at, message, "drop it, or use `loadBalancerType: nlb`");
        }
    }
    let Some(second) = second else { return };
    if filled(second, &["name"]).is_none() {
        let message = "a secondary load balancer without name: the webhook refuses it";
        check.absent(&MISSING_SETTING, second, &["name"], message, "give it a name");
    }
    if let Some(at) = field(second, &["loadBalancerType"])
        && at.as_str().is_some_and(|ty| !matches!(&*ty, "nlb" | ""))
    {
        check.refuse(
            &CONFLICTING_FIELDS,
            at,
            "a secondary load balancer must be an nlb: the webhook refuses it",
            "write nlb",
        );
    }
    let scheme = |balancer: Option<Value<'_>>, default: &str| {
        balancer
            .and_then(|balancer| filled(balancer, &["scheme"]).map(|s| s.to_string()))
            .unwrap_or_else(|| default.to_owned())
    };
    if scheme(first, "internet-facing") == scheme(Some(second), "internal") {
        let message = "both load balancers have one scheme: the webhook refuses the second";
        check.refuse(&CONFLICTING_FIELDS, second, message, "make one internet-facing and the other internal");
    }
}

fn disabled_balancer<'a>(check: &mut Check<'_, 'a>, balancer: Value<'a>) {
    const NOTHING: [&str; 10] = [
        "name",
        "crossZoneLoadBalancing",
        "subnets",
        "healthCheckProtocol",
        "additionalSecurityGroups",
        "additionalListeners",
        "ingressRules",
        "preserveClientIP",
        "disableHostsRewrite",
        "targetGroupIPType",
    ];
    for key in NOTHING {
        let at = field(balancer, &[key]).filter(|at| is_set(Some(*at)) && at.as_bool() != Some(false));
        if let Some(at) = at {
            let message = format!("`{key}` of a load balancer that is disabled: the webhook refuses it");
            check.refuse(&CONFLICTING_FIELDS, at, message, "drop it");
        }
    }
}

fn machine<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    ssh_key(check, spec);
    tags(check, spec);
    volumes(check, spec, !is_template);
    groups(check, spec, "additionalSecurityGroups");
    hosts(check, spec, is_template);
    let cloud_init = field(spec, &["cloudInit"]);
    if let Some(ignition) = field(spec, &["ignition"]) {
        check.gate(Gate::BootstrapFormatIgnition, ignition, "`ignition`");
        if is_set(cloud_init) {
            let message = "both `cloudInit` and `ignition`: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, ignition, message, "keep one of them");
        }
        if !is_template && matches!(text(ignition, &["version"]).as_deref(), Some("2.3" | "3.0")) {
            for key in ["proxy", "tls"] {
                if let Some(at) = field(ignition, &[key]) {
                    let message = format!("this version of Ignition knows no `{key}`: the webhook refuses it");
                    check.refuse(&CONFLICTING_FIELDS, at, message, "use version 3.1 or newer");
                }
            }
        }
    }
    if is_template {
        for path in [&["providerID"][..], &["cloudInit", "secretPrefix"], &["cloudInit", "secretCount"]] {
            not_in_template(check, spec, path);
        }
        return;
    }
    if let Some(cloud_init) = cloud_init {
        secrets(check, cloud_init);
    }
    market(check, spec);
    if let Some(pool) = field(spec, &["elasticIpPool"]) {
        if !is_true(spec, &["publicIP"]) {
            let message = "a pool of public addresses for a machine without `publicIP: true`: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, pool, message, "set `publicIP: true`, or drop the pool");
        }
        elastic_pool(check, Some(pool));
    }
    if let Some(at) = field(spec, &["capacityReservationPreference"]) {
        let only = at.as_str().as_deref() == Some("CapacityReservationsOnly");
        let is_spot =
            text(spec, &["marketType"]).as_deref() == Some("Spot") || field(spec, &["spotMarketOptions"]).is_some();
        let has_id = filled(spec, &["capacityReservationId"]).is_some();
        if is_set(Some(at)) && (has_id && !only || only && is_spot) {
            let message =
                "a preference that contradicts the reservation's id or the spot market: the webhook refuses it";
            check.refuse(
                &CONFLICTING_FIELDS,
                at,
                message,
                "with an id use CapacityReservationsOnly; with Spot drop it",
            );
        }
    }
}

fn secrets<'a>(check: &mut Check<'_, 'a>, cloud_init: Value<'a>) {
    let set = |key: &str| field(cloud_init, &[key]).filter(|at| is_set(Some(*at)) && whole(*at) != Some(0));
    if is_true(cloud_init, &["insecureSkipSecretsManager"]) {
        for key in ["secretPrefix", "secretCount", "secureSecretsBackend"] {
            if let Some(at) = set(key) {
                let message = format!("`{key}` although secrets are not used: the webhook refuses it");
                check.refuse(&CONFLICTING_FIELDS, at, message, "drop it, or `insecureSkipSecretsManager`");
            }
        }
    }
    if let (Some(at), None) | (None, Some(at)) = (set("secretPrefix"), set("secretCount")) {
        let message = "secretPrefix and secretCount go together: the webhook refuses one alone";
        check.refuse(&MISSING_SETTING, at, message, "set both, or drop both");
    }
}

fn market<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["marketType"]) else { return };
    let ty = at.as_str().unwrap_or_default();
    if matches!(&*ty, "CapacityBlock" | "OnDemand") && field(spec, &["spotMarketOptions"]).is_some() {
        let message = format!("spotMarketOptions with market type {ty}: the webhook refuses it");
        check.refuse(&CONFLICTING_FIELDS, at, message, "drop `spotMarketOptions`, or write Spot");
    }
    if ty == "CapacityBlock" && filled(spec, &["capacityReservationId"]).is_none() {
        let message = "a capacity block without capacityReservationId: the webhook refuses it";
        check.absent(&MISSING_SETTING, spec, &["capacityReservationId"], message, "name the reservation");
    }
}

fn hosts<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let (id, dynamic) = (filled(spec, &["hostID"]), field(spec, &["dynamicHostAllocation"]));
    let affinity = filled(spec, &["hostAffinity"]);
    let Some(at) = field(spec, &["hostID"]).or(dynamic).or(field(spec, &["hostAffinity"])) else { return };
    let why = if id.is_some() && dynamic.is_some() {
        "hostID and dynamicHostAllocation exclude each other"
    } else if text(spec, &["tenancy"]).as_deref() != Some("host")
        && (id.is_some() || dynamic.is_some() || affinity.is_some())
    {
        "dedicated hosts need `tenancy: host`"
    } else if dynamic.is_some() && affinity.as_deref() != Some("host") {
        "dynamicHostAllocation needs `hostAffinity: host`"
    } else if is_template && affinity.as_deref() == Some("host") && id.is_none() && dynamic.is_none() {
        "`hostAffinity: host` needs hostID or dynamicHostAllocation"
    } else {
        return;
    };
    check.refuse(
        &CONFLICTING_FIELDS,
        at,
        format!("{why}: the webhook refuses it"),
        "change the host settings accordingly",
    );
}

fn groups<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, list: &str) {
    for group in items(spec, &[list]) {
        if filled(group, &["id"]).is_some() && is_set(field(group, &["filters"])) {
            let message = "both `id` and `filters`: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, group, message, "keep one of them");
        }
    }
}

fn volumes<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, with_range: bool) {
    let root = field(spec, &["rootVolume"]).into_iter().map(|volume| (volume, true));
    let others = items(spec, &["nonRootVolumes"]).map(|volume| (volume, false));
    for (volume, is_root) in root.chain(others) {
        let ty = text(volume, &["type"]).unwrap_or_default();
        if matches!(&*ty, "io1" | "io2") && matches!(number(volume, &["iops"]), None | Some(0)) {
            let message = format!("a volume of type {ty} without iops: the webhook refuses it");
            check.absent(&MISSING_SETTING, volume, &["iops"], message, "add `iops`");
        }
        if let Some(at) = field(volume, &["throughput"]) {
            if ty != "gp3" {
                check.refuse(
                    &CONFLICTING_FIELDS,
                    at,
                    "only gp3 volumes take a throughput: the webhook refuses it",
                    "use `type: gp3`",
                );
            } else if with_range && whole(at).is_some_and(|rate| !(125..=2000).contains(&rate)) {
                check.refuse(&OUT_OF_RANGE, at, "the webhook takes a throughput of 125 to 2000", "use 125 to 2000");
            }
        }
        if !is_root && filled(volume, &["deviceName"]).is_none() {
            let message = "a volume without deviceName: the webhook refuses it";
            check.absent(&MISSING_SETTING, volume, &["deviceName"], message, "add `deviceName`, such as /dev/sdb");
        }
    }
}

fn pool<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    tags(check, spec);
    groups(check, spec, "subnets");
    let template = field(spec, &["awsLaunchTemplate"]);
    if let Some(template) = template {
        volumes(check, template, true);
        groups(check, template, "additionalSecurityGroups");
        market(check, template);
        ssh_key(check, template);
        if let Some(at) =
            field(template, &["spotMarketOptions"]).filter(|_| field(spec, &["mixedInstancesPolicy"]).is_some())
        {
            let message = "both spotMarketOptions and mixedInstancesPolicy: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, at, message, "keep one of them");
        }
    }
    if let Some(ignition) = field(spec, &["ignition"]) {
        check.gate(Gate::BootstrapFormatIgnition, ignition, "`ignition`");
    }
    if let Some(at) = field(spec, &["defaultCoolDown"])
        && at.as_str().and_then(|text| duration(&text)).is_some_and(|seconds| seconds < 0.0)
    {
        check.refuse(&OUT_OF_RANGE, at, "a negative cool-down: the webhook refuses it", "use 0s or more");
    }
    let Some(refresh) = field(spec, &["refreshPreferences"]) else { return };
    let share = |key: &str| number(refresh, &[key]);
    if let (Some(most), Some(at)) = (share("maxHealthyPercentage"), field(refresh, &["maxHealthyPercentage"])) {
        match share("minHealthyPercentage") {
            None => {
                let message = "maxHealthyPercentage without minHealthyPercentage: the webhook refuses it";
                check.absent(&MISSING_SETTING, refresh, &["minHealthyPercentage"], message, "set both");
            }
            Some(least) if most - least > 100 => {
                check.refuse(
                    &OUT_OF_RANGE,
                    at,
                    "more than 100 above the minimum: the webhook refuses it",
                    "bring them closer",
                );
            }
            Some(_) => {}
        }
    }
}

fn managed_pool<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let size = |key: &str| number(spec, &["scaling", key]);
    if let Some(at) = field(spec, &["scaling"]) {
        let (least, most) = (size("minSize"), size("maxSize"));
        if least.is_some_and(|least| least < 0) || least.zip(most).is_some_and(|(least, most)| most < least) {
            let message = "a smallest size below 0 or above the largest: the webhook refuses it";
            check.refuse(&OUT_OF_RANGE, at, message, "use 0 <= minSize <= maxSize");
        }
    }
    if let Some(update) = field(spec, &["updateConfig"]) {
        let has = |key: &str| field(update, &[key]).is_some();
        if has("maxUnavailable") == has("maxUnavailablePercentage") {
            let message =
                "updateConfig takes just one of maxUnavailable and maxUnavailablePercentage: the webhook refuses it";
            check.refuse(&CONFLICTING_FIELDS, update, message, "set one of them");
        }
    }
    if let Some(access) = field(spec, &["remoteAccess"]).filter(|access| is_true(*access, &["public"]))
        && is_set(field(access, &["sourceSecurityGroups"]))
    {
        let message = "public access with source security groups: the webhook refuses it";
        check.refuse(&CONFLICTING_FIELDS, access, message, "drop `public`, or the groups");
    }
    if field(spec, &["awsLaunchTemplate"]).is_some() {
        for key in ["instanceType", "diskSize"] {
            if let Some(at) = field(spec, &[key]).filter(|at| is_set(Some(*at))) {
                let message = format!("`{key}` beside a launch template: the webhook refuses it");
                check.refuse(&CONFLICTING_FIELDS, at, message, "set it in the launch template");
            }
        }
    }
    tags(check, spec);
}
