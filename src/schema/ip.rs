//! IP addresses and networks by the rules of Go: the two that Kubernetes uses.
//!
//! Why of our own: `std` agrees with Go's `netip` on what an address is, but knows no zones, no prefixes and none of the leading
//! zeros that the API server's formats `ipv4` and `cidr` still take. This module must not know schemas or CEL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: an address and the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The address as written; bits behind the prefix may be set.
    pub address: IpAddr,
    /// Length of the prefix.
    pub bits: u8,
}

/// Number of bits of an address of this family.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// An address as `netip.ParseAddr` reads it, with its zone (`%eth0`) where it has one.
pub fn parse_with_zone(text: &str) -> Option<(IpAddr, Option<&str>)> {
    if let Some((address, zone)) = text.split_once('%') {
        let address: Ipv6Addr = address.parse().ok()?;
        return (!zone.is_empty()).then_some((IpAddr::V6(address), Some(zone)));
    }
    Some((text.parse().ok()?, None))
}

/// An address as CEL's `ip()` takes it: without zone, and no IPv4 address dressed as IPv6.
pub fn parse(text: &str) -> Option<IpAddr> {
    match parse_with_zone(text)? {
        (address, None) if !is_mapped(address) => Some(address),
        _ => None,
    }
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

/// A network as `netip.ParsePrefix` reads it: strict digits, no zone.
pub fn parse_prefix(text: &str) -> Option<Network> {
    let (address, bits) = text.rsplit_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let starts_well = bits == "0" || matches!(bits.as_bytes().first(), Some(b'1'..=b'9'));
    if !starts_well || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = bits.parse().ok()?;
    (bits <= width(address)).then_some(Network { address, bits })
}

/// A network as CEL's `cidr()` takes it.
pub fn parse_network(text: &str) -> Option<Network> {
    parse_prefix(text).filter(|network| !is_mapped(network.address))
}

/// An address as the formats `ipv4` and `ipv6` take it: octets may begin with zeros.
pub fn parse_sloppy(text: &str) -> Option<IpAddr> {
    // Whichever of the two signs comes first decides what the text wants to be.
    match text.bytes().find(|b| matches!(b, b'.' | b':'))? {
        b'.' => sloppy_v4(text).map(IpAddr::V4),
        _ => sloppy_v6(text).map(IpAddr::V6),
    }
}

fn sloppy_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = part
            .trim_start_matches('0')
            .parse()
            .or_else(|error| if part.bytes().all(|b| b == b'0') { Ok(0) } else { Err(error) })
            .ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn sloppy_v6(text: &str) -> Option<Ipv6Addr> {
    let Some((head, tail)) = text.rsplit_once(':').filter(|(_, tail)| tail.contains('.')) else {
        return text.parse().ok();
    };
    let tail = sloppy_v4(tail)?;
    format!("{head}:{tail}").parse().ok()
}

/// Whether the format `cidr` takes the text.
pub fn is_sloppy_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let Some(address) = parse_sloppy(address) else { return false };
    if bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    // Go takes a mapped address for an IPv4 one only where it was written with dots alone.
    bits.trim_start_matches('0')
        .parse::<u32>()
        .map_or_else(|_| bits.bytes().all(|b| b == b'0'), |n| n <= u32::from(width(address)))
}

impl Network {
    /// The network with the bits behind the prefix cleared.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { address: mask(self.address, self.bits), bits: self.bits }
    }

    /// Whether an address lies in the network; never one of the other family.
    pub fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && mask(address, self.bits) == mask(self.address, self.bits)
    }

    /// Whether another network lies in this one.
    pub fn contains_network(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn mask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

/// Whether CEL's `isGlobalUnicast` holds: not unspecified, loopback, multicast, link-local or the broadcast address.
pub fn is_global_unicast(address: IpAddr) -> bool {
    !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !is_link_local_unicast(address)
        && address != IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// `169.254.0.0/16` or `fe80::/10`.
pub fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// `224.0.0.0/24` or `ff02::/16` (any flags).
pub fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_and_sloppy_differ_in_leading_zeros() {
        assert!(parse("010.0.0.1").is_none());
        assert_eq!(parse_sloppy("010.000.000.001"), Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))));
        assert!(is_sloppy_cidr("010.0.0.0/08"));
        assert!(parse("::ffff:1.2.3.4").is_none());
        assert!(parse("fe80::1%eth0").is_none());
    }

    #[test]
    fn networks() {
        let wide = parse_network("192.168.0.0/16").expect("a network");
        let narrow = parse_network("192.168.10.1/24").expect("a network");
        assert!(wide.contains_network(narrow) && !narrow.contains_network(wide));
        assert_eq!(narrow.masked().to_string(), "192.168.10.0/24");
        assert!(parse_network("10.0.0.0/033").is_none() && parse_network("10.0.0.0/+8").is_none());
        assert!(parse_network("0.0.0.0/0").expect("a network").contains(Ipv4Addr::new(1, 2, 3, 4).into()));
    }
}
