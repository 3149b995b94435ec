//! Networks of Azure clusters and their templates: subnets, load balancers, private names.
//!
//! What a cluster leaves out is filled first: a network of 10.0.0.0/8, a subnet for control planes and one for nodes, a public
//! load balancer for the API server. The rules hold for the filled object.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use crate::admission::address::Block;
use crate::admission::check::{Check, field, filled, is_true, items, number, text};
use crate::admission::rules::{DUPLICATE_ENTRY, INVALID_ADDRESS, INVALID_NAME};
use crate::admission::{Gate, State};
use crate::yaml::{Once, Value};

use super::formats::{is_dns_name, is_resource_id, is_word};
use super::{clash, lacking, malformed, within};

/// The address of the API server in a private cluster that names none.
const PRIVATE_ADDRESS: &str = "10.0.0.100";

/// A network with its defaults.
struct Network<'a> {
    spec: Value<'a>,
    /// The value at `networkSpec`, or the spec where there is none.
    at: Value<'a>,
    is_template: bool,
    has_control_plane: bool,
    subnets: Vec<Subnet<'a>>,
}

/// A subnet with its defaults.
struct Subnet<'a> {
    /// Where it is written down.
    at: Option<Value<'a>>,
    role: Cow<'a, str>,
    blocks: Vec<Cow<'a, str>>,
}

/// Judges an `AzureCluster` or its template.
pub fn judge<'a>(check: &mut Check<'_, 'a>, spec: Value<'a>, is_template: bool) {
    let network = Network::new(spec, is_template);
    subnets(check, &network);
    let is_internal = api_server(check, &network);
    outbound(check, &network, is_internal);
    private_names(check, &network, is_internal);
    if is_template {
        return;
    }
    resource_group(check, &network);
    peerings(check, &network);
    if let Some(location) = field(spec, &["extendedLocation"]) {
        check.gate(Gate::EdgeZone, location, "`extendedLocation`");
    }
    if let Some(bastion) = field(spec, &["bastionSpec", "azureBastion"])
        && is_true(bastion, &["enableTunneling"])
        && text(bastion, &["sku"]).as_deref() != Some("Standard")
    {
        clash(check, bastion, "tunneling needs the Standard sku", "set `sku: Standard`");
    }
    if let Some(at) = field(spec, &["cloudProviderConfigOverrides"]) {
        clash(check, at, "overrides of the cloud provider's settings cannot be set any more", "drop them");
    }
}

impl<'a> Network<'a> {
    fn new(spec: Value<'a>, is_template: bool) -> Self {
        let has_control_plane =
            is_template || field(spec, &["controlPlaneEnabled"]).and_then(|at| at.as_bool()) != Some(false);
        let at = field(spec, &["networkSpec"]);
        let mut network = Self { spec, at: at.unwrap_or(spec), is_template, has_control_plane, subnets: Vec::new() };
        let mut nodes = 0;
        for subnet in at.into_iter().flat_map(|at| items(at, &["subnets"])) {
            let role = text(subnet, &["role"]).unwrap_or_default();
            let default = match &*role {
                "node" => {
                    nodes += 1;
                    Some(format!("10.{nodes}.0.0/16"))
                }
                "control-plane" | "cluster" => Some("10.0.0.0/16".to_owned()),
                _ => None,
            };
            let mut blocks: Vec<_> = items(subnet, &["cidrBlocks"]).filter_map(|block| block.as_str()).collect();
            if blocks.is_empty() {
                blocks.extend(default.map(Cow::from));
            }
            network.subnets.push(Subnet { at: Some(subnet), role, blocks });
        }
        if !network.has("cluster") {
            if has_control_plane && !network.has("control-plane") {
                network.add("control-plane", "10.0.0.0/16");
            }
            if !network.has("node") {
                network.add("node", "10.1.0.0/16");
            }
        }
        network
    }

    fn add(&mut self, role: &'static str, block: &'static str) {
        self.subnets.push(Subnet { at: None, role: role.into(), blocks: vec![block.into()] });
    }

    fn get(&self, keys: &[&str]) -> Option<Value<'a>> {
        (self.at.index() != self.spec.index()).then(|| field(self.at, Once(keys))).flatten()
    }

    fn has(&self, role: &str) -> bool {
        self.subnets.iter().any(|subnet| subnet.role == role)
    }

    /// The blocks in which the private address of the API server must lie.
    fn control_plane_blocks(&self) -> &[Cow<'a, str>] {
        let is_its = |subnet: &&Subnet<'a>| matches!(&*subnet.role, "control-plane" | "cluster");
        self.subnets.iter().find(is_its).map_or(&[], |subnet| &subnet.blocks)
    }

    /// Whether machines get addresses of IPv6, which no NAT gateway serves.
    fn needs_outbound(&self) -> bool {
        let is_ipv6 = |block: &Cow<'_, str>| Block::parse(block).is_some_and(|block| block.address.is_ipv6());
        self.subnets.iter().any(|subnet| {
            let is_node = subnet.role == "node" || subnet.role == "cluster" && !self.is_template;
            is_node && subnet.blocks.iter().any(is_ipv6)
        })
    }
}

fn refuse_block<'a>(check: &mut Check<'_, 'a>, at: Value<'a>, why: &str, fix: &str) {
    check.refuse(&INVALID_ADDRESS, at, format!("{why}: the webhook refuses it"), fix);
}

fn subnets<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>) {
    let given: Vec<Value<'a>> =
        network.get(&["vnet"]).into_iter().flat_map(|vnet| items(vnet, &["cidrBlocks"])).collect();
    for at in &given {
        if at.as_str().is_some_and(|text| Block::parse(&text).is_none()) {
            refuse_block(check, *at, "no CIDR", "write address and prefix length, such as 10.0.0.0/8");
        }
    }
    let blocks: Vec<Block> = if given.is_empty() {
        Block::parse("10.0.0.0/8").into_iter().collect()
    } else {
        given.iter().filter_map(|at| Block::parse(&at.as_str()?)).collect()
    };
    let mut names = HashSet::new();
    for Subnet { at: subnet, role, blocks: ranges } in &network.subnets {
        let outside = ranges
            .iter()
            .find(|range| !Block::parse(range).is_some_and(|range| blocks.iter().any(|b| b.contains(range.address))));
        if let Some(range) = outside {
            let at = subnet
                .and_then(|subnet| field(subnet, &["cidrBlocks"]))
                .or_else(|| given.first().copied())
                .or(*subnet)
                .unwrap_or(network.at);
            let why = match Block::parse(range) {
                Some(_) => format!("the {role} subnet's block {range} lies outside of `vnet.cidrBlocks`"),
                None => format!("{range:?} is no CIDR"),
            };
            refuse_block(check, at, &why, "give the subnet `cidrBlocks` inside the network's");
        }
        let Some(subnet) = subnet else { continue };
        let is_named_by_webhook = !network.is_template && matches!(&**role, "node" | "control-plane" | "cluster");
        subnet_name(check, *subnet, is_named_by_webhook, &mut names);
        for rule in items(*subnet, &["securityGroup", "securityRules"]) {
            security_rule(check, rule);
        }
        if !network.is_template {
            service_endpoints(check, *subnet);
            private_endpoints(check, *subnet, ranges);
        }
    }
    // Those that the webhook adds to a template have no name, which it then refuses itself.
    if network.is_template {
        let is_given = |role| network.subnets.iter().any(|subnet| subnet.at.is_some() && subnet.role == role);
        for role in ["control-plane", "node"].into_iter().filter(|role| !is_given(*role)) {
            let why = format!("a template without a subnet of role {role}");
            lacking(check, network.at, &["subnets"], &why, format!("add `{{name: …, role: {role}}}` to the subnets"));
        }
    }
}

fn subnet_name<'a>(check: &mut Check<'_, 'a>, subnet: Value<'a>, is_optional: bool, names: &mut HashSet<String>) {
    let name = filled(subnet, &["name"]);
    let Some(name) = name else {
        if !is_optional {
            lacking(check, subnet, &["name"], "a subnet without name", "name it");
        }
        return;
    };
    let at = field(subnet, &["name"]).unwrap_or(subnet);
    if !is_word(&name, b"") {
        let message = format!("{name:?} is no name of a subnet: the webhook refuses it");
        check.refuse(&INVALID_NAME, at, message, "use letters, digits, `-`, `.` and `_`");
    }
    if !names.insert(name.to_string()) {
        let message = format!("two subnets are called {name:?}: the webhook refuses them");
        check.refuse(&DUPLICATE_ENTRY, at, message, "rename one");
    }
}

fn security_rule<'a>(check: &mut Check<'_, 'a>, rule: Value<'a>) {
    match field(rule, &["priority"]) {
        Some(at) => within(check, Some(at), &(100..=4096)),
        None => lacking(check, rule, &["priority"], "a security rule without priority", "use 100 to 4096"),
    }
    if let Some(at) = field(rule, &["sources"]).filter(|_| field(rule, &["source"]).is_some()) {
        clash(check, at, "both `source` and `sources`", "keep one of them");
    }
}

fn service_endpoints<'a>(check: &mut Check<'_, 'a>, subnet: Value<'a>) {
    let mut services = HashSet::new();
    for endpoint in items(subnet, &["serviceEndpoints"]) {
        let at = field(endpoint, &["service"]).unwrap_or(endpoint);
        match filled(endpoint, &["service"]) {
            None => lacking(check, endpoint, &["service"], "a service endpoint without service", "name the service"),
            Some(service) if !is_service(&service) => {
                malformed(
                    check,
                    at,
                    &format!("{service:?} is no service"),
                    "write Microsoft.NAME, such as Microsoft.Storage",
                );
            }
            Some(service) if !services.insert(service.to_string()) => {
                let message = format!("two endpoints for {service}: the webhook refuses them");
                check.refuse(&DUPLICATE_ENTRY, at, message, "merge their locations");
            }
            Some(_) => {}
        }
        let mut locations = HashSet::new();
        let mut all = items(endpoint, &["locations"]).peekable();
        if all.peek().is_none() {
            let why = "a service endpoint without locations";
            lacking(check, endpoint, &["locations"], why, "list the locations, or `\"*\"`");
        }
        for at in all {
            let location = at.as_str().unwrap_or_default();
            if !is_location(&location) {
                malformed(check, at, &format!("{location:?} is no location"), "write it as westeurope, or `\"*\"`");
            } else if !locations.insert(location.to_string()) {
                let message = format!("{location} is listed twice: the webhook refuses it");
                check.refuse(&DUPLICATE_ENTRY, at, message, "drop one");
            }
        }
    }
}

fn is_service(text: &str) -> bool {
    let Some(name) = text.strip_prefix("Microsoft.") else { return false };
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    // At most 42 letters, then at most 42 letters and digits.
    letters > 0 && name.len() <= letters.min(42) + 42 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_location(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let digits = &text[letters..];
    text == "*" || (1..=42).contains(&letters) && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Judges the private endpoints of a subnet with these blocks.
pub fn private_endpoints<'a>(check: &mut Check<'_, 'a>, subnet: Value<'a>, blocks: &[Cow<'_, str>]) {
    for endpoint in items(subnet, &["privateEndpoints"]) {
        let name = text(endpoint, &["name"]).unwrap_or_default();
        if !is_word(&name, b"") {
            let at = field(endpoint, &["name"]).unwrap_or(endpoint);
            let message = format!("{name:?} is no name of a private endpoint: the webhook refuses it");
            check.refuse(&INVALID_NAME, at, message, "use letters, digits, `-`, `.` and `_`");
        }
        let mut connections = items(endpoint, &["privateLinkServiceConnections"]).peekable();
        if connections.peek().is_none() {
            let why = "a private endpoint without connections";
            lacking(check, endpoint, &["privateLinkServiceConnections"], why, "list the services to reach");
        }
        for connection in connections {
            private_link(check, connection);
        }
        for at in items(endpoint, &["privateIPAddresses"]) {
            let text = at.as_str().unwrap_or_default();
            if !is_inside(&text, blocks) {
                refuse_block(check, at, &format!("{text:?} is no address of the subnet"), "use one inside its blocks");
            }
        }
    }
}

fn private_link<'a>(check: &mut Check<'_, 'a>, connection: Value<'a>) {
    match filled(connection, &["privateLinkServiceID"]) {
        None => {
            let why = "a connection without the service it reaches";
            lacking(check, connection, &["privateLinkServiceID"], why, "write the id of the service");
        }
        Some(id) if !is_service_id(&id) => {
            let at = field(connection, &["privateLinkServiceID"]).unwrap_or(connection);
            let fix = "write /subscriptions/ID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME";
            malformed(check, at, "no id of a service", fix);
        }
        Some(_) => {}
    }
    if let Some(at) = field(connection, &["name"])
        && at.as_str().is_some_and(|name| !name.is_empty() && !is_word(&name, b""))
    {
        let message = "no name of a connection: the webhook refuses it";
        check.refuse(&INVALID_NAME, at, message, "use letters, digits, `-`, `.` and `_`");
    }
}

/// An id of a resource in a group; what stands before does not matter.
fn is_service_id(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.as_str();
    for step in ["subscriptions/", "/resourcegroups/", "/providers/"] {
        let Some(at) = rest.find(step) else { return false };
        if at == 0 && step.starts_with('/') {
            return false;
        }
        rest = &rest[at + step.len()..];
    }
    let parts: Vec<&str> = rest.splitn(3, '/').collect();
    is_resource_id(text) || parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}

fn is_inside(address: &str, blocks: &[Cow<'_, str>]) -> bool {
    address
        .parse::<IpAddr>()
        .is_ok_and(|address| blocks.iter().filter_map(|block| Block::parse(block)).any(|block| block.contains(address)))
}

/// Judges the load balancer of the API server, and tells whether it is an internal one.
fn api_server<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>) -> bool {
    let Some(balancer) = network.get(&["apiServerLB"]).filter(|_| network.has_control_plane) else {
        return !network.has_control_plane;
    };
    for (key, known) in [("sku", &["Standard"][..]), ("type", &["Public", "Internal"])] {
        if let Some(at) = field(balancer, key)
            && let Some(text) = at.as_str().filter(|text| !text.is_empty() && !known.contains(&&**text))
        {
            let why = format!("{key} {text:?} of the API server's load balancer");
            malformed(check, at, &why, format!("use {}", known.join(" or ")));
        }
    }
    within(check, field(balancer, &["idleTimeoutInMinutes"]), &(4..=30));
    let ty = filled(balancer, &["type"]).unwrap_or_else(|| "Public".into());
    if !network.is_template {
        if let Some(at) = field(balancer, &["name"])
            && at.as_str().is_some_and(|name| !name.is_empty() && !is_word(&name, b""))
        {
            let message = "no name of a load balancer: the webhook refuses it";
            check.refuse(&INVALID_NAME, at, message, "use letters, digits, `-`, `.` and `_`");
        }
        match &*ty {
            "Public" => public_addresses(check, network, balancer),
            "Internal" => private_addresses(check, network, balancer),
            _ => {}
        }
    }
    ty == "Internal"
}

fn private_address(frontend: Value<'_>) -> Option<Value<'_>> {
    field(frontend, &["privateIP"]).filter(|at| at.as_str().is_some_and(|address| !address.is_empty()))
}

fn public_addresses<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>, balancer: Value<'a>) {
    let frontends: Vec<_> = items(balancer, &["frontendIPs"]).collect();
    let public = frontends.iter().filter(|frontend| field(**frontend, &["publicIP"]).is_some()).count();
    let count = field(balancer, &["frontendIPsCount"]).filter(|at| super::super::whole(*at) != Some(1));
    if let Some(at) = count.or(field(balancer, &["frontendIPs"]).filter(|_| !frontends.is_empty() && public != 1)) {
        let fix = "give it one frontend with `publicIP`, or none at all: the webhook makes one";
        clash(check, at, "a public API server has just one public address", fix);
    }
    let private = frontends.iter().find_map(|frontend| private_address(*frontend));
    if check.options.gates.state(Gate::ApiServerIlb) == State::On {
        let (at, address) = match private {
            Some(at) => (at, at.as_str().unwrap_or_default()),
            None => (balancer, PRIVATE_ADDRESS.into()),
        };
        in_control_plane(check, network, at, &address);
    } else if let Some(at) = private {
        check.gate(Gate::ApiServerIlb, at, "a private address of a public API server");
    }
}

fn private_addresses<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>, balancer: Value<'a>) {
    let frontends: Vec<_> = items(balancer, &["frontendIPs"]).collect();
    for at in frontends.iter().filter_map(|frontend| field(*frontend, &["publicIP"])) {
        clash(check, at, "an internal load balancer has no public address", "drop it");
    }
    let private: Vec<_> = frontends.iter().filter_map(|frontend| private_address(*frontend)).collect();
    match (frontends.as_slice(), private.as_slice()) {
        ([], _) => in_control_plane(check, network, balancer, PRIVATE_ADDRESS),
        // The webhook looks at the first frontend only.
        ([first, ..], [_]) => {
            let at = private_address(*first);
            let address = at.and_then(|at| at.as_str()).unwrap_or_default();
            in_control_plane(check, network, at.unwrap_or(*first), &address);
        }
        ([first, ..], _) => {
            let at = field(balancer, &["frontendIPs"]).unwrap_or(*first);
            let fix = "give it one frontend with `privateIP`, or none at all: the webhook makes one";
            clash(check, at, "an internal API server has just one private address", fix);
        }
    }
}

fn in_control_plane<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>, at: Value<'a>, address: &str) {
    let blocks = network.control_plane_blocks();
    if !is_inside(address, blocks) {
        let why = if address == PRIVATE_ADDRESS {
            format!("{address}, the address of the API server unless set, is not in the control plane's subnet")
        } else {
            format!("{address:?} is no address in the control plane's subnet")
        };
        let fix = format!("set `frontendIPs[0].privateIP` to an address in {}", blocks.join(", "));
        refuse_block(check, at, &why, &fix);
    }
}

fn outbound<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>, is_internal: bool) {
    let node = network.get(&["nodeOutboundLB"]);
    if let Some(node) = node.filter(|_| network.needs_outbound()) {
        within(check, field(node, &["idleTimeoutInMinutes"]), &(4..=30));
        frontends(check, node, network);
    }
    if let Some(at) = network.get(&["subnets"]).filter(|_| network.needs_outbound() && !network.has_control_plane) {
        let why = "IPv6 for nodes while `controlPlaneEnabled` is false, on which the webhook fails";
        clash(check, at, why, "leave IPv6 out, or the control plane in");
    }
    let Some(plane) = network.get(&["controlPlaneOutboundLB"]).filter(|_| network.has_control_plane) else { return };
    if is_internal {
        within(check, field(plane, &["idleTimeoutInMinutes"]), &(4..=30));
    } else if matches!(
        network.get(&["apiServerLB", "type"]).and_then(|ty| ty.as_str()).as_deref(),
        None | Some("" | "Public")
    ) {
        clash(check, plane, "a way out for the control plane of a public cluster", "drop it: the API server's serves");
    }
    frontends(check, plane, network);
}

fn frontends<'a>(check: &mut Check<'_, 'a>, balancer: Value<'a>, network: &Network<'a>) {
    if !network.is_template && number(balancer, &["frontendIPsCount"]).is_some_and(|count| count > 16) {
        within(check, field(balancer, &["frontendIPsCount"]), &(1..=16));
    }
}

fn private_names<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>, is_internal: bool) {
    let zone = network.get(&["privateDNSZoneName"]).filter(|at| at.as_str().is_some_and(|name| !name.is_empty()));
    if let Some(at) = zone {
        let name = at.as_str().unwrap_or_default();
        if !is_internal {
            let fix = "set `apiServerLB.type: Internal`, or drop the zone";
            clash(check, at, "a private zone for an API server that is public", fix);
        }
        if !is_dns_name(&name) {
            malformed(check, at, &format!("{name:?} is no DNS name"), "write a domain such as example.internal");
        }
    }
    let group = network.get(&["privateDNSZoneResourceGroup"]);
    if let Some(at) = group.filter(|at| at.as_str().is_some_and(|name| !name.is_empty())) {
        if zone.is_none() {
            clash(check, at, "the group of a private zone that has no name", "add `privateDNSZoneName`");
        }
        group_name(check, at);
    }
}

fn group_name<'a>(check: &mut Check<'_, 'a>, at: Value<'a>) {
    if let Some(name) = at.as_str().filter(|name| !name.is_empty() && !is_word(name, b"()")) {
        let message = format!("{name:?} is no name of a resource group: the webhook refuses it");
        check.refuse(&INVALID_NAME, at, message, "use letters, digits, `-`, `.`, `_` and parentheses");
    }
}

fn resource_group<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>) {
    let own = network.get(&["vnet", "resourceGroup"]).filter(|at| at.as_str().is_none_or(|name| !name.is_empty()));
    if let Some(at) = own.or(field(network.spec, &["resourceGroup"])) {
        group_name(check, at);
    }
}

fn peerings<'a>(check: &mut Check<'_, 'a>, network: &Network<'a>) {
    let mut seen = HashSet::new();
    let default = filled(network.spec, &["resourceGroup"]).unwrap_or_else(|| check.name().into());
    for peering in network.get(&["vnet"]).into_iter().flat_map(|vnet| items(vnet, &["peerings"])) {
        let group = filled(peering, &["resourceGroup"]).unwrap_or_else(|| default.clone());
        let name = text(peering, &["remoteVnetName"]).unwrap_or_default();
        if !seen.insert(format!("{group}/{name}")) {
            let message = format!("two peerings with network {name}: the webhook refuses them");
            check.refuse(&DUPLICATE_ENTRY, peering, message, "drop one");
        }
    }
}
