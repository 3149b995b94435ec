//! A template where an object belongs, or the other way round.

use super::view::{Link, View};
use crate::report::Finding;
use crate::text;

crate::rule! {
    /// A template is referred to where an object belongs, or an object where a template belongs.
    ///
    /// MachineDeployments, MachineSets and control planes make machines from templates. A Cluster, a Machine and a MachinePool
    /// refer to the one object that serves them. The server accepts either; the controller finds no `spec.template` to copy, or
    /// waits for a template to become ready, which it never does.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: MachinePool
    /// spec:
    ///   template:
    ///     spec:
    ///       bootstrap:
    ///         configRef:
    ///           kind: EKSConfigTemplate     # a pool takes an EKSConfig
    /// ```
    ///
    /// ## Fix
    ///
    /// Refer to the kind without (or with) `Template`, and put such an object into the release.
    pub REFERENCE_KIND = "reference-kind", Error, Controller;
}

/// Looks at the references whose place says what they take.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for link in &view.release.links {
        let Some(from) = view.object(link.from) else { continue };
        let Some(takes_template) = link.takes_template(from) else { continue };
        if !is_wrong(view, link, takes_template) {
            continue;
        }
        let kind = &link.to.kind;
        let (message, right) = if takes_template {
            let message = format!(
                "a {} makes its machines from templates, and {kind} is none: the controller finds no spec.template in it and makes no \
                 machine",
                from.kind
            );
            (message, format!("{kind}Template"))
        } else {
            let right = kind.trim_end_matches("Template").to_owned();
            let message = format!(
                "a {} takes the object itself here, not a template: {kind} never becomes ready, and the {} waits for ever",
                from.kind, from.kind
            );
            (message, right)
        };
        let place = link.value(from).get("kind").map_or_else(|| link.place(from), |kind| from.place(kind));
        out.push(Finding::new(&REFERENCE_KIND, message).at(place).suggest(format!("kind: {right}")));
    }
}

/// Whether a reference names a template where none belongs, or the other way round. A kind that is only misspelt
/// (`DockerMachineTemplat`, while the template of that name is there) is for `dangling-reference`.
pub fn is_wrong<'a>(view: &View<'_, 'a>, link: &Link<'a>, takes_template: bool) -> bool {
    let is_right = |kind: &str| kind.ends_with("Template") == takes_template;
    let is_meant = |kind: &str| is_right(kind) && text::distance(kind, &link.to.kind, 2).is_some();
    !is_right(&link.to.kind)
        && !view.release.named(&link.name(view.release)).take(64).any(|object| is_meant(&object.kind))
}
