//! A tree as Go's structs hold it: what webhooks compare that ask whether two structs are deeply equal.
//!
//! Where nothing is written a plain field holds its zero value, so that `{}`, `""`, `0` and `false` are as good as absent; a
//! pointer knows the difference, and so does a list.

use serde_json::Value as Json;

use crate::admission::go_duration;

/// Fields of v1beta2 that are pointers in Go, of the Docker and Dev templates.
const DOCKER: [&str; 9] = [
    "apiServer",
    "bootstrapTimeout",
    "controlPlane",
    "customHAProxyConfigTemplateRef",
    "docker",
    "etcd",
    "inMemory",
    "node",
    "vm",
];

/// The same of KubeadmControlPlaneTemplate. What is a plain field elsewhere under the same name (`value`, `taints`) cannot be
/// empty there.
const KUBEADM: [&str; 39] = [
    "append",
    "configMapKeyRef",
    "controlPlane",
    "controlPlaneComponentHealthCheckSeconds",
    "discoverySeconds",
    "enabled",
    "etcdAPICallSeconds",
    "extraEnvs",
    "fieldRef",
    "fileKeyRef",
    "imagePullSerial",
    "inactive",
    "insecureSkipTLSVerify",
    "kubeletHealthCheckSeconds",
    "kubernetesAPICallSeconds",
    "layout",
    "lockPassword",
    "maxRetry",
    "maxSurge",
    "minHealthyPeriodSeconds",
    "nodeDeletionTimeoutSeconds",
    "nodeDrainTimeoutSeconds",
    "nodeVolumeDetachTimeoutSeconds",
    "optional",
    "overwrite",
    "provideClusterInfo",
    "readOnly",
    "resourceFieldRef",
    "retryPeriodSeconds",
    "secretKeyRef",
    "strict",
    "taints",
    "timeAdded",
    "tlsBootstrapSeconds",
    "ttlSeconds",
    "unsafeSkipCAVerification",
    "value",
    "valueFrom",
    "verbosity",
];

/// Which of these are plain in v1beta1, where false is as good as absent.
const PLAIN_BEFORE: [&str; 7] = [
    "append",
    "insecureSkipTLSVerify",
    "layout",
    "provideClusterInfo",
    "readOnly",
    "strict",
    "unsafeSkipCAVerification",
];

/// Maps, whose entries are no fields.
const MAPS: [&str; 4] = ["labels", "annotations", "attributes", "featureGates"];

/// Numbers and truths that are plain fields in the templates of other providers, at the releases that [`super::frozen`] names. (The
/// `trunk` of an OpenStack port is a pointer, that of the machine is not.)
const PLAIN: &[(&str, &[&str])] = &[
    (
        "AWSClusterTemplate",
        &[
            "crossZoneLoadBalancing",
            "disableHostsRewrite",
            "disableIngressRules",
            "emptyRoutesDefaultVPCSecurityGroup",
            "enabled",
            "fromPort",
            "isIpv6",
            "isPublic",
            "natGatewaysIPsSource",
            "netmaskLength",
            "port",
            "preserveClientIP",
            "toPort",
        ],
    ),
    (
        "AWSMachineTemplate",
        &[
            "httpPutResponseHopLimit",
            "insecureSkipSecretsManager",
            "iops",
            "placementGroupPartition",
            "secretCount",
            "size",
        ],
    ),
    (
        "AzureClusterTemplate",
        &[
            "cloudProviderBackoff",
            "cloudProviderBackoffDuration",
            "cloudProviderBackoffRetries",
            "cloudProviderRateLimit",
            "cloudProviderRateLimitBucket",
            "cloudProviderRateLimitBucketWrite",
            "controlPlane",
            "manualApproval",
            "port",
            "priority",
        ],
    ),
    ("AzureMachineTemplate", &["allocatePublicIP", "enableIPForwarding", "privateIPConfigs", "thirdPartyImage"]),
    (
        "OpenStackClusterTemplate",
        &[
            "allowAllInClusterTraffic",
            "delay",
            "ipVersion",
            "maxRetries",
            "maxRetriesDown",
            "port",
            "sizeGiB",
            "timeout",
            "trunk",
        ],
    ),
    ("OpenStackMachineTemplate", &["ipVersion", "sizeGiB", "trunk"]),
    ("VSphereClusterTemplate", &["controlPlane", "disableClusterModule", "port"]),
    (
        "VSphereMachineTemplate",
        &[
            "cpu",
            "dhcp4",
            "dhcp6",
            "diskGiB",
            "memory",
            "memoryMiB",
            "metric",
            "numCPUs",
            "numCoresPerSocket",
            "sizeGiB",
            "skipIPAllocation",
        ],
    ),
];

/// The plain numbers and truths of a kind of template, where they are known.
pub fn plain_fields(kind: &str) -> Option<&'static [&'static str]> {
    PLAIN.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields)
}

/// Takes out 0 and false under some keys: in a plain field they are as good as absent.
pub fn drop_zeros(value: &mut Json, is_plain: &impl Fn(&str) -> bool) {
    match value {
        Json::Object(map) => {
            map.values_mut().for_each(|value| drop_zeros(value, is_plain));
            let is_zero = |value: &Json| value.as_f64() == Some(0.0) || value.as_bool() == Some(false);
            map.retain(|key, value| !(is_zero(value) && is_plain(key)));
        }
        Json::Array(list) => list.iter_mut().for_each(|item| drop_zeros(item, is_plain)),
        _ => {}
    }
}

/// Which structs a tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Of the kubeadm providers.
    Kubeadm,
    /// Of the Docker and Dev provider.
    Docker,
}

/// Takes out what Go's structs do not tell from nothing. Where the object was converted from an older version, empty lists are
/// gone too.
pub fn as_held(value: &mut Json, types: Types, is_converted: bool) {
    match value {
        Json::Object(map) => {
            for (name, value) in map.iter_mut() {
                if !MAPS.contains(&name.as_str()) {
                    as_held(value, types, is_converted);
                }
                if types == Types::Docker
                    && let ("startupDuration" | "bootstrapTimeout", Some(text)) = (name.as_str(), value.as_str())
                    && let Some(seconds) = go_duration(text)
                {
                    *value = if seconds == 0.0 && name == "startupDuration" { "".into() } else { seconds.into() };
                }
            }
            map.retain(|name, value| {
                let name = name.as_str();
                let known: &[&str] = if types == Types::Docker { &DOCKER } else { &KUBEADM };
                let is_pointer = known.contains(&name) && !(is_converted && PLAIN_BEFORE.contains(&name));
                match value {
                    Json::Null => false,
                    Json::Array(list) => !(list.is_empty() && is_converted && !is_pointer),
                    Json::Object(map) if MAPS.contains(&name) => !(map.is_empty() && is_converted),
                    Json::Object(map) => is_pointer || !map.is_empty(),
                    Json::String(text) => is_pointer || !text.is_empty(),
                    Json::Bool(truth) => is_pointer || *truth,
                    Json::Number(number) => is_pointer || number.as_f64() != Some(0.0),
                }
            });
        }
        Json::Array(list) => list.iter_mut().for_each(|item| as_held(item, types, is_converted)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zeros_go_where_they_are_plain() {
        let mut tree = json!({"a": [{"dhcp4": false, "mtu": 0}], "dhcp4": true, "text": ""});
        drop_zeros(&mut tree, &|key| key == "dhcp4");
        assert_eq!(tree, json!({"a": [{"mtu": 0}], "dhcp4": true, "text": ""}));
        assert!(PLAIN.is_sorted_by_key(|(kind, _)| *kind) && PLAIN.iter().all(|(_, fields)| fields.is_sorted()));
    }

    #[test]
    fn zero_is_as_good_as_absent_but_for_pointers_and_lists() {
        let mut tree = json!({
            "backend": {"docker": {}, "other": {"image": "", "port": 0, "privileged": false}},
            "controlPlane": false,
            "list": [],
            "startupDuration": "0s",
            "bootstrapTimeout": "60s",
            "labels": {"a": ""},
        });
        as_held(&mut tree, Types::Docker, false);
        assert_eq!(
            tree,
            json!({"backend": {"docker": {}}, "controlPlane": false, "list": [], "bootstrapTimeout": 60.0, "labels": {"a": ""}})
        );
        as_held(&mut tree, Types::Docker, true);
        assert_eq!(tree.get("list"), None);
        let mut tree = json!({"apiServer": {"extraArgs": []}, "etcd": {"local": {}}, "taints": []});
        as_held(&mut tree, Types::Kubeadm, true);
        assert_eq!(tree, json!({"taints": []}));
    }
}
