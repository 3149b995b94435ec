//! Fleets of any size, made of the rendered fixture: three clusters of `charts/multi-cluster`, again and again under other
//! names.

/// A fleet of `3 * times` clusters, 21 objects for each three.
pub fn of(times: usize) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/render/multi-cluster.yaml");
    let three = std::fs::read_to_string(path).expect("the fixture");
    (0..times).map(|number| three.replace(": cluster-", &format!(": fleet{number}-"))).collect()
}
