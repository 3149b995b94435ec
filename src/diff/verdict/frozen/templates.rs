//! What of which templates must not change: facts about webhooks, as data, from the releases that [`super`] names. Nothing is
//! judged here.

use super::Path;

/// What of a template must not change.
#[derive(Clone, Copy, Debug)]
pub enum Template {
    /// All below a path, but for these paths below it.
    Below(Path, &'static [Path]),
    /// These paths; the second ones once they have a value.
    Fields(&'static [Path], &'static [Path]),
    /// Nothing: an edit is accepted, and running machines do not take it up.
    Nothing,
}

pub(super) const SPEC_PATH: Path = &["spec"];
const INNER: Path = &["spec", "template", "spec"];
const SPEC_ALONE: Template = Template::Below(SPEC_PATH, &[]);
const INNER_ALONE: Template = Template::Below(INNER, &[]);

/// Templates by group and kind.
pub(super) const TEMPLATES: &[(&str, &[(&str, Template)])] = &[
    (
        "controlplane.cluster.x-k8s.io",
        &[
            ("KubeadmControlPlaneTemplate", INNER_ALONE),
            ("AWSManagedControlPlaneTemplate", Template::Fields(&[&["spec", "template", "spec", "region"]], &[])),
            ("RKE2ControlPlaneTemplate", Template::Nothing),
            ("CK8sControlPlaneTemplate", Template::Nothing),
            ("K0sControlPlaneTemplate", Template::Nothing),
            ("K0smotronControlPlaneTemplate", Template::Nothing),
            ("KThreesControlPlaneTemplate", Template::Nothing),
            ("KamajiControlPlaneTemplate", Template::Nothing),
        ],
    ),
    (
        "bootstrap.cluster.x-k8s.io",
        &[
            ("KubeadmConfigTemplate", Template::Nothing),
            ("EKSConfigTemplate", Template::Nothing),
            ("RKE2ConfigTemplate", Template::Nothing),
            ("KThreesConfigTemplate", Template::Nothing),
            ("TalosConfigTemplate", SPEC_ALONE),
            ("NodeadmConfigTemplate", Template::Nothing),
            ("CK8sConfigTemplate", Template::Nothing),
            ("GKEConfigTemplate", Template::Nothing),
            ("K0sWorkerConfigTemplate", Template::Nothing),
        ],
    ),
    (
        "infrastructure.cluster.x-k8s.io",
        &[
            ("DevClusterTemplate", INNER_ALONE),
            ("DevMachineTemplate", INNER_ALONE),
            ("DockerClusterTemplate", INNER_ALONE),
            ("DockerMachineTemplate", INNER_ALONE),
            ("AWSClusterTemplate", SPEC_ALONE),
            ("AWSMachineTemplate", INNER_ALONE),
            ("AzureClusterTemplate", INNER_ALONE),
            ("AzureMachineTemplate", INNER_ALONE),
            (
                "AzureManagedControlPlaneTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "subscriptionID"],
                        &["spec", "template", "spec", "location"],
                        &["spec", "template", "spec", "dnsServiceIP"],
                        &["spec", "template", "spec", "networkPlugin"],
                        &["spec", "template", "spec", "networkPolicy"],
                        &["spec", "template", "spec", "networkDataplane"],
                        &["spec", "template", "spec", "loadBalancerSKU"],
                        &["spec", "template", "spec", "outboundType"],
                    ],
                    &[],
                ),
            ),
            (
                "AzureManagedMachinePoolTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "name"],
                        &["spec", "template", "spec", "osType"],
                        &["spec", "template", "spec", "sku"],
                        &["spec", "template", "spec", "osDiskSizeGB"],
                        &["spec", "template", "spec", "availabilityZones"],
                        &["spec", "template", "spec", "maxPods"],
                        &["spec", "template", "spec", "osDiskType"],
                        &["spec", "template", "spec", "scaleSetPriority"],
                        &["spec", "template", "spec", "enableUltraSSD"],
                        &["spec", "template", "spec", "enableNodePublicIP"],
                        &["spec", "template", "spec", "nodePublicIPPrefixID"],
                        &["spec", "template", "spec", "kubeletConfig"],
                        &["spec", "template", "spec", "kubeletDiskType"],
                        &["spec", "template", "spec", "linuxOSConfig"],
                    ],
                    &[&["spec", "template", "spec", "subnetName"], &["spec", "template", "spec", "enableFIPS"]],
                ),
            ),
            (
                "CloudStackMachineTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "offering"],
                        &["spec", "template", "spec", "diskOffering", "id"],
                        &["spec", "template", "spec", "diskOffering", "name"],
                        &["spec", "template", "spec", "sshKey"],
                        &["spec", "template", "spec", "template"],
                        &["spec", "template", "spec", "details"],
                        &["spec", "template", "spec", "affinity"],
                        &["spec", "template", "spec", "affinityGroupIDs"],
                    ],
                    &[],
                ),
            ),
            ("DOClusterTemplate", SPEC_ALONE),
            ("DOMachineTemplate", SPEC_ALONE),
            ("GCPClusterTemplate", SPEC_ALONE),
            (
                "GCPMachineTemplate",
                Template::Below(
                    SPEC_PATH,
                    &[
                        &["template", "spec", "providerID"],
                        &["template", "spec", "additionalLabels"],
                        &["template", "spec", "additionalNetworkTags"],
                    ],
                ),
            ),
            (
                "GCPManagedControlPlaneTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "project"],
                        &["spec", "template", "spec", "location"],
                        &["spec", "template", "spec", "enableAutopilot"],
                    ],
                    &[],
                ),
            ),
            ("AWSManagedClusterTemplate", Template::Nothing),
            ("AzureASOManagedClusterTemplate", Template::Nothing),
            ("AzureASOManagedControlPlaneTemplate", Template::Nothing),
            ("AzureASOManagedMachinePoolTemplate", Template::Nothing),
            ("AzureManagedClusterTemplate", Template::Nothing),
            ("DevMachinePoolTemplate", Template::Nothing),
            ("DockerMachinePoolTemplate", Template::Nothing),
            ("GCPManagedClusterTemplate", SPEC_ALONE),
            (
                "GCPManagedMachinePoolTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "instanceType"],
                        &["spec", "template", "spec", "nodePoolName"],
                        &["spec", "template", "spec", "machineType"],
                        &["spec", "template", "spec", "diskSizeGb"],
                        &["spec", "template", "spec", "diskType"],
                        &["spec", "template", "spec", "localSsdCount"],
                        &["spec", "template", "spec", "management"],
                        &["spec", "template", "spec", "maxPodsPerNode"],
                        &["spec", "template", "spec", "nodeNetwork", "podRangeName"],
                        &["spec", "template", "spec", "nodeNetwork", "createPodRange"],
                        &["spec", "template", "spec", "nodeNetwork", "podRangeCidrBlock"],
                        &["spec", "template", "spec", "nodeSecurity"],
                    ],
                    &[],
                ),
            ),
            ("HarvesterClusterTemplate", Template::Nothing),
            ("HarvesterMachineTemplate", Template::Nothing),
            ("HivelocityClusterTemplate", SPEC_ALONE),
            ("HivelocityMachineTemplate", SPEC_ALONE),
            ("IBMPowerVSClusterTemplate", SPEC_ALONE),
            ("IBMPowerVSMachineTemplate", Template::Nothing),
            ("IBMVPCClusterTemplate", Template::Nothing),
            ("IonosCloudClusterTemplate", Template::Nothing),
            ("IonosCloudMachineTemplate", Template::Nothing),
            ("KubevirtClusterTemplate", Template::Nothing),
            ("LinodeClusterTemplate", Template::Nothing),
            ("LinodeMachineTemplate", Template::Nothing),
            (
                "MaasMachineTemplate",
                Template::Fields(
                    &[
                        &["spec", "template", "spec", "image"],
                        &["spec", "template", "spec", "minCPU"],
                        &["spec", "template", "spec", "minMemory"],
                    ],
                    &[],
                ),
            ),
            ("MetalMachineTemplate", SPEC_ALONE),
            ("NutanixClusterTemplate", Template::Nothing),
            ("NutanixMachineTemplate", Template::Nothing),
            ("OCIClusterTemplate", Template::Nothing),
            ("OCIMachineTemplate", Template::Nothing),
            ("OCIManagedClusterTemplate", Template::Nothing),
            ("OCIManagedControlPlaneTemplate", Template::Nothing),
            ("OCIManagedMachinePoolTemplate", Template::Nothing),
            ("OscClusterTemplate", INNER_ALONE),
            ("OscMachineTemplate", INNER_ALONE),
            ("ProxmoxClusterTemplate", Template::Nothing),
            ("RemoteClusterTemplate", Template::Nothing),
            ("RemoteMachineTemplate", Template::Nothing),
            ("ScalewayClusterTemplate", Template::Nothing),
            ("ScalewayMachineTemplate", INNER_ALONE),
            ("VCDClusterTemplate", INNER_ALONE),
            ("VCDMachineTemplate", Template::Nothing),
            ("VultrClusterTemplate", Template::Nothing),
            ("VultrMachineTemplate", Template::Nothing),
            ("HCloudMachineTemplate", SPEC_ALONE),
            ("HetznerBareMetalMachineTemplate", SPEC_ALONE),
            ("HetznerClusterTemplate", SPEC_ALONE),
            ("IBMVPCMachineTemplate", Template::Nothing),
            ("KubevirtMachineTemplate", SPEC_ALONE),
            ("Metal3ClusterTemplate", Template::Nothing),
            ("Metal3MachineTemplate", Template::Nothing),
            ("OpenStackClusterTemplate", INNER_ALONE),
            ("OpenStackMachineTemplate", Template::Below(INNER, &[&["ports", "*", "allowedAddressPairs"]])),
            ("PacketMachineTemplate", Template::Nothing),
            ("ProxmoxMachineTemplate", SPEC_ALONE),
            ("TinkerbellMachineTemplate", SPEC_ALONE),
            ("VSphereClusterTemplate", INNER_ALONE),
            ("VSphereMachineTemplate", INNER_ALONE),
        ],
    ),
    (
        "vmware.infrastructure.cluster.x-k8s.io",
        &[("VSphereMachineTemplate", INNER_ALONE), ("VSphereClusterTemplate", Template::Nothing)],
    ),
];

/// What is known of a kind of template.
pub fn template(group: &str, kind: &str) -> Option<Template> {
    let (_, kinds) = TEMPLATES.iter().find(|(of, _)| *of == group)?;
    kinds.iter().find(|(name, _)| *name == kind).map(|(_, template)| *template)
}
