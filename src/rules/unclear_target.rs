//! Targets that a layer refuses or reads otherwise than they look.

use super::view::View;
use crate::layers::Aim;
use crate::report::{Finding, Severity};

crate::rule! {
    /// A target is said twice, or not at all, or with a parameter that nobody fills in.
    ///
    /// The server accepts it, since each field alone is fine. Then Argo CD refuses a destination with both `name` and `server`, or
    /// with neither; an ApplicationSet stops at a parameter that an element of its list generator does not have; Flux refuses a
    /// `kubeConfig` with both references; KubeFed ignores `clusterSelector` beside `clusters` (a **warning**), and places nothing on a
    /// cluster that the FederatedNamespace leaves out; Fleet matches nothing with an empty target; Karmada refuses both kinds of
    /// affinity at once.
    ///
    /// ## Example
    ///
    /// ```yaml
    /// kind: Application
    /// spec:
    ///   destination:
    ///     name: app-dev
    ///     server: https://192.0.2.10:6443
    /// ```
    ///
    /// ## Fix
    ///
    /// Say it once.
    pub UNCLEAR_TARGET = "unclear-target", Error, Controller;
}

/// Looks at every target.
pub fn check(view: &View<'_, '_>, out: &mut Vec<Finding>) {
    for target in &view.layers().targets {
        let object = target.object;
        let finding = match &target.aim {
            Aim::Unclear(why) => {
                object.finding(&UNCLEAR_TARGET, target.value, format!("{} '{}': {why}", object.kind, object.name))
            }
            Aim::Ignored(why) => {
                let message = format!("{} '{}': {why}", object.kind, object.name);
                let finding = object.finding(&UNCLEAR_TARGET, target.value, message).severity(Severity::Warning);
                finding.suggest("keep one of them")
            }
            Aim::Parameter(name) => {
                let message = format!(
                    "{} '{}': the template uses the parameter '{name}', which this element does not give: no Application is made",
                    object.kind, object.name
                );
                object.finding(&UNCLEAR_TARGET, target.value, message).suggest(format!("add {name} to the element"))
            }
            _ => continue,
        };
        out.push(finding);
    }
}
