//! `capi-lint report`: one file that asks nothing from anywhere, says nothing secret, and works in a real browser.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

mod common;

use common::{capi_lint, repository};

/// A fleet with everything that a page could trip over: markup in names and messages, a reference to nothing, a secret.
const HOSTILE: &str = r#"apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: app-prod-1, namespace: fleet, labels: {environment: "</script><script>document.title='broken'</script>", region: "<!--eu"}}
spec:
  controlPlaneRef: {apiGroup: controlplane.cluster.x-k8s.io, kind: KubeadmControlPlane, name: absent}
  "<img src=x onerror=alert(1)>": true
---
apiVersion: v1
kind: Secret
metadata: {name: app-prod-1-data, namespace: fleet, labels: {cluster.x-k8s.io/cluster-name: app-prod-1}}
type: 7
data: {value: CANARY-a}
stringData: {value: [CANARY-b]}
---
apiVersion: bootstrap.cluster.x-k8s.io/v1beta2
kind: KubeadmConfigTemplate
metadata: {name: app-prod-1-workers, namespace: fleet, labels: {cluster.x-k8s.io/cluster-name: app-prod-1}}
spec:
  template:
    spec:
      files: [{path: /etc/key, content: [CANARY-c], nothing: 1}]
      users: [{name: capi, passwd: [CANARY-d]}]
---
kind: Secret
data: {value: CANARY-e
"#;

fn fixture(name: &str) -> String {
    repository(&format!("fixtures/render/{name}")).display().to_string()
}

fn page(arguments: &[&str], stdin: &str) -> String {
    let run = capi_lint(&[&["report"], arguments].concat(), stdin);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

/// The data of a page, as its script reads it.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn the_page_holds_the_fleet_and_asks_nothing_from_anywhere() {
    let page = page(&[&fixture("multi-cluster.yaml")], "");
    let data = data(&page);
    assert_eq!(data["clusters"].as_array().map(Vec::len), Some(3));
    let markup = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "@import", "url(//", "{{"] {
        assert!(!markup.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_and_messages_are_never_markup_and_secrets_never_told() {
    let page = page(&["-"], HOSTILE);
    assert_eq!(page.matches("</script>").count(), 2, "the page's own two");
    assert!(!page.contains("<img") && !page.contains("<!--"));
    assert!(!page.contains("CANARY"), "a secret is on the page");
    let titled = self::page(&["-", "--title", "a</title><b>"], HOSTILE);
    assert!(titled.contains("<title>a&lt;/title&gt;&lt;b&gt;</title>"));
    let data = data(&page);
    let strings: Vec<&str> = data["strings"].as_array().expect("texts").iter().filter_map(Value::as_str).collect();
    assert!(strings.contains(&"</script><script>document.title='broken'</script>"), "as written");
    assert_eq!(data["clusters"][0]["graph"]["absent"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_same_fleet_gives_the_same_bytes_at_any_number_of_threads() {
    let file = fixture("multi-cluster-bad.yaml");
    assert_eq!(page(&[&file, "--jobs", "1"], ""), page(&[&file, "--jobs", "4"], ""));
}

#[test]
fn with_an_older_release_the_bill_is_there_and_only_asked_for_findings_fail() {
    let (good, bad) = (fixture("multi-cluster.yaml"), fixture("multi-cluster-bad.yaml"));
    let data = data(&page(&[&bad, "--diff", &good], ""));
    assert_eq!(data["rollout"]["version"], 1);
    assert!(data["rollout"]["summary"]["clusters"].as_u64() > Some(0));
    assert_eq!(capi_lint(&["report", &bad, "--fail-on", "error"], "").code, 1);
}

/// Chromium, headless, with a profile of its own that goes with it.
struct Browser {
    folder: PathBuf,
}

impl Browser {
    fn new(name: &str) -> Option<Self> {
        let found = ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .any(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
        if !found {
            println!("skipped: no Chromium here");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("target can be written");
        Some(Self { folder })
    }

    /// The page as it stands after its script ran with this address, and what the console said.
    fn open(&self, page: &str, hash: &str) -> (String, String) {
        let file = self.folder.join("page.html");
        fs::File::create(&file).and_then(|mut file| file.write_all(page.as_bytes())).expect("written");
        let mut child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--enable-logging=stderr",
                "--dump-dom",
            ])
            .arg(format!("--user-data-dir={}", self.folder.join("profile").display()))
            .arg(format!("file://{}#{hash}", file.display()))
            .stdout(fs::File::create(self.folder.join("dom")).expect("written"))
            .stderr(fs::File::create(self.folder.join("log")).expect("written"))
            .stdin(Stdio::null())
            .spawn()
            .expect("Chromium runs");
        wait(&mut child);
        let read = |name: &str| String::from_utf8_lossy(&fs::read(self.folder.join(name)).expect("there")).into_owned();
        let console =
            read("log").lines().filter(|line| line.contains("CONSOLE")).flat_map(|line| [line, "\n"]).collect();
        (read("dom"), console)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn wait(child: &mut Child) {
    let begin = Instant::now();
    while child.try_wait().expect("it can be waited for").is_none() {
        if begin.elapsed() > Duration::from_secs(120) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("Chromium does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_browser_shows_and_filters_the_fleet_without_a_word_on_its_console() {
    let Some(browser) = Browser::new("fleet") else { return };
    let page = page(&[&fixture("multi-cluster.yaml")], "");
    let (dom, console) = browser.open(&page, "");
    assert_eq!(console, "");
    assert_eq!(dom.matches("<tr class=\"row\">").count(), 3);
    let (dom, console) = browser.open(&page, "search=cluster-2");
    assert_eq!(console, "");
    assert_eq!(dom.matches("<tr class=\"row\">").count(), 1);
}

#[test]
fn a_browser_takes_hostile_names_for_text() {
    let Some(browser) = Browser::new("hostile") else { return };
    let (dom, console) = browser.open(&page(&["-"], HOSTILE), "");
    assert_eq!(console, "");
    assert!(dom.contains("<title>Fleet report</title>") && !dom.contains("<img"));
    assert_eq!(dom.matches("<tr class=\"row\">").count(), 1);
}
