//! No secret is ever printed: marked values stand wherever secrets stand, in manifests that are right and in ones that are wrong
//! in every way, and no output of any command, in any format, may hold one.
//!
//! What is meant for a server (`post-render`, `migrate`, the files of `split`) holds them, of course.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// In every planted value; nothing else holds it.
const MARK: &str = "CNRY";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command in the folder; neither what it prints nor what it writes may hold a mark.
fn silent(folder: &Folder, leaks: &mut Vec<String>, arguments: &[&str], stdin: Option<&str>) {
    let before = files(folder);
    let output = Command::new(env!("CARGO_BIN_EXE_capi-lint"))
        .args(arguments)
        .current_dir(&folder.0)
        .env("NO_COLOR", "1")
        .stdin(stdin.map_or_else(Stdio::null, |file| fs::File::open(folder.0.join(file)).expect("a file").into()))
        .output()
        .expect("the binary runs");
    let is_product = arguments[0] == "post-render";
    let stdout = if is_product { String::new() } else { String::from_utf8_lossy(&output.stdout).into_owned() };
    let mut texts = vec![stdout, String::from_utf8_lossy(&output.stderr).into_owned()];
    for file in files(folder).into_iter().filter(|file| !before.contains(file)) {
        texts.push(fs::read_to_string(folder.0.join(&file)).unwrap_or_default());
        let _ = fs::remove_file(folder.0.join(file));
    }
    for text in texts {
        let lines = text.lines().filter(|line| line.to_uppercase().contains(MARK)).take(4);
        leaks.extend(lines.map(|line| format!("{}:\n    {}", arguments.join(" "), around(line))));
    }
}

/// The part of a line around a mark.
fn around(line: &str) -> String {
    let at = line.to_uppercase().find(MARK).unwrap_or_default();
    line.chars().skip(at.saturating_sub(160)).take(260).collect()
}

fn files(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(&folder.0).expect("the folder").flatten().filter(|entry| entry.path().is_file());
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A release with secrets in all their places; `{n}` tells two of them apart, `v` is the version of Cluster API.
#[allow(clippy::too_many_lines, reason = "it is one manifest")]
fn release(n: &str, v: &str) -> String {
    r#"apiVersion: v1
kind: Secret
metadata:
  name: plain
  namespace: a
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"kind":"Secret","data":{"x":"CNRY01{n}"}}'
data:
  password: Q05SWQ==CNRY02{n}
  "odd.key": CNRY03{n}
stringData:
  config.yaml: |
    user: admin
    anything: CNRY04{n}
  one: CNRY05{n}
---
apiVersion: v1
kind: Secret
metadata: {name: flow, namespace: a}
stringData: {a: CNRY06{n}, b: "CNRY07{n}"}
---
apiVersion: v1
kind: Secret
metadata:
  name: argo
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: cluster}
stringData:
  name: one
  server: https://one.example.org
  config: '{"bearerToken":"CNRY08{n}","tlsClientConfig":{"keyData":"CNRY09{n}"}}'
---
apiVersion: bootstrap.cluster.x-k8s.io/{v}
kind: KubeadmConfig
metadata:
  name: config
  namespace: a
spec:
  files:
  - path: /etc/one
    content: CNRY10{n}
  - path: /etc/two
    owner: root
    content: |
      first CNRY11{n}
      second CNRY12{n}
  preKubeadmCommands:
  - export API_TOKEN=CNRY13{n}
  - echo "root:CNRY14{n}" | chpasswd
  - curl -u admin:CNRY15{n} https://x
  - docker login -u me -p CNRY16{n} registry
  - "curl https://me:CNRY17{n}@example.org/x"
  - kubeadm token create --token CNRY18{n}
  - "curl -H 'Authorization: Bearer CNRY19{n}' https://x"
  users:
  - name: root
    passwd: CNRY20{n}
  joinConfiguration:
    discovery:
      tlsBootstrapToken: CNRY21{n}
      bootstrapToken:
        token: CNRY22{n}
        apiServerEndpoint: one.example.org:6443
  initConfiguration:
    bootstrapTokens:
    - token: CNRY23{n}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: addons, namespace: a}
data:
  secret.yaml: |
    apiVersion: v1
    kind: Secret
    metadata:
      name: inner
    stringData:
      x: CNRY24{n}
  key.pem: |
    -----BEGIN RSA PRIVATE KEY-----
    CNRY25{n}
    -----END RSA PRIVATE KEY-----
  values.yaml: |
    adminPassword: CNRY26{n}
    replicas: {n}
---
apiVersion: addons.cluster.x-k8s.io/v1alpha1
kind: HelmChartProxy
metadata: {name: chart, namespace: a}
spec:
  clusterSelector: {}
  chartName: x
  repoURL: https://me:CNRY27{n}@charts.example.org
  valuesTemplate: |
    auth:
      password: CNRY28{n}
    apiKey: CNRY29{n}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: external, namespace: a}
spec:
  secretStoreRef: {name: store, kind: SecretStore}
  target:
    template:
      data:
        password: CNRY30{n}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: provider, namespace: a}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
      - name: c
        image: x
        env:
        - name: AWS_SECRET_ACCESS_KEY
          value: CNRY31{n}
        - {name: DB_PASSWORD, value: CNRY32{n}}
        args: [--password, CNRY33{n}, --token=CNRY34{n}]
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: AzureClusterIdentity
metadata: {name: identity, namespace: a}
spec:
  type: ServicePrincipal
  clientSecret: CNRY35{n}
  credentials: {username: me, password: CNRY36{n}}
  passwords: [CNRY37{n}, CNRY38{n}]
---
apiVersion: cluster.x-k8s.io/{v}
kind: Cluster
metadata: {name: one, namespace: a}
spec:
  clusterNetwork: {pods: {cidrBlocks: [10.0.0.0/8]}}
  topology:
    class: c
    version: v1.33.{n}
    variables:
    - name: registryPassword
      value: CNRY39{n}
    - name: registries
      value:
        mirror: {token: CNRY40{n}, insecure: false}
---
apiVersion: controlplane.cluster.x-k8s.io/{v}
kind: KubeadmControlPlane
metadata: {name: one, namespace: a}
spec:
  replicas: 2
  version: v1.33.{n}
  machineTemplate: {infrastructureRef: {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: DockerMachineTemplate, name: x}}
  kubeadmConfigSpec:
    users: [{name: a, passwd: CNRY41{n}, lockPasswd: false}]
    files: [{path: /x, content: CNRY42{n}}]
    clusterConfiguration:
      apiServer: {extraArgs: {service-account-signing-key: CNRY43{n}, token-auth-file: /x}}
"#
    .replace("service-account-signing-key: CNRY43{n}", "oidc-client-secret: CNRY43{n}")
    .replace("{n}", n)
    .replace("{v}", v)
}

/// The same, wrong in ways that make messages quote values: of another type, unknown, twice, in other fields.
fn broken() -> String {
    let wrong = release("3", "v1beta2")
        .replace("passwd: CNRY203", "passwd: [CNRY203]\n    passwd: CNRY44")
        .replace("content: CNRY103", "content: {a: CNRY103}\n    permissions: CNRY45\n    contnet: CNRY46")
        .replace("token: CNRY223", "token: CNRY223!bad\n        tokens: CNRY47")
        .replace("replicas: 2", "replicas: CNRY48-not-a-number\n  tokenCount: CNRY49")
        .replace("  one: CNRY053", "  one: CNRY053\n  one: CNRY50\n  number: 5\n  list: [CNRY51]\n  map: {a: CNRY52}")
        .replace("lockPasswd: false", "lockPasswd: CNRY53, sudo: [CNRY54]")
        .replace("password: Q05SWQ==CNRY023", "password: CNRY02-no-base64!")
        .replace("- token: CNRY233", "- token: CNRY233-wrong\n      ttl: CNRY55")
        .replace("- name: registryPassword", "- name: registryPassword\n      definitionFrom: CNRY56");
    // Places where a value stands in the open belong to nobody: those marks are taken out again.
    ["CNRY45", "CNRY46", "CNRY48-not-a-number", "CNRY49", "CNRY54", "CNRY55", "CNRY56"]
        .iter()
        .fold(wrong, |text, open| text.replace(open, "open"))
}

/// Documents that cannot be read, with a secret on the line where reading ends.
const UNREADABLE: &str = "kind: Secret\napiVersion: v1\nstringData:\n  password: *CNRY60\n---\nkind: Secret\napiVersion: \
                          v1\nstringData:\n  a: \"CNRY61\\q\"\n---\nkind: Secret\napiVersion: v1\nstringData:\n  a: CNRY62: \
                          x\n---\nkind: Secret\napiVersion: v1\ndata: {a: CNRY63\n---\nkind: X\napiVersion: v1\ntoken: \
                          *CNRY64\n---\nkind: X\napiVersion: v1\npassword: !CNRY65 x\n---\nkind: Secret\napiVersion: \
                          v1\nstringData:\n\ta: CNRY66\n---\nkind: Secret\nstringData: CNRY67\n---\n- kind: \
                          Secret\n  data: {a: CNRY69}\n---\nkind: Secret\napiVersion: v1\nstringData: {a: &CNRY70 b, c: *CNRY71}\n";

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\ncontexts:\n- name: one\n  context: {cluster: one, \
                          user: one}\n- name: two\n  context: {cluster: nowhere, user: nobody}\nclusters:\n- name: one\n  \
                          cluster: {server: 'https://me:CNRY80@one.example.org', certificate-authority-data: CNRY81}\nusers:\n- \
                          name: one\n  user: {token: CNRY82, client-key-data: CNRY83, password: CNRY84, username: me}\n- name: \
                          one\n  user: {exec: {command: x, env: [{name: TOKEN, value: CNRY85}]}}\n";

const SETTINGS: &str = "extends: fleet\nunknown-kinds: warn\ncustom-rules:\n- name: quotes\n  expression: \"!has(self.stringData) || \
                        int(string(self.stringData)) > 0\"\n  message: quotes\n- name: reads\n  kind: Secret\n  expression: \
                        \"self.stringData.one == 'x'\"\n  message: reads\n  field: stringData.one\n- name: converts\n  kind: \
                        Secret\n  expression: \"duration(self.stringData.one) > duration('1s')\"\n  message: converts\n- name: \
                        parses\n  kind: Secret\n  expression: \"int(self.stringData.one) > 1 && quantity(self.stringData.one) != null \
                        && ip(self.stringData.one) != null && url(self.stringData.one) != null\"\n  message: parses\n";

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: vaults.example.org}\nspec:\n  \
                   group: example.org\n  scope: Namespaced\n  names: {kind: Vault, plural: vaults, singular: vault, listKind: \
                   VaultList}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        \
                   type: object\n        properties:\n          spec:\n            type: object\n            \
                   x-kubernetes-validations:\n            - {rule: 'self.token.startsWith(\"x\")', messageExpression: '\"the token \
                   \" + self.token + \" is none\"'}\n            properties:\n              token: {type: string, maxLength: 5, \
                   pattern: '^x'}\n              apiKey: {type: string, enum: [a, b]}\n              password: {type: string, \
                   format: date}\n              passwords: {type: array, x-kubernetes-list-type: set, items: {type: string}}\n              \
                   clientSecret: {type: integer}\n              accessKey: {type: string, format: ipv4}\n";

const VAULT: &str = "apiVersion: example.org/v1\nkind: Vault\nmetadata: {name: a, namespace: a}\nspec:\n  token: CNRY90-long\n  apiKey: \
                     CNRY91\n  password: CNRY92\n  passwords: [CNRY93, CNRY93]\n  clientSecret: CNRY94\n  accessKey: CNRY95\n";

const JSON_SCHEMA: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Vault"}], "properties": {"spec": {"properties": {"token": {"const": "x"}, "apiKey": {"enum": ["a"]}, "password": {"pattern": "^x"}, "passwords": {"uniqueItems": true}, "clientSecret": {"type": "integer"}, "accessKey": {"format": "ipv4", "maxLength": 1}}, "additionalProperties": false}}}"#;

fn planted(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("old.yaml", &release("1", "v1beta2"));
    folder.write("new.yaml", &release("2", "v1beta2").replace("second CNRY12", "third CNRY12"));
    folder.write("beta.yaml", &release("4", "v1beta1"));
    folder.write("broken.yaml", &broken());
    folder.write("unreadable.yaml", UNREADABLE);
    folder.write("kubeconfig", KUBECONFIG);
    folder.write("settings.yaml", SETTINGS);
    folder.write("crd.yaml", CRD);
    folder.write("vault.yaml", VAULT);
    folder.write("schema.json", JSON_SCHEMA);
    folder.write("twice.yaml", &format!("{}---\n{}", release("1", "v1beta2"), release("2", "v1beta2")));
    folder
}

const MANIFESTS: [&str; 6] = ["old.yaml", "new.yaml", "beta.yaml", "broken.yaml", "unreadable.yaml", "twice.yaml"];

#[test]
fn findings_hold_none_in_any_format() {
    let (folder, mut leaks) = (planted("findings"), Vec::new());
    let formats = ["text", "compact", "json", "jsonl", "sarif", "junit", "github", "gitlab", "tap", "markdown"];
    for file in MANIFESTS {
        for format in formats {
            for more in [&[][..], &["--config", "settings.yaml", "--verbose"]] {
                let arguments = [&["lint", "--format", format, file][..], more].concat();
                silent(&folder, &mut leaks, &arguments, None);
            }
        }
        for client in ["create", "apply", "warn"] {
            silent(&folder, &mut leaks, &["lint", "--client", client, "--complete", file], None);
        }
        silent(&folder, &mut leaks, &["lint", "--write-baseline", "b.json", file], None);
        silent(&folder, &mut leaks, &["post-render", "--verbose", "--report-file", "r.txt"], Some(file));
        silent(&folder, &mut leaks, &["post-render", "--format", "json", "--fail-on", "info"], Some(file));
        silent(&folder, &mut leaks, &["hook", "manifests", "--context", ".", file], None);
        silent(&folder, &mut leaks, &["lint", "--inventory", "kubeconfig", file], None);
    }
    for schemas in ["crd.yaml", "schema.json"] {
        for format in formats {
            silent(&folder, &mut leaks, &["lint", "--schemas", schemas, "--format", format, "vault.yaml"], None);
        }
        silent(&folder, &mut leaks, &["diff", "--schemas", schemas, "old.yaml", "vault.yaml"], None);
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn comparisons_hold_none_in_any_format() {
    let (folder, mut leaks) = (planted("comparisons"), Vec::new());
    for (old, new) in [
        ("old.yaml", "new.yaml"),
        ("old.yaml", "beta.yaml"),
        ("old.yaml", "broken.yaml"),
        ("old.yaml", "unreadable.yaml"),
        ("unreadable.yaml", "old.yaml"),
        ("vault.yaml", "old.yaml"),
        ("twice.yaml", "new.yaml"),
    ] {
        for format in ["text", "json", "markdown", "github"] {
            silent(&folder, &mut leaks, &["diff", "--format", format, old, new], None);
        }
        silent(&folder, &mut leaks, &["diff", "--context", "50", "-o", "d.txt", old, new], None);
        silent(&folder, &mut leaks, &["diff", "--uninstall", old], None);
        for format in ["text", "json"] {
            silent(&folder, &mut leaks, &["verify", old, "--live", new, "--format", format], None);
        }
        silent(&folder, &mut leaks, &["report", "-o", "r.html", "--diff", old, new], None);
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn the_other_commands_hold_none() {
    let (folder, mut leaks) = (planted("others"), Vec::new());
    for file in MANIFESTS {
        for format in ["table", "json", "csv", "markdown"] {
            silent(&folder, &mut leaks, &["count", "--apps", "--format", format, file], None);
        }
        for format in ["mermaid", "dot", "svg"] {
            silent(&folder, &mut leaks, &["graph", "--format", format, file], None);
        }
        silent(&folder, &mut leaks, &["report", "--config", "settings.yaml", file], None);
        silent(&folder, &mut leaks, &["plan", file], None);
        silent(&folder, &mut leaks, &["plan", "--format", "json", file], None);
        silent(&folder, &mut leaks, &["migrate", "--check", file], None);
        silent(&folder, &mut leaks, &["migrate", "--diff", file], None);
        silent(&folder, &mut leaks, &["split", "--by", "cluster", "-o", "out", "--dry-run", file], None);
        silent(&folder, &mut leaks, &["split", "--by", "kind", "-o", "out/x", "--force", file], None);
        // A file that is none of the kind that is wanted.
        for option in ["--config", "--baseline", "--schemas", "--inventory"] {
            silent(&folder, &mut leaks, &["lint", "old.yaml", option, file], None);
        }
        silent(&folder, &mut leaks, &["contexts", file], None);
        silent(&folder, &mut leaks, &["schema", "import", file, "-o", "imported"], None);
    }
    for format in ["table", "json"] {
        silent(&folder, &mut leaks, &["contexts", "--format", format, "kubeconfig"], None);
        silent(&folder, &mut leaks, &["contexts", "--format", format, "kubeconfig", "--manifests", "old.yaml"], None);
    }
    folder.write("token", "CNRY99");
    folder.write("json", "\"CNRY98\"");
    for file in ["token", "json", "kubeconfig"] {
        for option in ["--config", "--baseline", "--schemas", "--inventory"] {
            silent(&folder, &mut leaks, &["lint", "old.yaml", option, file], None);
        }
        silent(&folder, &mut leaks, &["lint", file], None);
        silent(&folder, &mut leaks, &["diff", "old.yaml", file], None);
        silent(&folder, &mut leaks, &["verify", "old.yaml", "--live", file], None);
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

/// What is no secret stays visible: a report that hides everything is of no use.
#[test]
fn messages_stay_useful() {
    let folder = planted("useful");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capi-lint"));
        command.args(arguments).current_dir(&folder.0);
        let run = common::run(command, b"");
        run.stdout + &run.stderr
    };
    let diff = run(&["diff", "old.yaml", "new.yaml"]);
    for shown in
        ["v1.33.1", "v1.33.2", "replicas: 1", "replicas: 2", "spec.users[0].passwd", "(hidden)", "adminPassword"]
    {
        assert!(diff.contains(shown), "{shown} is missing:\n{diff}");
    }
    let lint = run(&["lint", "broken.yaml"]);
    for shown in ["spec.users[0].passwd", "stringData.one", "contnet", "replicas"] {
        assert!(lint.contains(shown), "{shown} is missing:\n{lint}");
    }
    let product = run(&["migrate", "beta.yaml"]);
    assert!(product.contains("passwd: CNRY204"), "what is meant for the server is whole");
}
