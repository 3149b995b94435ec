//! Which fields of which kinds must not change: facts about webhooks, as data. Nothing is judged here.
//!
//! Read in the providers' update webhooks at these releases: Cluster API 1.13.5, AWS 2.11.1, Azure 1.26.0, Google 1.13.1,
//! OpenStack 0.14.7 and later, vSphere 1.16.1, Metal3 1.14, Nutanix 1.10.3, Oracle 0.24, IBM Cloud 0.14, KubeVirt 0.11.2,
//! K3s 0.3.1, Kamaji 0.20, Hetzner, DigitalOcean, Packet, CloudStack, Proxmox, Tinkerbell, RKE2 and Talos as published; Linode,
//! MAAS, Cloud Director, k0smotron, Harvester, Vultr, Outscale, Canonical Kubernetes, Hivelocity, Ionos, Scaleway and Sidero at
//! the head of their repositories in the summer of 2026. What a CRD's own rules (CEL) freeze is not here: the schema says it.

mod templates;

pub use templates::{Template, template};

/// When a field must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Ever.
    Always,
    /// Ever, and false or 0 is as good as nothing: a plain field of Go.
    Plain,
    /// Once it has a value.
    OnceSet,
    /// It may change, but not be taken away.
    NotRemoved,
    /// It may change inside, but neither come nor go.
    Presence,
    /// While the mapping that holds it is there before and after.
    WhileThere,
    /// It may come and go, but not become another value.
    Replaced,
}

use When::{Always, NotRemoved, OnceSet, Plain, Presence, Replaced, WhileThere};

/// A field and when it must not change.
pub type Field = (When, &'static [&'static str]);

const SPEC: Field = (Always, &["spec"]);
const ENDPOINT: Field = (OnceSet, &["spec", "controlPlaneEndpoint"]);

/// Core kinds by group, kind.
const CORE: &[(&str, &str, &[Field])] = &[
    ("cluster.x-k8s.io", "MachineHealthCheck", &[(Always, &["spec", "clusterName"])]),
    (
        "addons.cluster.x-k8s.io",
        "ClusterResourceSet",
        &[(Always, &["spec", "strategy"]), (Always, &["spec", "clusterSelector"])],
    ),
    ("addons.cluster.x-k8s.io", "ClusterResourceSetBinding", &[(OnceSet, &["spec", "clusterName"])]),
    ("ipam.cluster.x-k8s.io", "IPAddress", &[SPEC]),
    ("ipam.cluster.x-k8s.io", "IPAddressClaim", &[SPEC]),
    ("controlplane.cluster.x-k8s.io", "AWSManagedControlPlane", AWS_MANAGED_CONTROL_PLANE),
    ("controlplane.cluster.x-k8s.io", "AWSManagedControlPlaneTemplate", AWS_MANAGED_CONTROL_PLANE_TEMPLATE),
    ("controlplane.cluster.x-k8s.io", "RKE2ControlPlane", &[(OnceSet, &["spec", "registrationMethod"])]),
];

const AWS_MANAGED_CONTROL_PLANE: &[Field] = &[
    (Always, &["spec", "region"]),
    (NotRemoved, &["spec", "encryptionConfig"]),
    (Replaced, &["spec", "encryptionConfig", "provider"]),
    (NotRemoved, &["spec", "accessConfig"]),
    (Presence, &["spec", "network", "vpc", "ipv6"]),
];

/// Beside what [`templates`] holds.
const AWS_MANAGED_CONTROL_PLANE_TEMPLATE: &[Field] = &[
    (NotRemoved, &["spec", "template", "spec", "encryptionConfig"]),
    (Replaced, &["spec", "template", "spec", "encryptionConfig", "provider"]),
    (Presence, &["spec", "template", "spec", "network", "vpc", "ipv6"]),
];

/// Infrastructure kinds by name; the group is `infrastructure.cluster.x-k8s.io`.
const INFRASTRUCTURE: &[(&str, &[Field])] = &[
    ("DockerMachine", &[(Always, &["spec", "customImage"])]),
    (
        "AWSCluster",
        &[
            (Always, &["spec", "region"]),
            ENDPOINT,
            (OnceSet, &["spec", "network", "vpc", "id"]),
            (Always, &["spec", "controlPlaneLoadBalancer", "scheme"]),
            (Always, &["spec", "controlPlaneLoadBalancer", "name"]),
            (Always, &["spec", "controlPlaneLoadBalancer", "targetGroupIPType"]),
            (WhileThere, &["spec", "secondaryControlPlaneLoadBalancer", "scheme"]),
            (WhileThere, &["spec", "secondaryControlPlaneLoadBalancer", "name"]),
            (WhileThere, &["spec", "secondaryControlPlaneLoadBalancer", "healthCheckProtocol"]),
            (WhileThere, &["spec", "secondaryControlPlaneLoadBalancer", "targetGroupIPType"]),
        ],
    ),
    ("AWSClusterControllerIdentity", &[SPEC]),
    ("AWSClusterStaticIdentity", &[(Always, &["spec", "secretRef"])]),
    ("AWSClusterRoleIdentity", &[(NotRemoved, &["spec", "sourceIdentityRef"])]),
    (
        "AWSManagedMachinePool",
        &[
            (Always, &["spec", "subnetIDs"]),
            (OnceSet, &["spec", "roleName"]),
            (Always, &["spec", "diskSize"]),
            (Always, &["spec", "amiType"]),
            (Always, &["spec", "remoteAccess"]),
            (OnceSet, &["spec", "capacityType"]),
            (Always, &["spec", "availabilityZones"]),
            (Always, &["spec", "availabilityZoneSubnetType"]),
            (Presence, &["spec", "awsLaunchTemplate"]),
            (WhileThere, &["spec", "awsLaunchTemplate", "name"]),
        ],
    ),
    ("ROSAMachinePool", &[(Always, &["spec", "additionalSecurityGroups"]), (Always, &["spec", "additionalTags"])]),
    (
        "AzureCluster",
        &[
            (Always, &["spec", "resourceGroup"]),
            (Always, &["spec", "subscriptionID"]),
            (Always, &["spec", "location"]),
            (OnceSet, &["spec", "controlPlaneEndpoint", "host"]),
            (OnceSet, &["spec", "controlPlaneEndpoint", "port"]),
            (Always, &["spec", "azureEnvironment"]),
            (Always, &["spec", "networkSpec", "privateDNSZoneName"]),
            (Always, &["spec", "networkSpec", "privateDNSZoneResourceGroup"]),
            (Always, &["spec", "networkSpec", "privateDNSZone"]),
            (OnceSet, &["spec", "bastionSpec", "azureBastion"]),
            (OnceSet, &["spec", "networkSpec", "apiServerLB", "sku"]),
            (OnceSet, &["spec", "networkSpec", "apiServerLB", "type"]),
            (OnceSet, &["spec", "networkSpec", "apiServerLB", "idleTimeoutInMinutes"]),
            (WhileThere, &["spec", "networkSpec", "apiServerLB", "availabilityZones"]),
            (WhileThere, &["spec", "networkSpec", "nodeOutboundLB", "availabilityZones"]),
        ],
    ),
    ("AzureClusterIdentity", &[(Always, &["spec", "type"])]),
    (
        "AzureMachine",
        &[
            (Always, &["spec", "image"]),
            (Always, &["spec", "identity"]),
            (Always, &["spec", "systemAssignedIdentityRole"]),
            (Always, &["spec", "userAssignedIdentities"]),
            (Always, &["spec", "roleAssignmentName"]),
            (Always, &["spec", "osDisk"]),
            (Always, &["spec", "dataDisks"]),
            (Always, &["spec", "sshPublicKey"]),
            (Plain, &["spec", "allocatePublicIP"]),
            (Plain, &["spec", "enableIPForwarding"]),
            (Always, &["spec", "spotVMOptions"]),
            (Always, &["spec", "securityProfile"]),
            (OnceSet, &["spec", "diagnostics"]),
            (Always, &["spec", "networkInterfaces"]),
            (Always, &["spec", "capacityReservationGroupID"]),
            (Always, &["spec", "disableExtensionOperations"]),
            (OnceSet, &["spec", "disableVMBootstrapExtension"]),
        ],
    ),
    ("AzureMachinePoolMachine", &[(OnceSet, &["spec", "providerID"])]),
    (
        "AzureManagedControlPlane",
        &[
            (Always, &["spec", "subscriptionID"]),
            (Always, &["spec", "resourceGroupName"]),
            (Always, &["spec", "nodeResourceGroupName"]),
            (Always, &["spec", "location"]),
            (Always, &["spec", "sshPublicKey"]),
            (Always, &["spec", "dnsServiceIP"]),
            (Always, &["spec", "networkPlugin"]),
            (Always, &["spec", "networkPolicy"]),
            (Always, &["spec", "networkDataplane"]),
            (Always, &["spec", "loadBalancerSKU"]),
            (Always, &["spec", "httpProxyConfig"]),
            (Always, &["spec", "azureEnvironment"]),
            (OnceSet, &["spec", "dnsPrefix"]),
            (Always, &["spec", "outboundType"]),
        ],
    ),
    (
        "AzureManagedMachinePool",
        &[
            (OnceSet, &["spec", "name"]),
            (Always, &["spec", "osType"]),
            (Always, &["spec", "sku"]),
            (Always, &["spec", "osDiskSizeGB"]),
            (OnceSet, &["spec", "subnetName"]),
            (OnceSet, &["spec", "enableFIPS"]),
            (OnceSet, &["spec", "enableEncryptionAtHost"]),
            (Always, &["spec", "availabilityZones"]),
            (Always, &["spec", "maxPods"]),
            (Always, &["spec", "osDiskType"]),
            (Always, &["spec", "scaleSetPriority"]),
            (Always, &["spec", "enableUltraSSD"]),
            (Always, &["spec", "enableNodePublicIP"]),
            (Always, &["spec", "nodePublicIPPrefixID"]),
            (Always, &["spec", "kubeletConfig"]),
            (Always, &["spec", "kubeletDiskType"]),
            (Always, &["spec", "linuxOSConfig"]),
        ],
    ),
    (
        "GCPCluster",
        &[
            (Always, &["spec", "project"]),
            (Always, &["spec", "region"]),
            (Always, &["spec", "credentialsRef"]),
            (Always, &["spec", "loadBalancer"]),
        ],
    ),
    (
        "GCPManagedControlPlane",
        &[
            (Always, &["spec", "clusterName"]),
            (Always, &["spec", "project"]),
            (Always, &["spec", "location"]),
            (Plain, &["spec", "enableAutopilot"]),
        ],
    ),
    (
        "GCPManagedMachinePool",
        &[
            (Always, &["spec", "instanceType"]),
            (Always, &["spec", "nodePoolName"]),
            (Always, &["spec", "machineType"]),
            (Always, &["spec", "diskSizeGb"]),
            (Always, &["spec", "diskType"]),
            (Always, &["spec", "localSsdCount"]),
            (Always, &["spec", "management"]),
            (Always, &["spec", "maxPodsPerNode"]),
            (Always, &["spec", "nodeNetwork", "podRangeName"]),
            (Always, &["spec", "nodeNetwork", "createPodRange"]),
            (Always, &["spec", "nodeNetwork", "podRangeCidrBlock"]),
            (Always, &["spec", "nodeSecurity"]),
        ],
    ),
    ("VSphereFailureDomain", &[SPEC]),
    ("VSphereVM", &[(OnceSet, &["spec", "os"]), (OnceSet, &["spec", "biosUUID"])]),
    ("OpenStackServer", &[SPEC]),
    (
        "OpenStackCluster",
        &[
            (OnceSet, &["spec", "controlPlaneEndpoint", "host"]),
            (NotRemoved, &["spec", "managedSecurityGroups"]),
            (Presence, &["spec", "apiServerLoadBalancer"]),
        ],
    ),
    (
        "Metal3Data",
        &[
            (Plain, &["spec", "index"]),
            (Always, &["spec", "template", "name"]),
            (Always, &["spec", "template", "namespace"]),
            (Always, &["spec", "claim", "name"]),
            (Always, &["spec", "claim", "namespace"]),
        ],
    ),
    ("Metal3DataClaim", &[(Always, &["spec", "template", "name"]), (Always, &["spec", "template", "namespace"])]),
    ("Metal3DataTemplate", &[(Always, &["spec", "metaData"]), (Always, &["spec", "networkData"])]),
];

/// The supervisor's kinds; the group is `vmware.infrastructure.cluster.x-k8s.io`.
const SUPERVISOR: &[(&str, &[Field])] = &[(
    "VSphereMachine",
    &[
        (Always, &["spec", "imageName"]),
        (Always, &["spec", "className"]),
        (Always, &["spec", "storageClass"]),
        (Always, &["spec", "minHardwareVersion"]),
        (Always, &["spec", "network", "interfaces"]),
    ],
)];

/// The frozen fields of a kind.
pub fn fields(group: &str, kind: &str) -> &'static [Field] {
    let named = |rows: &'static [(&str, &'static [Field])]| {
        rows.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, fields)| fields)
    };
    match group {
        "infrastructure.cluster.x-k8s.io" => named(INFRASTRUCTURE),
        "vmware.infrastructure.cluster.x-k8s.io" => named(SUPERVISOR),
        _ => CORE.iter().find(|(of, name, _)| *of == group && *name == kind).map_or(&[][..], |(_, _, fields)| fields),
    }
}

/// A path; `*` stands for each item of a list.
pub type Path = &'static [&'static str];

/// Kinds of `infrastructure.cluster.x-k8s.io` of which only these paths below `spec` may change.
const ONLY: &[(&str, &[Path])] = &[
    (
        "OpenStackCluster",
        &[
            &["identityRef"],
            &["controlPlaneEndpoint"],
            &["apiServerFixedIP"],
            &["apiServerPort"],
            &["bastion"],
            &["managedSecurityGroups", "allNodesSecurityGroupRules"],
            &["managedSecurityGroups", "controlPlaneNodesSecurityGroupRules"],
            &["managedSecurityGroups", "workerNodesSecurityGroupRules"],
            &["managedSecurityGroups", "allowAllInClusterTraffic"],
            &["managedSubnets", "*", "dnsNameservers"],
            &["apiServerLoadBalancer", "allowedCIDRs"],
            &["apiServerLoadBalancer", "monitor"],
            &["controlPlaneAvailabilityZones"],
            &["controlPlaneOmitAvailabilityZone"],
            &["network"],
            &["subnets"],
        ],
    ),
    ("OpenStackMachine", &[&["providerID"], &["identityRef"], &["ports", "*", "allowedAddressPairs"]]),
    (
        "VSphereMachine",
        &[&["providerID"], &["powerOffMode"], &["guestSoftPowerOffTimeoutSeconds"], &["network", "devices"]],
    ),
    (
        "VSphereVM",
        &[
            &["bootstrapRef"],
            &["thumbprint"],
            &["powerOffMode"],
            &["guestSoftPowerOffTimeoutSeconds"],
            &["network", "devices"],
            &["os"],
            &["biosUUID"],
        ],
    ),
    (
        "AWSMachine",
        &[
            &["providerID"],
            &["instanceID"],
            &["additionalTags"],
            &["additionalSecurityGroups"],
            &["cloudInit", "secretPrefix"],
            &["cloudInit", "secretCount"],
            &["cloudInit", "secureSecretsBackend"],
            &["privateDnsName", "enableResourceNameDnsAAAARecord"],
            &["privateDnsName", "enableResourceNameDnsARecord"],
        ],
    ),
    ("AWSFargateProfile", &[&["additionalTags"]]),
    ("GCPMachine", &[&["providerID"], &["additionalLabels"], &["additionalNetworkTags"]]),
];

/// The paths below `spec` that alone may change; `None` where the kind has no such rule.
pub fn only(group: &str, kind: &str) -> Option<&'static [Path]> {
    let is_infrastructure = group == "infrastructure.cluster.x-k8s.io";
    ONLY.iter().find(|(name, _)| is_infrastructure && *name == kind).map(|(_, paths)| *paths)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::templates::{SPEC_PATH, TEMPLATES};
    use super::*;

    #[test]
    fn no_kind_stands_twice() {
        let mut seen = HashSet::new();
        for (kind, _) in INFRASTRUCTURE {
            assert!(seen.insert(*kind), "{kind}");
        }
        for (group, kinds) in TEMPLATES {
            let mut seen = HashSet::new();
            for (kind, _) in *kinds {
                assert!(seen.insert(*kind), "{group} {kind}");
                assert!(kind.ends_with("Template"), "{kind}");
            }
        }
    }

    /// A field that no bundled schema knows is misspelt, and would never be found changed.
    #[test]
    fn frozen_fields_are_fields_of_their_kinds() {
        let schemas = crate::schema::bundle::Schemas::default();
        let mut missing = Vec::new();
        let mut check = |group: &str, kind: &str, path: &[&str]| {
            let kinds: Vec<_> = schemas.kinds().filter(|of| of.group() == group && of.kind() == kind).collect();
            let known = |of: &crate::schema::table::Kind<'_>| {
                let mut schema = of.schema();
                for key in path {
                    let next =
                        if *key == "*" { schema.items() } else { schema.property(key).map(|property| property.schema) };
                    match next {
                        Some(next) => schema = next,
                        None => return false,
                    }
                }
                true
            };
            if !kinds.is_empty() && !kinds.iter().any(known) {
                missing.push(format!("{kind} {}", path.join(".")));
            }
        };
        for (kind, fields) in INFRASTRUCTURE {
            fields.iter().for_each(|(_, path)| check("infrastructure.cluster.x-k8s.io", kind, path));
        }
        for (kind, fields) in SUPERVISOR {
            fields.iter().for_each(|(_, path)| check("vmware.infrastructure.cluster.x-k8s.io", kind, path));
        }
        for (group, kind, fields) in CORE {
            fields.iter().for_each(|(_, path)| check(group, kind, path));
        }
        for (kind, paths) in ONLY {
            for path in *paths {
                check("infrastructure.cluster.x-k8s.io", kind, &[SPEC_PATH, path].concat());
            }
        }
        for (group, kinds) in TEMPLATES {
            for (kind, template) in *kinds {
                match template {
                    Template::Below(above, except) => {
                        check(group, kind, above);
                        except.iter().for_each(|path| check(group, kind, &[*above, *path].concat()));
                    }
                    Template::Fields(always, once) => {
                        always.iter().chain(*once).for_each(|path| check(group, kind, path));
                    }
                    Template::Nothing => check(group, kind, SPEC_PATH),
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
