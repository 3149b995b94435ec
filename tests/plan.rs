//! Plans: the course's figures, the model against the measurement, waves, shards, size.

mod common;

use std::fs;
use std::io::Read;
use std::time::Duration;

use serde_json::Value as Json;

use capi_lint::plan::model::Model;
use capi_lint::release::secret_size;
use common::{capi_lint, shared};

fn fleet(clusters: impl IntoIterator<Item = (String, &'static str, &'static str)>) -> String {
    let one = |(name, environment, region): (String, &str, &str)| {
        format!(
            "---\napiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata:\n  name: {name}\n  labels: {{environment: {environment}, \
             region: {region}}}\nspec:\n  topology:\n    classRef: {{name: quick}}\n    version: v1.34.1\n    controlPlane: {{replicas: 1}}\n\
             \x20   workers: {{machineDeployments: [{{class: w, name: md, replicas: 2}}]}}\n"
        )
    };
    clusters.into_iter().map(one).collect()
}

fn of(number: usize) -> String {
    fleet((0..number).map(|number| (format!("app-prod-{number:03}"), "prod", "eu")))
}

fn plan(text: &str, more: &[&str]) -> Json {
    let run = capi_lint(&[&["plan", "-", "--format", "json"], more].concat(), text);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

fn names(plan: &Json) -> Vec<(String, usize)> {
    let waves = plan["waves"].as_array().unwrap();
    waves
        .iter()
        .map(|wave| (wave["name"].as_str().unwrap().to_owned(), wave["clusters"].as_array().unwrap().len()))
        .collect()
}

#[test]
fn the_figures_of_the_course() {
    for (clusters, sequential, parallel) in [(3, 9, 3), (10, 30, 3), (100, 300, 3)] {
        let plan = plan(&of(clusters), &[]);
        assert_eq!(plan["machines"], clusters * 3);
        assert_eq!(plan["atOnce"]["sequential"], sequential * 60);
        assert_eq!(plan["atOnce"]["parallel"], parallel * 60);
    }
    let run = capi_lint(&["plan", "-"], &of(3));
    assert!(run.stdout.contains("3 min instead of 9 min one after the other (67 % less)"), "{}", run.stdout);
}

/// The table of the measurement, read where it is written down.
#[test]
fn the_model_fits_the_measurement() {
    let Some(path) = shared("facts/scaling.md") else { return };
    let text = fs::read_to_string(path).unwrap();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some((seconds, machines)) = cells.get(3).and_then(|cell| cell.split_once(" s (")) else { continue };
        let (seconds, machines): (f64, u64) =
            (seconds.parse().unwrap(), machines.trim_end_matches(')').parse().unwrap());
        let modelled = Model::default().modelled(machines).as_secs_f64();
        let off = (modelled - seconds).abs() / seconds;
        println!("{machines} machines: measured {seconds} s, modelled {modelled} s, {:.0} % off", off * 100.0);
        assert!(off < 0.1, "{machines} machines: measured {seconds} s, modelled {modelled} s");
        rows += 1;
    }
    assert_eq!(rows, 5);
    let twice = Model { machines_per_second: 2.0, ..Model::default() };
    assert_eq!(twice.modelled(300), Duration::from_secs(150));
}

#[test]
fn waves_follow_the_promotion_order() {
    let text = fleet([
        ("c".to_owned(), "prod", "eu"),
        ("b".to_owned(), "staging", "us"),
        ("x".to_owned(), "blue", "eu"),
        ("a".to_owned(), "dev", "eu"),
        ("d".to_owned(), "prod", "us"),
    ]);
    let expected = [("dev", 1), ("blue", 1), ("staging", 1), ("prod", 2)].map(|(name, size)| (name.to_owned(), size));
    assert_eq!(names(&plan(&text, &[])), expected);
    let regions = names(&plan(&text, &["--by", "region"]));
    assert_eq!(regions, [("eu".to_owned(), 3), ("us".to_owned(), 2)]);
    let both = names(&plan(&text, &["--by", "environment", "--by", "percent=50,100"]));
    assert_eq!(both.last(), Some(&("prod 100%".to_owned(), 1)));
    let sizes = names(&plan(&text, &["--by", "size=2"]));
    assert_eq!(sizes.iter().map(|(_, size)| *size).collect::<Vec<_>>(), [2, 2, 1]);
    let by_label = names(&plan(&text, &["--by", "label=tier"]));
    assert_eq!(by_label, [("no tier".to_owned(), 5)]);
}

#[test]
fn labels_follow_the_promotion_order_too() {
    let places = [("a", "prod", "eu"), ("b", "dev", "us"), ("c", "staging", "ap"), ("d", "dev", "eu")];
    let text = fleet(places.map(|(name, environment, region)| (name.to_owned(), environment, region)));
    let by_environment = names(&plan(&text, &["--by", "label=environment"]));
    assert_eq!(by_environment, [("dev".into(), 2), ("staging".into(), 1), ("prod".into(), 1)]);
    // Production is in eu: eu comes last, though one of dev is there too.
    let by_region = names(&plan(&text, &["--by", "label=region"]));
    assert_eq!(by_region, [("us".into(), 1), ("ap".into(), 1), ("eu".into(), 2)]);
}

#[test]
fn a_canary_grows_and_every_cluster_is_in_one_wave() {
    for (clusters, expected) in [(100, vec![10, 20, 70]), (10, vec![1, 2, 7]), (3, vec![1, 2]), (1, vec![1])] {
        let plan = plan(&of(clusters), &["--by", "percent=10,30,100"]);
        let sizes: Vec<usize> = names(&plan).iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes, expected, "{clusters} clusters");
    }
    assert_eq!(capi_lint(&["plan", "-", "--by", "percent=30,10"], &of(1)).code, 2);
}

#[test]
fn few_at_once_take_longer() {
    let plan = plan(&of(10), &["--parallel", "4", "--per-cluster", "5m", "--machines-per-second", "0.5"]);
    assert_eq!(plan["atOnce"]["parallel"], 15 * 60);
    // Rounds of 12, 12 and 6 machines: never more than one cluster alone takes.
    assert_eq!(plan["atOnce"]["modelled"], 15 * 60);
}

#[test]
fn shards_hold_every_cluster_once_and_few_move() {
    let text = of(60);
    let assigned = |shards: &str| -> Vec<(String, u64)> {
        let plan = plan(&text, &["--shards", shards]);
        let mut all: Vec<(String, u64)> = plan["shards"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|shard| {
                let number = shard["shard"].as_u64().unwrap();
                shard["clusters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(move |name| (name.as_str().unwrap().to_owned(), number))
                    .collect::<Vec<_>>()
            })
            .collect();
        all.sort();
        all
    };
    let (three, four) = (assigned("3"), assigned("4"));
    assert_eq!((three.len(), four.len()), (60, 60));
    let moved: Vec<_> = three.iter().zip(&four).filter(|(a, b)| a.1 != b.1).collect();
    assert!(!moved.is_empty() && moved.iter().all(|(_, to)| to.1 == 4), "clusters move to the new shard alone");
    assert!(moved.len() < 25, "{} of 60 move", moved.len());
}

#[test]
fn what_exceeds_the_management_cluster_is_told() {
    let docker = |number: usize| -> String {
        let one = |number: usize| {
            format!(
                "---\napiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {{name: c{number}}}\nspec:\n  infrastructureRef: \
                 {{apiGroup: infrastructure.cluster.x-k8s.io, kind: DockerCluster, name: c{number}}}\n---\n\
                 apiVersion: infrastructure.cluster.x-k8s.io/v1beta2\nkind: DockerCluster\nmetadata: {{name: c{number}}}\nspec: {{}}\n"
            )
        };
        (0..number).map(one).collect()
    };
    let note = |plan: &Json| plan["notes"].to_string();
    assert!(!note(&plan(&docker(50), &[])).contains("carries"));
    assert!(note(&plan(&docker(150), &[])).contains("at full speed"));
    assert!(note(&plan(&docker(600), &[])).contains("--shards 6"));
    assert!(!note(&plan(&docker(600), &["--shards", "8"])).contains("one management cluster carries"));
}

/// Helm's own Secret, recorded, against the forecast from what is in it.
#[test]
fn the_release_secret_is_forecast() {
    let Some(path) = shared("recorded/live/helm3-release-secret.json") else { return };
    let secret: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let stored = base64(secret["data"]["release"].as_str().unwrap());
    let mut text = String::new();
    let packed = base64(std::str::from_utf8(&stored).unwrap());
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let release: Json = serde_json::from_str(&text).unwrap();
    let mut forecast = secret_size::Forecast::new();
    forecast.manifests(release["manifest"].as_str().unwrap());
    for file in release["chart"]["templates"].as_array().unwrap() {
        forecast.chart_file(file["name"].as_str().unwrap(), &base64(file["data"].as_str().unwrap()));
    }
    let (size, actual) = (forecast.size(), stored.len());
    println!("forecast {size}, Helm's Secret {actual}");
    assert!(size.abs_diff(actual) * 10 < actual, "forecast {size}, Helm's Secret {actual}");
}

fn base64(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | letters.iter().position(|letter| *letter == byte).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
