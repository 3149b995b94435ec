//! Fields that providers and addons freeze: one table.

use serde_json::Value as Json;

use super::{Verdict, quoted};
use crate::diff::json;
use crate::diff::update::Update;

crate::rule! {
    /// A field that must not change is changed.
    ///
    /// The server or a webhook refuses the update, and Helm stops in the middle of the upgrade: objects before it are changed
    /// already, those behind it are not.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: prod-2   # was prod
    /// ```
    ///
    /// ## Fix
    ///
    /// Take the change back. Where it has to be, give the object a new name, so that it is made anew.
    pub IMMUTABLE_FIELD = "immutable-field", Error, Admission;
}

/// When a field must not change.
#[derive(Clone, Copy)]
enum When {
    /// Ever.
    Always,
    /// Once it has a value.
    OnceSet,
    /// It may change, but not be taken away.
    NotRemoved,
}

use When::{Always, NotRemoved, OnceSet};

type Field = (When, &'static [&'static str]);

const ENDPOINT: Field = (OnceSet, &["spec", "controlPlaneEndpoint"]);
const SPEC: Field = (Always, &["spec"]);

/// By kind; kinds of these names exist in one group only.
const FROZEN: &[(&str, &[Field])] = &[
    ("MachineHealthCheck", &[(Always, &["spec", "clusterName"])]),
    ("ClusterResourceSet", &[(Always, &["spec", "strategy"]), (Always, &["spec", "clusterSelector"])]),
    ("ClusterResourceSetBinding", &[(OnceSet, &["spec", "clusterName"])]),
    ("IPAddress", &[SPEC]),
    ("IPAddressClaim", &[SPEC]),
    ("DevMachine", &[(Always, &["spec", "backend", "docker", "customImage"])]),
    (
        "AWSCluster",
        &[
            (Always, &["spec", "region"]),
            ENDPOINT,
            (OnceSet, &["spec", "network", "vpc", "id"]),
            (NotRemoved, &["spec", "identityRef"]),
            (Always, &["spec", "controlPlaneLoadBalancer", "scheme"]),
            (Always, &["spec", "controlPlaneLoadBalancer", "name"]),
        ],
    ),
    (
        "AWSManagedControlPlane",
        &[
            (Always, &["spec", "region"]),
            (OnceSet, &["spec", "eksClusterName"]),
            (NotRemoved, &["spec", "identityRef"]),
        ],
    ),
    ("AWSClusterControllerIdentity", &[SPEC]),
    ("AWSClusterStaticIdentity", &[(Always, &["spec", "secretRef"])]),
    ("AWSClusterRoleIdentity", &[(NotRemoved, &["spec", "sourceIdentityRef"])]),
    (
        "AzureCluster",
        &[
            (Always, &["spec", "resourceGroup"]),
            (Always, &["spec", "subscriptionID"]),
            (Always, &["spec", "location"]),
            (Always, &["spec", "azureEnvironment"]),
            (Always, &["spec", "networkSpec", "privateDNSZoneName"]),
            ENDPOINT,
        ],
    ),
    ("VSphereFailureDomain", &[SPEC]),
    ("OpenStackServer", &[SPEC]),
    ("Metal3Data", &[(Always, &["spec", "index"]), (Always, &["spec", "template"]), (Always, &["spec", "claim"])]),
    ("Metal3DataClaim", &[(Always, &["spec", "template"])]),
    ("Metal3DataTemplate", &[(Always, &["spec", "metaData"]), (Always, &["spec", "networkData"])]),
];

/// Kinds of which only these fields may change.
const ONLY: &[(&str, &[&str])] = &[
    (
        "OpenStackCluster",
        &[
            "identityRef",
            "controlPlaneEndpoint",
            "apiServerFixedIP",
            "apiServerPort",
            "bastion",
            "managedSecurityGroups",
            "managedSubnets",
            "apiServerLoadBalancer",
            "controlPlaneAvailabilityZones",
            "controlPlaneOmitAvailabilityZone",
            "network",
            "subnets",
        ],
    ),
    ("VSphereMachine", &["providerID", "powerOffMode", "guestSoftPowerOffTimeoutSeconds", "network"]),
    ("OpenStackMachine", &["providerID", "instanceID", "identityRef", "ports"]),
    (
        "AWSMachine",
        &["providerID", "instanceID", "additionalTags", "additionalSecurityGroups", "cloudInit", "privateDNSName"],
    ),
];

const HELP: &str = "take the change back, or give the object a new name so that it is made anew";

/// Judges an object of a kind with frozen fields.
pub fn judge(update: &Update<'_, '_>, verdict: &mut Verdict) {
    let object = update.new;
    if !object.group().ends_with("cluster.x-k8s.io") {
        return;
    }
    let fields = FROZEN.iter().filter(|(kind, _)| *kind == object.kind).flat_map(|(_, fields)| fields.iter());
    for (when, keys) in fields {
        let (before, after) = update.both(keys);
        if is_refused(*when, before, after) {
            let message = format!(
                "{} must not change once {} is there (from {} to {}): the webhook refuses the update",
                keys.join("."),
                object.kind,
                quoted(before),
                quoted(after)
            );
            verdict.say(update, &IMMUTABLE_FIELD, keys, message, HELP);
        }
    }
    for (_, allowed) in ONLY.iter().filter(|(kind, _)| *kind == object.kind) {
        let mut paths = Vec::new();
        let (before, after) = update.both(&["spec"]);
        json::leaf_differences(before, after, &mut vec!["spec".into()], &mut paths);
        for path in paths.iter().filter(|path| path.get(1).is_some_and(|key| !allowed.contains(&key.as_str()))) {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let message =
                format!("{} of {} must not change: the webhook refuses the update", path.join("."), object.kind);
            verdict.say(update, &IMMUTABLE_FIELD, &keys, message, HELP);
        }
    }
}

fn is_refused(when: When, before: Option<&Json>, after: Option<&Json>) -> bool {
    let is_set = |value: Option<&Json>| value.is_some_and(|value| !json::is_empty(value) && value.as_str() != Some(""));
    match when {
        Always => !json::same(before, after),
        OnceSet => is_set(before) && !json::same(before, after),
        NotRemoved => is_set(before) && !is_set(after),
    }
}
