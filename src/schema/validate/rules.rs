//! The kinds of findings of this layer, with their manual pages.

crate::rule! {
    /// A field that the kind does not have.
    ///
    /// `kubectl apply` and server-side apply (Helm 4, Flux, Argo CD) refuse the whole object. Helm 3 sends it, and the server
    /// drops the field with a warning that hardly anybody reads: what you set there is never done. Mostly a misspelling, a
    /// wrong indentation, or a field of another version of the kind.
    ///
    /// ```yaml
    /// kind: MachineDeployment
    /// spec:
    ///   replica: 3        # replicas
    /// ```
    ///
    /// Fix: take the nearest known name that the finding offers, move the field to where it belongs, or remove it. For a kind
    /// that a newer release of the provider extends, choose that release (`--capi-version`, `--schemas`).
    ///
    /// Who says so: the API server, when it decodes the object against the kind's schema.
    pub UNKNOWN_FIELD = "unknown-field", Error, Admission;

    /// A value of another type than the field takes.
    ///
    /// The server refuses the object. YAML makes it easy: `version: 1.34` is a number, `paused: "true"` is text, `y` and `off`
    /// are booleans, `80.5` is no whole number.
    ///
    /// ```yaml
    /// version: 1.34       # "v1.34.0"
    /// ```
    ///
    /// Fix: quote what shall be text; do not quote numbers and booleans; write a list with `-` and a mapping with `key: value`.
    ///
    /// Who says so: the API server, by the kind's schema.
    pub WRONG_TYPE = "wrong-type", Error, Admission;

    /// A field that must be there is missing.
    ///
    /// The server refuses the object. A field that has a default, or that Cluster API's webhooks fill in, is never reported.
    /// A field set to `null` (`selector:` with nothing behind it) counts as missing for all clients but server-side apply.
    ///
    /// ```yaml
    /// kind: Machine
    /// spec: {}            # clusterName is missing
    /// ```
    ///
    /// Fix: set the field. Where its parent is optional and you do not need it, remove the parent.
    ///
    /// Who says so: the API server, by the kind's schema.
    pub REQUIRED_FIELD = "required-field", Error, Admission;

    /// A value that is none of those allowed.
    ///
    /// The server refuses the object. Upper and lower case count.
    ///
    /// ```yaml
    /// strategy: {type: rollingUpdate}     # RollingUpdate
    /// ```
    ///
    /// Fix: take one of the values that the finding lists.
    ///
    /// Who says so: the API server, by the kind's schema (`enum`).
    pub INVALID_VALUE = "invalid-value", Error, Admission;

    /// Text that does not match the field's pattern.
    ///
    /// The server refuses the object. Patterns are Go's regular expressions, and without `^` and `$` they match anywhere.
    ///
    /// Fix: write the text so that it matches; a blank or a newline at its end is a frequent cause.
    ///
    /// Who says so: the API server, by the kind's schema (`pattern`).
    pub PATTERN_MISMATCH = "pattern-mismatch", Error, Admission;

    /// A number, a length or a count outside its bounds.
    ///
    /// The server refuses the object: a number below the least or above the greatest, text with too few or too many
    /// characters (characters, not bytes), a list or mapping with too few or too many entries.
    ///
    /// ```yaml
    /// apiServerPort: 0    # at least 1
    /// ```
    ///
    /// Fix: stay inside. An empty text or list where at least one is wanted is better left out altogether.
    ///
    /// Who says so: the API server, by the kind's schema.
    pub OUT_OF_BOUNDS = "out-of-bounds", Error, Admission;

    /// An item stands twice in a list that is a set or has keys.
    ///
    /// The server refuses the object. In a set no value may stand twice; in a list with keys no combination of the key fields.
    ///
    /// ```yaml
    /// variables:
    /// - {name: region, value: a}
    /// - {name: region, value: b}      # region again
    /// ```
    ///
    /// Fix: keep one.
    ///
    /// Who says so: the API server, by the kind's schema (`x-kubernetes-list-type`).
    pub DUPLICATE_ITEM = "duplicate-item", Error, Admission;

    /// `null`, or nothing at all, where a value is wanted.
    ///
    /// kubectl's and Helm 3's way of sending drops such a null, so that the field counts as not set. Server-side apply (Helm 4,
    /// Flux, Argo CD) refuses the object. Inside a list everybody refuses it.
    ///
    /// ```yaml
    /// selector:
    ///   matchLabels:      # nothing follows: null
    /// ```
    ///
    /// Fix: remove the field, or write `{}` for an empty mapping and `[]` for an empty list.
    ///
    /// Who says so: the API server, by the kind's schema.
    pub NULL_VALUE = "null-value", Error, Admission;

    /// A rule of the kind in the language CEL does not hold.
    ///
    /// The server refuses the object. Such rules compare fields with each other: one of two must be set, not both; a name must
    /// differ from another; a value must not change.
    ///
    /// The finding shows the rule. `self` is the value at the finding's path, `has(self.x)` says that `x` is set.
    ///
    /// Fix: change the fields that the rule names until it is true.
    ///
    /// Who says so: the API server, by the kind's schema (`x-kubernetes-validations`).
    pub CEL_RULE = "cel-rule", Error, Admission;

    /// A rule of the kind could not be checked here.
    ///
    /// The rule (in the language CEL) uses something that capi-lint does not know. The server may still refuse the object.
    ///
    /// Fix: nothing is wrong that we know of. Please report the rule.
    pub RULE_NOT_CHECKED = "rule-not-checked", Info, Admission;

    /// A name, a label, an annotation or another part of `metadata` that Kubernetes refuses.
    ///
    /// Names of objects are lower-case letters, digits, `-` and `.`, at most 253 characters; namespaces have no dots and at most 63.
    /// Labels: an optional prefix and `/`, then at most 63 letters, digits, `-`, `_`, `.`, which begin and end with a letter or
    /// digit; the same for values, which may be empty. Annotations have such keys, and at most 256 KiB in all. Values of both are
    /// text: `"true"`, `"1"`, `"yes"` in quotes.
    ///
    /// Fix: as the finding says.
    ///
    /// Who says so: the API server, for every object.
    pub INVALID_METADATA = "invalid-metadata", Error, Admission;

    /// Text that is not in the format of its field.
    ///
    /// The server refuses the object: a date that is none, an address that is none, a duration that cannot be read. Only the
    /// formats that the server knows are checked.
    ///
    /// Fix: write the text in that format.
    ///
    /// Who says so: the API server, by the kind's schema (`format`).
    pub INVALID_FORMAT = "invalid-format", Error, Admission;

    /// A value that fits none of several alternatives, or more of them than it may.
    ///
    /// The server refuses the object. The kind's schema describes the value by alternatives (`anyOf`, `oneOf`, `allOf`, `not`).
    /// Often it means: set exactly one of these fields.
    ///
    /// Fix: choose one alternative and remove what belongs to the others.
    ///
    /// Who says so: the API server, by the kind's schema.
    pub UNION_MISMATCH = "union-mismatch", Error, Admission;
}
