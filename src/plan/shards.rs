//! Which management cluster carries which cluster, so that few move when their number changes.
//!
//! Rendezvous hashing: each shard bids for each cluster by name, the highest bid wins. With one shard more, only what the new one
//! wins moves. The hash is fixed here for good: another one would move clusters that run.

/// FNV-1a over 64 bits, then mixed so that all bits count.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (fnv ^ fnv >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// The shard of a cluster, from 0.
pub fn shard(namespace: &str, name: &str, shards: usize) -> usize {
    let bid = |shard: usize| stable_hash(format!("{shard}/{namespace}/{name}").as_bytes());
    (0..shards.max(1)).max_by_key(|shard| (bid(*shard), *shard)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_even_and_few_clusters_move() {
        let names: Vec<String> = (0..3000).map(|number| format!("app-prod-{number:04}")).collect();
        let assigned = |shards| names.iter().map(|name| shard("fleet", name, shards)).collect::<Vec<_>>();
        let (five, six) = (assigned(5), assigned(6));
        for number in 0..5 {
            let size = five.iter().filter(|shard| **shard == number).count();
            assert!((520..680).contains(&size), "shard {number} has {size}");
        }
        let moved: Vec<_> = five.iter().zip(&six).filter(|(a, b)| a != b).collect();
        assert!(moved.iter().all(|(_, to)| **to == 5), "clusters move only to the new shard");
        assert!((400..600).contains(&moved.len()), "{} of 3000 move", moved.len());
    }

    #[test]
    fn the_hash_is_fixed_for_good() {
        assert_eq!(stable_hash(b"fleet"), 0x69d7_4bc6_61f0_de36);
        let of_three = |namespace, name| shard(namespace, name, 3);
        assert_eq!([of_three("", "cluster-1"), of_three("", "cluster-2"), of_three("fleet", "prod")], [0, 2, 2]);
    }
}
