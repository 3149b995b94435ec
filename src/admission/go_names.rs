//! Naming templates: Go templates that the webhooks try out with made-up names.

use serde_json::{Value as Json, json};

use crate::go_template::{self, Functions};
use crate::yaml::Value;

use super::check::Check;
use super::rules::INVALID_NAMING_TEMPLATE;
use crate::schema::validate::names::is_dns_subdomain;

/// What a template may name, besides `.cluster.name` and `.random`.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The key of the owner: `machineSet`.
    key: &'static str,
    /// Its one field: `name`.
    field: &'static str,
}

/// The Machines of a MachineSet.
pub static MACHINE_SET: Owner = Owner { key: "machineSet", field: "name" };
/// The Machines of a kubeadm control plane.
pub static CONTROL_PLANE: Owner = Owner { key: "kubeadmControlPlane", field: "name" };
/// MachineDeployments of a topology.
pub static DEPLOYMENT: Owner = Owner { key: "machineDeployment", field: "topologyName" };
/// MachinePools of a topology.
pub static POOL: Owner = Owner { key: "machinePool", field: "topologyName" };

/// Judges a template for the names of Machines, which must tell them apart.
pub fn judge_machines<'a>(check: &mut Check<'_, 'a>, template: Option<Value<'a>>, owner: &Owner) {
    let Some(value) = template else { return };
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
    if !text.contains("{{ .random }}") {
        let message = "lacks {{ .random }}, so all Machines would have one name: the webhook refuses it";
        check.refuse(&INVALID_NAMING_TEMPLATE, value, message, "end it with `-{{ .random }}`, spelt just so");
        return;
    }
    judge(check, Some(value), Some(owner));
}

/// Judges a template by what it makes of made-up names.
pub fn judge<'a>(check: &mut Check<'_, 'a>, template: Option<Value<'a>>, owner: Option<&Owner>) {
    let Some(value) = template else { return };
    let mut data = json!({"cluster": {"name": "cluster"}, "random": "abcde"});
    if let (Some(owner), Some(data)) = (owner, data.as_object_mut()) {
        data.insert(owner.key.to_owned(), json!({owner.field: "name"}));
    }
    judge_with(check, value, &data, &known(owner), Functions::Builtin);
}

/// Judges a template with other data or functions than CAPI's own; `known` says in a message what it may name.
pub fn judge_with<'a>(check: &mut Check<'_, 'a>, value: Value<'a>, data: &Json, known: &str, functions: Functions) {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
    let fix = format!("use lower-case letters, digits, `-` and {known}");
    match go_template::parse(&text, functions).and_then(|template| template.render(data)) {
        Err(error) => {
            let message = format!("no naming template: {error}; the webhook refuses it");
            check.refuse(&INVALID_NAMING_TEMPLATE, value, message, fix);
        }
        Ok(Some(name)) if !is_dns_subdomain(&cut(&name)) => {
            let message = format!("makes names such as {name:?}, which is no DNS name: the webhook refuses it");
            check.refuse(&INVALID_NAMING_TEMPLATE, value, message, fix);
        }
        // Fine, or beyond what is rendered here.
        Ok(_) => {}
    }
}

/// Names of more than 63 characters are cut and get another random end.
fn cut(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    let end = (0..=58).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    format!("{}abcde", &name[..end])
}

fn known(owner: Option<&Owner>) -> String {
    let more = owner.map(|owner| format!(", {{{{ .{}.{} }}}}", owner.key, owner.field)).unwrap_or_default();
    format!("{{{{ .cluster.name }}}}{more}, {{{{ .random }}}}")
}
