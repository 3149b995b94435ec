//! Blocks of addresses, read as Go's net package reads them.

use std::net::IpAddr;

/// An address and the length of its network's prefix; bits behind the prefix may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The address as written.
    pub address: IpAddr,
    /// How many leading bits name the network.
    pub length: u32,
}

impl Block {
    /// Reads `10.0.0.0/16`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let is_digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|length| is_digits && *length <= bits(address))?;
        Some(Self { address, length })
    }

    /// How many bits are left for the hosts of the network.
    pub fn host_bits(self) -> u32 {
        bits(self.address) - self.length
    }

    /// Whether an address belongs to the network.
    pub fn contains(self, address: IpAddr) -> bool {
        let mask = |address| number(address).checked_shr(self.host_bits()).unwrap_or(0);
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && mask(address) == mask(self.address)
    }

    /// Whether the whole of another network belongs to this one.
    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length && self.contains(other.address)
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let block = |text| Block::parse(text).unwrap();
        assert!(block("10.0.0.0/8").covers(block("10.1.2.3/16")));
        assert!(!block("10.0.0.0/16").covers(block("10.0.0.0/8")));
        assert!(!block("10.0.0.0/16").contains("10.1.0.1".parse().unwrap()));
        assert!(block("0.0.0.0/0").contains("1.2.3.4".parse().unwrap()));
        assert!(
            block("::/0").contains("2001:db8::1".parse().unwrap())
                && !block("::/0").contains("1.2.3.4".parse().unwrap())
        );
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "/8"] {
            assert_eq!(Block::parse(bad), None, "{bad}");
        }
    }
}
