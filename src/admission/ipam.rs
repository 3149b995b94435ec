//! IP addresses handed out by an IPAM provider.

use std::net::IpAddr;

use super::check::{Check, field, text, whole};
use super::rules::{INVALID_ADDRESS, OUT_OF_RANGE, UNKNOWN_CLASS};

/// Judges an IPAddress.
pub fn judge(check: &mut Check<'_, '_>) {
    if check.object.kind != "IPAddress" {
        return;
    }
    let root = check.object.root;
    let address = field(root, &["spec", "address"]);
    for value in
        [address, field(root, &["spec", "gateway"]).filter(|gateway| gateway.as_str().is_some_and(|g| !g.is_empty()))]
            .into_iter()
            .flatten()
    {
        if value.as_str().is_some_and(|text| address_of(&text).is_none()) {
            let message = format!("{:?} is no IP address: the webhook refuses it", value.as_str().unwrap_or_default());
            check.refuse(&INVALID_ADDRESS, value, message, "write an address without prefix length, such as 10.0.0.7");
        }
    }
    let family = text(root, &["spec", "address"]).and_then(|address| address_of(&address));
    let longest = if family.is_some_and(|address| address.is_ipv6()) { 128 } else { 32 };
    if let (Some(_), Some(prefix)) = (family, field(root, &["spec", "prefix"])) {
        let length = whole(prefix).unwrap_or(0);
        if !(0..=longest).contains(&length) {
            let message =
                format!("a prefix of {length} bits; the webhook refuses more than {longest} for this address");
            check.refuse(&OUT_OF_RANGE, prefix, message, format!("use 0 to {longest}"));
        }
    }
    pool(check);
}

/// The address must come from the pool that its claim asks for.
fn pool(check: &mut Check<'_, '_>) {
    let root = check.object.root;
    let (Some(claim), Some(pool)) = (text(root, &["spec", "claimRef", "name"]), field(root, &["spec", "poolRef"]))
    else {
        return;
    };
    let Some(claim) = check.peers.find(check.object, "ipam.cluster.x-k8s.io", "IPAddressClaim", None, &claim) else {
        return;
    };
    let Some(asked) = claim.at(&["spec", "poolRef"]) else { return };
    if ["kind", "name"].iter().any(|key| text(pool, *key) != text(asked, *key)) {
        let message = format!(
            "takes its address from another pool than its claim {} asks for: the webhook refuses it",
            claim.name
        );
        check.refuse(&UNKNOWN_CLASS, pool, message, "use the claim's poolRef");
    }
}

/// Reads an address as Go does: one of IPv6 may name a zone.
fn address_of(text: &str) -> Option<IpAddr> {
    match text.split_once('%') {
        Some((address, zone)) if !zone.is_empty() => address.parse().ok().filter(IpAddr::is_ipv6),
        _ => text.parse().ok(),
    }
}
