//! Argo CD: `Application` goes to one destination, `ApplicationSet` to what its generators give.

use std::borrow::Cow;

use super::universe::Found;
use super::{Aim, Collector, Layer, text};
use crate::object::Object;
use crate::rules::view::Selector;
use crate::yaml::Value;

const IN_CLUSTER: &str = "in-cluster";
const IN_CLUSTER_URL: &str = "https://kubernetes.default.svc";

pub fn targets<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    match &*object.kind {
        "Application" => {
            if let Some(destination) = object.at(&["spec", "destination"]) {
                self::destination(object, destination, destination, &[], out);
            }
        }
        "ApplicationSet" => set(object, out),
        _ => {}
    }
}

/// A parameter with the value that a generator gives it.
type Parameter<'a> = (String, Cow<'a, str>);

/// A destination, with the parameters of one element filled in; `told` is where to point.
fn destination<'v, 'a>(
    object: &'v Object<'a>,
    destination: Value<'a>,
    told: Value<'a>,
    parameters: &[Parameter<'a>],
    out: &mut Collector<'_, 'v, 'a>,
) {
    let (name, server) = (text(destination, "name"), text(destination, "server"));
    match (name, server) {
        (Some(_), Some(_)) => {
            let why = "the destination says both name and server: Argo CD refuses the Application";
            out.unclear(object, Layer::Argo, destination, why);
        }
        (None, None) => {
            let why = "the destination says neither name nor server: Argo CD does not know where to go";
            out.unclear(object, Layer::Argo, destination, why);
        }
        (Some(name), None) => match filled(&name, parameters) {
            Filled::Text(name) => {
                let found =
                    if name == IN_CLUSTER { Found::home() } else { out.universe.named(Layer::Argo, None, &name) };
                out.push(object, Layer::Argo, told, Aim::Name(name.into()), found);
            }
            Filled::Missing(parameter) => {
                out.push(object, Layer::Argo, told, Aim::Parameter(parameter), Found::unknown());
            }
            Filled::Unknown => out.push(object, Layer::Argo, told, Aim::Name(name), Found::unknown()),
        },
        (None, Some(server)) => match filled(&server, parameters) {
            Filled::Text(url) => {
                let home = url.trim_end_matches('/') == IN_CLUSTER_URL;
                let found = if home { Found::home() } else { out.universe.at_server(&url) };
                out.push(object, Layer::Argo, told, Aim::Server(url.into()), found);
            }
            Filled::Missing(parameter) => {
                out.push(object, Layer::Argo, told, Aim::Parameter(parameter), Found::unknown());
            }
            Filled::Unknown => out.push(object, Layer::Argo, told, Aim::Server(server), Found::unknown()),
        },
    }
}

/// A template with parameters filled in.
enum Filled {
    Text(String),
    /// A parameter that no element gives.
    Missing(String),
    /// More than plain parameters.
    Unknown,
}

/// `{{name}}` and `{{.name}}`, with or without blanks; anything else in braces is a program.
fn filled(template: &str, parameters: &[Parameter<'_>]) -> Filled {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inside, behind)) = tail.split_once("}}") else { return Filled::Unknown };
        let name = inside.trim().trim_start_matches('.');
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if !is_plain || parameters.is_empty() {
            return Filled::Unknown;
        }
        match parameters.iter().find(|(known, _)| known == name) {
            Some((_, value)) => out.push_str(value),
            None => return Filled::Missing(name.to_owned()),
        }
        rest = behind;
    }
    out.push_str(rest);
    Filled::Text(out)
}

fn set<'v, 'a>(object: &'v Object<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let Some(target) = object.at(&["spec", "template", "spec", "destination"]) else { return };
    // A patch of the template, or a generator's own, may set another destination.
    let of_generators = object.at(&["spec", "generators"]);
    let mut kinds = of_generators.iter().flat_map(Value::items).flat_map(|generator| generator.entries());
    let has_own = kinds.any(|kind| kind.at(&["template", "spec", "destination"]).is_some());
    if has_own || object.at(&["spec", "templatePatch"]).is_some() {
        return out.push(object, Layer::Argo, target, Aim::All, Found::unknown());
    }
    let says =
        |part: &str| ["name", "server"].iter().any(|key| text(target, key).is_some_and(|text| text.contains(part)));
    if !says("{{") {
        return destination(object, target, target, &[], out);
    }
    for generator in object.at(&["spec", "generators"]).iter().flat_map(Value::items) {
        if let Some(list) = generator.get("list") {
            let before = out.targets.len();
            for element in list.get("elements").iter().flat_map(Value::items) {
                destination(object, target, element, &leaves(element), out);
            }
            if out.targets.len() == before {
                out.push(object, Layer::Argo, target, Aim::All, Found::unknown());
            }
        } else if let Some(clusters) = generator.get("clusters") {
            by_clusters(object, clusters, out);
        } else {
            // git, matrix, merge and the others give parameters that only the repository knows.
            out.push(object, Layer::Argo, generator, Aim::All, Found::unknown());
        }
    }
}

/// All texts of an element, by their dotted names.
fn leaves(element: Value<'_>) -> Vec<Parameter<'_>> {
    let root = element.index();
    let document = element.document();
    let inside = (root + 1..element.end_index()).filter_map(|index| document.value(index));
    inside
        .filter(|value| value.scalar().is_some())
        .filter_map(|value| {
            let text = match value.as_str() {
                Some(text) => text,
                None => Cow::Borrowed(value.raw()),
            };
            Some((document.path_from(root, value.index()), text)).filter(|(path, _)| !path.is_empty())
        })
        .collect()
}

/// The cluster generator: an element for each registered cluster whose Secret carries the labels; all of them without a selector.
fn by_clusters<'v, 'a>(object: &'v Object<'a>, generator: Value<'a>, out: &mut Collector<'_, 'v, 'a>) {
    let selector = generator.get("selector");
    let (value, read) = match selector {
        Some(value) => (value, Selector::read(value)),
        None => (generator, Some(Selector::default())),
    };
    let Some(read) = read else { return };
    let found = out.universe.selected(Layer::Argo, None, &read);
    let aim = if read.is_empty() { Aim::All } else { Aim::Selector };
    out.push(object, Layer::Argo, value, aim, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Option<String> {
        let parameters =
            [("cluster".to_owned(), Cow::Borrowed("app-dev")), ("values.env".to_owned(), Cow::Borrowed("dev"))];
        match filled(template, &parameters) {
            Filled::Text(text) => Some(text),
            Filled::Missing(name) => Some(format!("no {name}")),
            Filled::Unknown => None,
        }
    }

    #[test]
    fn templates_are_filled_in() {
        assert_eq!(fill("{{cluster}}-{{ .values.env }}").as_deref(), Some("app-dev-dev"));
        assert_eq!(fill("plain").as_deref(), Some("plain"));
        assert_eq!(fill("{{name}}").as_deref(), Some("no name"));
        assert_eq!(fill("{{ .cluster | upper }}"), None);
        assert_eq!(fill("{{ cluster"), None);
    }
}
