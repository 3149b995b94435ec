//! Asking a management cluster by kubectl, for `verify`. Of Secrets only names, types and Helm's labels are asked for: what
//! they hold never reaches this program.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::object::{CLUSTER_GROUP, Object};
use crate::release::Release;
use crate::schema::bundle::Schemas;
use crate::verify::live::Secret;

/// How the management cluster is reached.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct KubectlArgs {
    /// The kubeconfig that kubectl takes [default: as kubectl has it]
    #[arg(long, value_name = "FILE", help_heading = "Live objects")]
    pub kubeconfig: Option<PathBuf>,
    /// The context that kubectl takes [default: the current one]
    #[arg(long, value_name = "NAME", help_heading = "Live objects")]
    pub context: Option<String>,
    /// kubectl to run [default: kubectl on PATH]
    #[arg(long, value_name = "FILE", help_heading = "Live objects")]
    pub kubectl: Option<PathBuf>,
}

const SECRETS: &str = "jsonpath={range .items[*]}{.metadata.namespace}{\"\\t\"}{.metadata.name}{\"\\t\"}{.type}{\"\\t\"}\
                       {.metadata.labels.name}{\"\\t\"}{.metadata.labels.status}{\"\\t\"}{.metadata.labels.version}{\"\\n\"}{end}";

/// What is asked for: resources, and where.
#[derive(Clone, Debug)]
pub struct Question {
    resources: String,
    scope: Vec<String>,
}

impl Question {
    /// All kinds of a release, and the machines they make, in the namespaces of the release.
    pub fn new(release: &Release<'_>, schemas: &Schemas, namespace: &str) -> Self {
        let mut resources: BTreeSet<String> = release
            .objects
            .iter()
            .filter(|object| !is_secret(object))
            .map(|object| resource(object, schemas))
            .collect();
        let core = release.objects.iter().find(|object| object.group() == CLUSTER_GROUP);
        let version = core.map_or("v1beta2", |object| object.version());
        for plural in ["machines", "machinedeployments"] {
            if !resources.iter().any(|known| known.starts_with(&format!("{plural}."))) {
                resources.insert(format!("{plural}.{version}.{CLUSTER_GROUP}"));
            }
        }
        let stated: BTreeSet<&str> = release.objects.iter().filter_map(|object| object.namespace()).collect();
        let open = release.objects.iter().any(|object| object.namespace().is_none());
        let scope = match (stated.first(), stated.len(), open) {
            (None, _, _) if namespace.is_empty() => Vec::new(),
            (None, _, _) => vec!["-n".to_owned(), namespace.to_owned()],
            (Some(only), 1, false) => vec!["-n".to_owned(), (*only).to_owned()],
            (Some(only), 1, true) if *only == namespace => vec!["-n".to_owned(), namespace.to_owned()],
            _ => vec!["-A".to_owned()],
        };
        Self { resources: resources.into_iter().collect::<Vec<_>>().join(","), scope }
    }
}

fn is_secret(object: &Object<'_>) -> bool {
    object.is("", "Secret")
}

/// The kind as kubectl takes it: `clusters.v1beta2.cluster.x-k8s.io`, in the version of the manifest.
fn resource(object: &Object<'_>, schemas: &Schemas) -> String {
    let known = schemas.find(object.group(), object.version(), &object.kind).map(|kind| kind.plural().to_owned());
    let plural = known.unwrap_or_else(|| plural(&object.kind));
    if object.group().is_empty() { plural } else { format!("{plural}.{}.{}", object.version(), object.group()) }
}

/// The plural that Cluster API's contract and controller-gen give a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with(['s', 'x']) || kind.ends_with("ch") => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

impl KubectlArgs {
    /// The live objects, as JSON.
    ///
    /// # Errors
    /// No kubectl, or one that fails: what it says is passed on.
    pub fn objects(&self, question: &Question) -> anyhow::Result<Vec<u8>> {
        self.get(question, &question.resources, &["-o", "json", "--ignore-not-found"])
    }

    /// The Secrets by name.
    ///
    /// # Errors
    /// As [`Self::objects`]; above all, where reading Secrets is not allowed.
    pub fn secrets(&self, question: &Question) -> anyhow::Result<Vec<Secret>> {
        let said = self.get(question, "secrets", &["-o", SECRETS])?;
        let text = String::from_utf8_lossy(&said);
        let secrets = text.lines().filter_map(|line| {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            let (namespace, name, kind) = (next(), next(), next());
            (!name.is_empty()).then(|| Secret::new(namespace, name, kind, [next(), next(), next()]))
        });
        Ok(secrets.collect())
    }

    fn get(&self, question: &Question, resources: &str, more: &[&str]) -> anyhow::Result<Vec<u8>> {
        let kubectl = self.kubectl.clone().unwrap_or_else(|| "kubectl".into());
        let mut command = Command::new(&kubectl);
        if let Some(file) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(file);
        }
        if let Some(context) = &self.context {
            command.arg("--context").arg(context);
        }
        command.arg("get").arg(resources).args(&question.scope).args(more).stdin(Stdio::null());
        let output = command.output().with_context(|| {
            format!(
                "cannot run '{}'. Install kubectl, or pipe the objects in: kubectl get … -o json | capi-lint verify FILE --live -",
                kubectl.display()
            )
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl get {resources} failed. kubectl says:\n{}", said.trim_end());
        }
        Ok(output.stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn plurals() {
        for (kind, expected) in [
            ("KubeadmControlPlane", "kubeadmcontrolplanes"),
            ("ClusterClass", "clusterclasses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}
