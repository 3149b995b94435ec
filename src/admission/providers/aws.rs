//! The AWS provider: what its kinds share, identities and clusters. Machines, pools and EKS are next door.

use crate::yaml::Value;

use crate::report::Severity;

use super::super::Gate;
use super::super::check::{Check, field, filled, is_set, is_true, items, text};
use super::super::cluster::{cidr, is_cidr};
use super::super::rules::{
    CONFLICTING_FIELDS, INVALID_ADDRESS, INVALID_METADATA, INVALID_NAME, MALFORMED_VALUE, MISSING_SETTING,
};
use super::{clash, durations, lacking, machine_spec, malformed, not_in_template, within};

mod eks;
mod machine;
mod pool;

/// Judges an object of the AWS provider.
pub fn judge(check: &mut Check<'_, '_>) {
    let kind = check.object.kind.to_string();
    let Some((spec, is_template)) = machine_spec(check) else { return };
    durations(check, spec, &[&["s3Bucket", "presignedURLDuration"]]);
    match kind.as_str() {
        // Of a template the webhook looks at these two only.
        "AWSClusterTemplate" => {
            bastion(check, spec);
            ssh_key(check, spec);
        }
        "AWSCluster" => {
            bastion(check, spec);
            tags(check, spec);
            bucket(check, spec);
            collected_tasks(check);
            if check.creates() {
                ssh_key(check, spec);
                network(check, spec);
                load_balancers(check, spec);
            }
        }
        "AWSMachine" | "AWSMachineTemplate" => machine::judge(check, spec, is_template),
        "AWSMachinePool" => pool::judge(check, spec),
        "AWSManagedMachinePool" => pool::judge_managed(check, spec),
        "AWSManagedControlPlane" | "AWSManagedControlPlaneTemplate" => eks::judge(check, spec, is_template),
        "AWSFargateProfile" => tags(check, spec),
        "AWSClusterControllerIdentity" if check.name() != "default" => {
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
    let is_text = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"\t\n\x0C\r _.:=+-@/".contains(&b));
    for tag in tags.entries() {
        let key = tag.key().unwrap_or_default();
        let value = tag.as_str().unwrap_or_default();
        let why = if key.is_empty() || key.len() > 128 {
            "a key needs 1 to 128 characters"
        } else if key.starts_with("aws:") {
            "keys that begin with aws: belong to AWS"
        } else if value.len() > 256 {
            "a value takes 256 characters at most"
        } else if !is_text(&key) || !is_text(&value) {
            "a tag takes ASCII letters, digits, blanks and _ . : = + - @ /"
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
        for profile in items(bucket, &["nodesIAMInstanceProfiles"]) {
            if profile.as_str().is_some_and(|name| name.is_empty()) {
                malformed(check, profile, "an IAM instance profile without name", "name it, or drop the entry");
            }
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
        && crate::schema::validate::names::is_dns_subdomain(name)
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

fn network<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(network) = field(spec, &["network"]) else { return };
    if let Some(vpc) = field(network, &["vpc"]) {
        virtual_network(check, vpc);
    }
    for subnet in items(network, &["subnets"]) {
        for key in ["cidrBlock", "ipv6CidrBlock"] {
            optional_cidr(check, field(subnet, key));
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
        for rule in items(network, list) {
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
    let (name, fallback) = (text(pool, &["publicIpv4Pool"]), text(pool, &["publicIpv4PoolFallbackOrder"]));
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
    let has = |key: &str| field(rule, key).is_some();
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
    let has_ipv6 = field(spec, &["network", "vpc", "ipv6"]).is_some();
    for balancer in [first, second].into_iter().flatten() {
        for rule in items(balancer, &["ingressRules"]) {
            ingress_rule(check, rule);
        }
        target_groups(check, balancer, &balancer_type(balancer), has_ipv6);
    }
    if let Some(first) = first.filter(|first| balancer_type(*first) == "disabled") {
        disabled_balancer(check, first);
    }
    let Some(second) = second else { return };
    if filled(second, &["name"]).is_none() {
        lacking(check, second, &["name"], "a secondary load balancer without name", "give it a name");
    }
    if balancer_type(second) != "nlb" {
        let why = "a secondary load balancer must be an nlb (the schema's default is classic)";
        match field(second, &["loadBalancerType"]) {
            Some(at) => clash(check, at, why, "write nlb"),
            None => lacking(check, second, &["loadBalancerType"], why, "add `loadBalancerType: nlb`"),
        }
    }
    let scheme = |balancer| filled(balancer, &["scheme"]).unwrap_or_else(|| "internet-facing".into());
    if first.map_or_else(|| "internet-facing".into(), scheme) == scheme(second) {
        let at = field(second, &["scheme"]).unwrap_or(second);
        let why = "both load balancers have one scheme (internet-facing unless set)";
        clash(check, at, why, "make one internet-facing and the other internal");
    }
}

/// The type of a load balancer. The schema fills it in, before the webhook could.
fn balancer_type(balancer: Value<'_>) -> std::borrow::Cow<'_, str> {
    filled(balancer, &["loadBalancerType"]).unwrap_or_else(|| "classic".into())
}

/// The type of addresses of a target group must fit the load balancer and the network.
fn target_groups<'a>(check: &mut Check<'_, 'a>, balancer: Value<'a>, ty: &str, has_ipv6: bool) {
    for holder in [balancer].into_iter().chain(items(balancer, &["additionalListeners"])) {
        let Some(at) = field(holder, &["targetGroupIPType"]) else { continue };
        if ty == "classic" {
            let fix = "drop it, or use `loadBalancerType: nlb`";
            clash(check, at, "a classic load balancer (the default type) has no target groups", fix);
        } else if at.as_str().as_deref() == Some("ipv6") && !has_ipv6 {
            clash(check, at, "a target group of IPv6 addresses in a network without them", "set `network.vpc.ipv6`");
        }
    }
}

/// Tasks of the garbage collector that do not exist: they do not hinder the creation, but each later update.
fn collected_tasks(check: &mut Check<'_, '_>) {
    const KEY: &str = "aws.cluster.x-k8s.io/external-resource-tasks-gc";
    const KNOWN: [&str; 3] = ["load-balancer", "target-group", "security-group"];
    let Some(at) = check.at(&["metadata", "annotations", KEY]) else { return };
    let Some(text) = at.as_str().filter(|text| !text.is_empty()) else { return };
    if let Some(unknown) = text.split(',').find(|task| !KNOWN.contains(task)) {
        let message = format!("no task {unknown:?} of the garbage collector: the webhook refuses every update");
        let fix = format!("list some of {}, without blanks", KNOWN.join(","));
        check.out.push(check.object.finding(&MALFORMED_VALUE, at, message).suggest(fix).severity(Severity::Warning));
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
        // What is a pointer to the provider counts even when empty.
        let is_pointer = matches!(key, "name" | "healthCheckProtocol" | "targetGroupIPType");
        let at = field(balancer, key).filter(|at| is_pointer || is_set(Some(*at)) && at.as_bool() != Some(false));
        if let Some(at) = at {
            let message = format!("`{key}` of a load balancer that is disabled: the webhook refuses it");
            check.refuse(&CONFLICTING_FIELDS, at, message, "drop it");
        }
    }
}
