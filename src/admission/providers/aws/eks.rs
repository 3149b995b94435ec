//! Control planes that AWS runs: versions, addons, address blocks, who may enter.

use crate::admission::address::Block;
use crate::admission::check::{Check, field, filled, is_set, is_true, items, text};
use crate::admission::rules::{INVALID_ADDRESS, INVALID_VERSION};
use crate::admission::semver::Version;
use crate::yaml::{Once, Value};

use super::{bastion, clash, lacking, malformed, tags};

/// Judges an `AWSManagedControlPlane` or its template, of which the webhook leaves access alone.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    version(check, spec);
    tags(check, spec);
    bastion(check, spec);
    mappings(check, spec);
    secondary_block(check, spec);
    disabled_addons(check, spec);
    private_subnets(check, spec, is_template);
    if let Some(vpc) = field(spec, &["network", "vpc"]).filter(|_| check.creates())
        && let Some(ipv6) = field(vpc, &["ipv6"])
    {
        ipv6_network(check, vpc, ipv6);
    }
    if !is_template {
        access(check, spec);
    }
}

fn version<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let Some(at) = field(spec, &["version"]) else { return };
    let text = at.as_str().unwrap_or_default();
    let Some(parsed) = generic(&text) else {
        let message = format!("{text:?} is no version: the webhook refuses it");
        check.refuse(&INVALID_VERSION, at, message, "write MAJOR.MINOR, such as v1.34");
        return;
    };
    let is_older = |minor: u64| (parsed.major, parsed.minor) < (1, minor);
    let addons = field(spec, &["addons"]).filter(|at| is_set(Some(*at)));
    if let Some(at) = addons.filter(|_| is_older(18)) {
        clash(check, at, "addons need Kubernetes 1.18", "use a newer version");
    }
    if field(spec, &["network", "vpc", "ipv6"]).is_some() {
        if is_older(21) {
            clash(check, at, "IPv6 needs Kubernetes 1.21", "use a newer version");
        }
        match addons {
            None => {
                let why = "IPv6 needs the addons spelt out";
                lacking(check, spec, &["addons"], why, "list `addons`, vpc-cni of v1.10.2 or newer among them");
            }
            Some(_) => network_addon(check, spec),
        }
    }
}

/// The addon for networks must be new enough for IPv6.
fn network_addon<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for addon in items(spec, &["addons"]) {
        if text(addon, &["name"]).as_deref() != Some("vpc-cni") {
            continue;
        }
        let version = filled(addon, &["version"]).and_then(|version| generic(&version));
        if version.is_none_or(|version| (version.major, version.minor, version.patch) < (1, 10, 2)) {
            let at = field(addon, &["version"]).unwrap_or(addon);
            clash(check, at, "IPv6 needs vpc-cni 1.10.2", "use v1.10.2 or newer");
            return;
        }
    }
}

/// Reads numbers with dots, at least two, whatever follows them.
fn generic(text: &str) -> Option<Version> {
    let text = text.trim_start();
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').take_while(|part| !part.is_empty());
    let major = parts.next().filter(|major| *major == "0" || !major.starts_with('0'))?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let patch = parts.next().map_or(Ok(0), str::parse).ok()?;
    Some(Version { major, minor, patch, is_release: true })
}

/// What is switched off cannot be an addon too.
fn disabled_addons<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for (path, addon) in [(["vpcCni", "disable"], "vpc-cni"), (["kubeProxy", "disable"], "kube-proxy")] {
        let is_listed = items(spec, &["addons"]).any(|entry| text(entry, &["name"]).as_deref() == Some(addon));
        if let Some(at) = field(spec, Once(&path)).filter(|at| at.as_bool() == Some(true) && is_listed) {
            let why = format!("{addon} is disabled and listed as an addon");
            clash(check, at, &why, "drop the addon, or leave it on");
        }
    }
}

/// Users and roles of IAM that become users of the cluster.
fn mappings<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    for (list, key, part) in [("mapUsers", "userarn", "user/"), ("mapRoles", "rolearn", "role/")] {
        for mapping in items(spec, Once(&["iamAuthenticatorConfig", list])) {
            if text(mapping, &["username"]).is_none_or(|name| name.trim().is_empty()) {
                lacking(check, mapping, &["username"], "a mapping without username", "name the user of the cluster");
            }
            if items(mapping, &["groups"]).next().is_none() {
                lacking(check, mapping, &["groups"], "a mapping without groups", "list the groups of the user");
            }
            let fix = format!("write arn:aws:iam::ACCOUNT:{part}NAME");
            match field(mapping, key) {
                None => lacking(check, mapping, &[key], &format!("a mapping without {key}"), fix),
                Some(at) => {
                    // arn:partition:service:region:account:resource
                    let text = at.as_str().unwrap_or_default();
                    let resource = text.strip_prefix("arn:").and_then(|arn| arn.splitn(5, ':').nth(4));
                    if resource.is_none_or(|resource| !resource.contains(part)) {
                        malformed(check, at, &format!("{text:?} is no ARN of a {}", part.trim_end_matches('/')), fix);
                    }
                }
            }
        }
    }
}

/// The block of addresses for pods.
fn secondary_block<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    let vpc = field(spec, &["network", "vpc"]);
    let primary = vpc.and_then(|vpc| filled(vpc, &["cidrBlock"]));
    let listed = || vpc.into_iter().flat_map(|vpc| items(vpc, &["secondaryCidrBlocks"]));
    for at in listed().filter_map(|block| field(block, &["ipv4CidrBlock"])) {
        if primary.is_some() && at.as_str() == primary {
            clash(check, at, "a secondary block that is the primary one", "use another block");
        }
    }
    let Some(at) = field(spec, &["secondaryCidrBlock"]) else { return };
    let text = at.as_str().unwrap_or_default();
    let why = match Block::parse(&text) {
        None => Some("no CIDR"),
        Some(block) if !(4..=16).contains(&block.host_bits()) => Some("a block of other size than /16 to /28"),
        Some(block) => {
            let is_inside = ["100.64.0.0/10", "198.19.0.0/16"]
                .iter()
                .any(|range| Block::parse(range).is_some_and(|range| range.covers(block)));
            (!is_inside).then_some("a block outside of 100.64.0.0/10 and 198.19.0.0/16")
        }
    };
    if let Some(why) = why {
        let message = format!("{why}: the webhook refuses it");
        check.refuse(&INVALID_ADDRESS, at, message, "use a part of 100.64.0.0/10, such as 100.64.0.0/16");
    }
    if primary.as_deref() == Some(&text) {
        clash(check, at, "a secondary block that is the primary one", "use another block");
    }
    let mut listed = listed().peekable();
    if listed.peek().is_some() && !listed.any(|block| self::text(block, &["ipv4CidrBlock"]).as_deref() == Some(&text)) {
        clash(check, at, "a secondary block that `vpc.secondaryCidrBlocks` lacks", "list it there too");
    }
}

fn private_subnets<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let Some(at) = field(spec, &["restrictPrivateSubnets"]).filter(|at| at.as_bool() == Some(true)) else { return };
    // A network that the provider makes gets private subnets of its own.
    let Some(vpc) = field(spec, &["network", "vpc"]).filter(|vpc| filled(*vpc, &["id"]).is_some()) else { return };
    let cluster = if is_template { Some("".into()) } else { filled(spec, &["eksClusterName"]) };
    let owned = |tag: Value<'_>| {
        let name = tag.key().unwrap_or_default();
        let name = name.strip_prefix("sigs.k8s.io/cluster-api-provider-aws/cluster/");
        // Where the provider makes up the name, any such tag may be its own.
        name.is_some_and(|name| cluster.as_deref().is_none_or(|cluster| cluster == name))
            && tag.as_str().as_deref() == Some("owned")
    };
    if field(vpc, &["tags"]).is_some_and(|tags| tags.entries().any(owned)) {
        return;
    }
    let is_private = |subnet: Value<'_>| {
        let is_edge = matches!(text(subnet, &["zoneType"]).as_deref(), Some("local-zone" | "wavelength-zone"));
        !is_true(subnet, &["isPublic"]) && !is_edge
    };
    if !items(spec, &["network", "subnets"]).any(is_private) {
        clash(check, at, "restrictPrivateSubnets without a private subnet", "list a private subnet, or drop the field");
    }
}

/// Where the addresses of IPv6 come from.
fn ipv6_network<'a>(check: &mut Check<'_, 'a>, vpc: Value<'a>, ipv6: Value<'a>) {
    let launch = field(vpc, &["privateDnsHostnameTypeOnLaunch"]);
    if let Some(at) = launch.filter(|at| at.as_str().as_deref() != Some("resource-name")) {
        clash(check, at, "with IPv6 instances are named by resource", "write resource-name");
    }
    let (pool, block) = (filled(ipv6, &["poolId"]), filled(ipv6, &["cidrBlock"]));
    if block.is_some() && pool.is_none() {
        lacking(check, ipv6, &["poolId"], "an IPv6 block without the pool it comes from", "name the pool");
    }
    let Some(ipam) = field(ipv6, &["ipamPool"]) else { return };
    if pool.is_some() || block.is_some() {
        clash(check, ipam, "`ipamPool` beside poolId or cidrBlock", "keep one of them");
    }
    if filled(ipam, &["id"]).is_none() && filled(ipam, &["name"]).is_none() {
        lacking(check, ipam, &["id"], "a pool without id and name", "add `id` or `name`");
    }
}

fn access<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>) {
    // The schema fills the mode where there is an `accessConfig`.
    let mode = field(spec, &["accessConfig"])
        .map(|config| text(config, &["authenticationMode"]).unwrap_or_else(|| "config_map".into()))
        .unwrap_or_default();
    let stays = field(spec, &["accessConfig", "bootstrapClusterCreatorAdminPermissions"]);
    if let Some(at) = stays.filter(|at| at.as_bool() == Some(false) && mode == "config_map" && check.creates()) {
        let why = "with config_map the creator must stay administrator";
        clash(check, at, why, "use api or api_and_config_map");
    }
    let Some(entries) = field(spec, &["accessEntries"]).filter(|entries| is_set(Some(*entries))) else { return };
    if !matches!(&*mode, "api" | "api_and_config_map") {
        let why = "access entries need authenticationMode api or api_and_config_map";
        clash(check, entries, why, "set `accessConfig.authenticationMode: api`");
    }
    for entry in entries.items() {
        access_entry(check, entry);
    }
}

fn access_entry<'a>(check: &mut Check<'_, 'a>, entry: Value<'a>) {
    let is_ec2 = matches!(text(entry, &["type"]).as_deref(), Some("ec2_linux" | "ec2_windows"));
    if is_ec2 {
        for key in ["kubernetesGroups", "accessPolicies"] {
            if let Some(at) = field(entry, key).filter(|at| is_set(Some(*at))) {
                clash(check, at, &format!("an entry for machines takes no {key}"), "drop them");
            }
        }
    }
    for policy in items(entry, &["accessPolicies"]) {
        let is_scoped = text(policy, &["accessScope", "type"]).as_deref() == Some("namespace");
        if is_scoped && items(policy, &["accessScope", "namespaces"]).next().is_none() {
            let why = "a policy for namespaces that names none";
            lacking(check, policy, &["accessScope", "namespaces"], why, "list the namespaces");
        }
    }
}
