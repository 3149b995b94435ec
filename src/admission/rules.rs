//! The rules of this layer, each with its manual page. A few general ones serve all kinds: the finding's message names the case.

use crate::report::Rule;

crate::rule! {
    /// The field or kind needs a feature gate that is off.
    ///
    /// CAPI keeps parts of its API behind feature gates of the manager. While a gate is off, the webhook refuses every object that uses
    /// what it guards. capi-lint cannot see the manager: where the settings say nothing of the gate, this is only a note.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// apiVersion: cluster.x-k8s.io/v1beta2
    /// kind: Cluster
    /// spec:
    ///   topology: {classRef: {name: prod}, version: v1.34.2}   # needs ClusterTopology
    /// ```
    ///
    /// ## Fix
    ///
    /// Start the manager with the gate (`CLUSTER_TOPOLOGY=true clusterctl init`), and say so in `.capi-lint.yaml`:
    /// `gates: {ClusterTopology: true}`.
    pub GATE_DISABLED = "gate-disabled", Error, Admission;

    /// A version that is no semantic version.
    ///
    /// Webhooks want `MAJOR.MINOR.PATCH` behind the `v`, with an optional pre-release and build. They add a missing `v`, but no
    /// missing number.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   version: v1.34
    /// ```
    ///
    /// ## Fix
    ///
    /// Write all three numbers: `v1.34.2`.
    pub INVALID_VERSION = "invalid-version", Error, Admission;

    /// Versions of a ClusterClass out of order.
    ///
    /// `kubernetesVersions` is the path that upgrades take: each entry must be newer than the one before it and may not skip a
    /// minor release. The webhook refuses the ClusterClass otherwise.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   kubernetesVersions: [v1.32.4, v1.34.2]
    /// ```
    ///
    /// ## Fix
    ///
    /// List one version of each minor release at least, in ascending order.
    pub VERSION_ORDER = "version-order", Error, Admission;

    /// A control plane with an even number of machines and etcd on them.
    ///
    /// etcd needs a majority: two members tolerate no loss, as little as one does, and four no more than three. The webhook refuses
    /// an even number while etcd runs on the control plane machines.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: KubeadmControlPlane
    /// spec:
    ///   replicas: 2
    /// ```
    ///
    /// ## Fix
    ///
    /// Use 1, 3 or 5, or an external etcd.
    pub EVEN_CONTROL_PLANE = "even-control-plane", Error, Admission;

    /// A number of replicas that the webhook refuses.
    ///
    /// A control plane needs at least one machine; a topology entry may not set `replicas` where annotations hand them to the
    /// autoscaler, since the two would fight.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: KubeadmControlPlane
    /// spec:
    ///   replicas: 0
    /// ```
    ///
    /// ## Fix
    ///
    /// Give a control plane 1, 3 or 5 replicas; drop `replicas` where the autoscaler decides.
    pub INVALID_REPLICAS = "invalid-replicas", Error, Admission;

    /// A label selector that selects nothing sensible.
    ///
    /// Keys and values must be valid labels, operators one of In, NotIn, Exists, DoesNotExist, with values just where they are
    /// needed. Some selectors may not be empty, because they would select everything.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineHealthCheck
    /// spec:
    ///   selector: {}
    /// ```
    ///
    /// ## Fix
    ///
    /// Name at least one label: `matchLabels: {nodepool: workers}`.
    pub INVALID_SELECTOR = "invalid-selector", Error, Admission;

    /// A selector that does not match the labels of the object's own template.
    ///
    /// The Machines made from the template would not belong to the object that made them, which would make more and more. The
    /// webhook refuses it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   selector: {matchLabels: {pool: a}}
    ///   template:
    ///     metadata: {labels: {pool: b}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the template each label that the selector asks for.
    pub SELECTOR_MISMATCH = "selector-mismatch", Error, Admission;

    /// Two names of the cluster in one object.
    ///
    /// `spec.clusterName`, the template's and the cluster's label in a selector must name the same cluster; the webhook refuses the
    /// object otherwise.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   clusterName: prod
    ///   template: {spec: {clusterName: staging}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one name in all places.
    pub CLUSTER_NAME_MISMATCH = "cluster-name-mismatch", Error, Admission;

    /// A machine without bootstrap data.
    ///
    /// A Machine needs `bootstrap.configRef` (a provider makes the data) or `bootstrap.dataSecretName` (you do). The webhook refuses
    /// an object with neither.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   template:
    ///     spec:
    ///       bootstrap: {}
    /// ```
    ///
    /// ## Fix
    ///
    /// Point `bootstrap.configRef` at a bootstrap configuration or its template.
    pub MISSING_BOOTSTRAP = "missing-bootstrap", Error, Admission;

    /// A Cluster without control plane, infrastructure or topology.
    ///
    /// Nothing would ever come of it; since CAPI 1.11 the webhook refuses it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   clusterNetwork: {}
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `controlPlaneRef` and `infrastructureRef`, or `topology`.
    pub EMPTY_CLUSTER = "empty-cluster", Error, Admission;

    /// A reference without API group or version, kind or name.
    ///
    /// Webhooks need all of them. Since CAPI 1.11 an old object with such a reference cannot even be converted to v1beta2, and is
    /// refused before anything else is looked at.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// spec:
    ///   controlPlaneRef: {kind: KubeadmControlPlane, name: prod}
    /// ```
    ///
    /// ## Fix
    ///
    /// Give v1beta1 references an `apiVersion`, v1beta2 references an `apiGroup`.
    pub INCOMPLETE_REFERENCE = "incomplete-reference", Error, Admission;

    /// A reference into another namespace.
    ///
    /// Machines, clusters and their templates must live together; the webhook refuses a reference with a namespace other than the
    /// object's own.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// metadata: {namespace: prod}
    /// spec:
    ///   infrastructureRef: {namespace: default}
    /// ```
    ///
    /// ## Fix
    ///
    /// Drop `namespace` from the reference.
    pub FOREIGN_REFERENCE = "foreign-reference", Error, Admission;

    /// A taint that Machines may not carry.
    ///
    /// Some keys belong to controllers that set and remove them, others are no valid keys. The webhook refuses them.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// taints:
    /// - {key: node.kubernetes.io/unreachable, effect: NoExecute, propagation: Always}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a key of your own.
    pub INVALID_TAINT = "invalid-taint", Error, Admission;

    /// A rollout strategy that can never roll.
    ///
    /// Limits are integers or shares such as `25%`; both 0 would forbid every step. A kubeadm control plane takes only 0 or 1 more
    /// machines at a time, and 0 only with three machines or more.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// strategy:
    ///   rollingUpdate: {maxSurge: 0, maxUnavailable: 0}
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the defaults (`maxSurge: 1`, `maxUnavailable: 0`), or raise one of them.
    pub INVALID_ROLLOUT = "invalid-rollout", Error, Admission;

    /// Labels or annotations in a template that no object may carry.
    ///
    /// The API server takes any text in nested metadata; the webhooks do not, since no Machine could be made from it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// template:
    ///   metadata:
    ///     labels: {pool: "workers and others"}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use valid label keys and values; put free text into annotations.
    pub INVALID_METADATA = "invalid-template-metadata", Error, Admission;

    /// A name that the kind does not take.
    ///
    /// Some names become labels, DNS names or names of cloud resources, and webhooks hold them to those rules.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Cluster
    /// metadata:
    ///   name: a-name-of-more-than-sixty-three-characters-which-becomes-a-label-value
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a shorter name of lower-case letters, digits and `-`.
    pub INVALID_NAME = "invalid-name", Error, Admission;

    /// A naming template that makes no valid names.
    ///
    /// The webhook runs the template with made-up names: it must parse, use only the values that exist, and give a DNS name.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// machineNaming:
    ///   template: "{{ .machineSet.name }}"   # lacks {{ .random }}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use e.g. `{{ .cluster.name }}-{{ .random }}`.
    pub INVALID_NAMING_TEMPLATE = "invalid-naming-template", Error, Admission;

    /// An address or CIDR that is none.
    ///
    /// Webhooks parse addresses; what does not parse is refused.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// clusterNetwork:
    ///   pods: {cidrBlocks: ["192.168.0.0"]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write an address with its prefix length: `192.168.0.0/16`.
    pub INVALID_ADDRESS = "invalid-address", Error, Admission;

    /// The same name stands twice in a list.
    ///
    /// Entries of such lists are known by name or path; the webhook refuses a second one.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// files:
    /// - {path: /etc/a, content: x}
    /// - {path: /etc/a, content: y}
    /// ```
    ///
    /// ## Fix
    ///
    /// Drop one, or rename it.
    pub DUPLICATE_ENTRY = "duplicate-entry", Error, Admission;

    /// Fields that exclude each other are both set.
    ///
    /// The webhook does not choose for you: it refuses the object.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// files:
    /// - path: /etc/a
    ///   content: x
    ///   contentFrom: {secret: {name: a, key: b}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one of them.
    pub CONFLICTING_FIELDS = "conflicting-fields", Error, Admission;

    /// A setting that another one needs is missing.
    ///
    /// The schema leaves the field optional, the webhook does not.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// contentFrom:
    ///   secret: {name: a}   # without key
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the missing field.
    pub MISSING_SETTING = "missing-setting", Error, Admission;

    /// A number outside of what the webhook takes.
    ///
    /// The schema knows no bound for it, the webhook does.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// checks:
    ///   nodeStartupTimeoutSeconds: 10   # at least 30, or 0 for never
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a number in the range that the message names.
    pub OUT_OF_RANGE = "out-of-range", Error, Admission;

    /// A value in a form that the webhook cannot read.
    ///
    /// The schema takes any text; the webhook parses it and refuses what does not parse.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// spec:
    ///   clientConfig: {url: "http://extension"}   # must be https
    /// ```
    ///
    /// ## Fix
    ///
    /// Write it in the form that the message names.
    pub MALFORMED_VALUE = "malformed-value", Error, Admission;

    /// A duration that Go cannot read.
    ///
    /// Durations of old API versions are text such as `10m` or `1h30m`. Days do not exist, and a number without unit is refused when
    /// the object is converted.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// nodeDrainTimeout: 1d
    /// ```
    ///
    /// ## Fix
    ///
    /// Write hours, minutes and seconds: `24h`.
    pub INVALID_DURATION = "invalid-duration", Error, Admission;

    /// Failure domains that are not sorted by name.
    ///
    /// Since CAPI 1.11 the webhook of the Docker provider refuses them unsorted.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// failureDomains:
    /// - {name: b}
    /// - {name: a}
    /// ```
    ///
    /// ## Fix
    ///
    /// Sort them by name.
    pub UNSORTED_FAILURE_DOMAINS = "unsorted-failure-domains", Error, Admission;

    /// An annotation that skips a preflight check which does not exist.
    ///
    /// The webhook knows All, KubeadmVersionSkew, KubernetesVersionSkew, ControlPlaneIsStable and ControlPlaneVersionSkew.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// annotations:
    ///   machineset.cluster.x-k8s.io/skip-preflight-checks: Everything
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one of the known names, separated by commas.
    pub UNKNOWN_PREFLIGHT_CHECK = "unknown-preflight-check", Error, Admission;

    /// A Cluster asks its ClusterClass for what the class does not have.
    ///
    /// The class is in the same release, so the webhook would refuse the Cluster as soon as the class is reconciled, and until then
    /// the topology controller would fail.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// topology:
    ///   workers:
    ///     machineDeployments:
    ///     - {class: gpu, name: md-0}   # the ClusterClass knows only `default`
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a class, version or health check that the ClusterClass defines.
    pub UNKNOWN_CLASS = "unknown-class", Error, Admission;

    /// A topology variable that does not fit its definition in the ClusterClass.
    ///
    /// The webhook checks that each variable is defined, that required ones are there, and each value against its schema.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// topology:
    ///   variables:
    ///   - {name: replicas, value: "three"}   # the schema says integer
    /// ```
    ///
    /// ## Fix
    ///
    /// Give a value that fits the schema of the variable.
    pub INVALID_VARIABLE = "invalid-variable", Error, Admission;

    /// The definition of a variable in a ClusterClass is no valid schema.
    ///
    /// Types, structure, defaults, enums and CEL rules of a variable's schema are checked as those of a CRD are.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// schema:
    ///   openAPIV3Schema: {type: text}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a structural schema with one of the types object, array, string, number, integer, boolean.
    pub INVALID_VARIABLE_SCHEMA = "invalid-variable-schema", Error, Admission;

    /// A patch of a ClusterClass that can never apply.
    ///
    /// Selectors must hit a template of the class, paths begin with `/spec`, values come from a value, a known variable or a
    /// template. The webhook refuses the ClusterClass otherwise.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// jsonPatches:
    /// - {op: add, path: /metadata/labels, value: {}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Select a template that the class refers to, and patch below `/spec`.
    pub INVALID_PATCH = "invalid-patch", Error, Admission;

    /// A field that belongs to one machine stands in a template.
    ///
    /// A template makes many machines; an identity or address in it would be shared by all. The webhook refuses it.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: AWSMachineTemplate
    /// spec: {template: {spec: {providerID: aws:///eu-1a/i-1}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Drop the field.
    pub FIELD_IN_TEMPLATE = "field-in-template", Error, Admission;
}

/// All rules of this layer.
pub static LIST: &[&Rule] = &[
    &GATE_DISABLED,
    &INVALID_VERSION,
    &VERSION_ORDER,
    &EVEN_CONTROL_PLANE,
    &INVALID_REPLICAS,
    &INVALID_SELECTOR,
    &SELECTOR_MISMATCH,
    &CLUSTER_NAME_MISMATCH,
    &MISSING_BOOTSTRAP,
    &EMPTY_CLUSTER,
    &INCOMPLETE_REFERENCE,
    &FOREIGN_REFERENCE,
    &INVALID_TAINT,
    &INVALID_ROLLOUT,
    &INVALID_METADATA,
    &INVALID_NAME,
    &INVALID_NAMING_TEMPLATE,
    &INVALID_ADDRESS,
    &DUPLICATE_ENTRY,
    &CONFLICTING_FIELDS,
    &MISSING_SETTING,
    &OUT_OF_RANGE,
    &MALFORMED_VALUE,
    &INVALID_DURATION,
    &UNSORTED_FAILURE_DOMAINS,
    &UNKNOWN_PREFLIGHT_CHECK,
    &UNKNOWN_CLASS,
    &INVALID_VARIABLE,
    &INVALID_VARIABLE_SCHEMA,
    &INVALID_PATCH,
    &FIELD_IN_TEMPLATE,
];
