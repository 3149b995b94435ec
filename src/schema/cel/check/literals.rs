//! Constants that cannot be what they are used for: `duration('5')`, `matches('[')`, `'%d'.format(['x'])`. The server works them
//! out when it compiles a rule, so that they are errors of the rule, not of an object.

use super::super::CelError;
use super::super::functions;
use super::super::parser::Constant;
use super::expand::{Kind, Node};
use super::infer::Types;
use super::types::Type;
use crate::schema::pattern::GoPattern;

type Outcome = Result<(), CelError>;

/// Checks the constants of an expression.
pub(super) fn check(node: &Node, types: &Types) -> Outcome {
    walk(node, types, false)
}

fn walk(node: &Node, types: &Types, in_format: bool) -> Outcome {
    match &node.kind {
        Kind::Literal(_) | Kind::Name(_) => Ok(()),
        Kind::Select { operand, .. } | Kind::OptionalSelect { operand, .. } => walk(operand, types, in_format),
        Kind::Call { target, function, arguments } => {
            call(target.as_deref(), function, arguments, types)?;
            let in_format = in_format || function == "format";
            target.iter().try_for_each(|target| walk(target, types, in_format))?;
            arguments.iter().try_for_each(|argument| walk(argument, types, in_format))
        }
        Kind::List(elements) => {
            if !in_format {
                alike(elements.iter().map(|(optional, element)| element_type(*optional, element, types)))?;
            }
            elements.iter().try_for_each(|(_, element)| walk(element, types, in_format))
        }
        Kind::Map(entries) => {
            if !in_format {
                alike(entries.iter().map(|(_, key, _)| type_of(key, types)))?;
                alike(entries.iter().map(|(optional, _, value)| element_type(*optional, value, types)))?;
            }
            entries.iter().try_for_each(|(_, key, value)| {
                walk(key, types, in_format)?;
                walk(value, types, in_format)
            })
        }
        Kind::Fold(fold) => [&fold.range, &fold.start, &fold.condition, &fold.step, &fold.result]
            .into_iter()
            .try_for_each(|part| walk(part, types, in_format)),
    }
}

fn type_of(node: &Node, types: &Types) -> Type {
    types.of.get(node.id).cloned().unwrap_or(Type::Dyn)
}

fn element_type(optional: bool, node: &Node, types: &Types) -> Type {
    let ty = type_of(node, types);
    if optional { ty.unwrap_optional().0 } else { ty }
}

/// The elements of a literal have one type, and `dyn` is another one than `int`.
fn alike(mut all: impl Iterator<Item = Type>) -> Outcome {
    let Some(first) = all.next() else { return Ok(()) };
    match all.find(|ty| !ty.is(&first)) {
        None => Ok(()),
        Some(other) => Err(CelError::Type(format!(
            "values of types {first} and {other} in one list or map; dyn() makes one type of them"
        ))),
    }
}

fn call(target: Option<&Node>, function: &str, arguments: &[Node], types: &Types) -> Outcome {
    match (function, target, arguments) {
        ("bool" | "bytes" | "double" | "duration" | "int" | "string" | "timestamp" | "uint", None, [only]) => {
            let Kind::Literal(constant) = &only.kind else { return Ok(()) };
            functions::convert_constant(function, constant).map_err(|why| CelError::Type(why.to_string()))
        }
        ("matches", ..) => arguments.iter().try_for_each(pattern),
        ("find" | "findAll", Some(_), [first, ..]) => pattern(first),
        ("format", Some(Node { kind: Kind::Literal(Constant::Str(template)), .. }), [only]) => match &only.kind {
            Kind::List(elements) => template_of(template, elements, types),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn pattern(node: &Node) -> Outcome {
    match &node.kind {
        Kind::Literal(Constant::Str(text)) => GoPattern::compile(text).map(|_| ()).map_err(CelError::Pattern),
        _ => Ok(()),
    }
}

/// The verbs of a template against the types of the values.
fn template_of(template: &str, elements: &[(bool, Node)], types: &Types) -> Outcome {
    let fail = |message: String| Err(CelError::Type(message));
    let mut rest = template;
    let mut used = 0;
    while let Some((_, after)) = rest.split_once('%') {
        if let Some(after) = after.strip_prefix('%') {
            rest = after;
            continue;
        }
        if after.is_empty() {
            return fail("the template of format() ends with %".to_owned());
        }
        let Some((_, element)) = elements.get(used) else {
            return fail(format!("format() has more verbs than its {} values", elements.len()));
        };
        used += 1;
        let digits = after.strip_prefix('.').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        // Without digits, or with more than a number has.
        let is_none = |(before, after): (&str, &str)| before[..before.len() - after.len()].parse::<i64>().is_err();
        let is_bare = after.strip_prefix('.').zip(digits).is_some_and(is_none);
        let verb_at = digits.unwrap_or(after);
        let Some(verb) = verb_at.chars().next().filter(|_| !is_bare) else {
            return fail("a precision in the template of format() is no number".to_owned());
        };
        if !takes(verb, element, types)? {
            return fail(format!("%{verb} of format() does not take a {}", type_of(element, types)));
        }
        rest = &verb_at[verb.len_utf8()..];
    }
    if used < elements.len() {
        return fail(format!("format() has {used} verbs for {} values", elements.len()));
    }
    Ok(())
}

fn takes(verb: char, node: &Node, types: &Types) -> Result<bool, CelError> {
    let ty = type_of(node, types);
    let is_whole = matches!(ty, Type::Int | Type::UInt);
    Ok(matches!(ty, Type::Dyn)
        || match verb {
            's' => return text_takes(node, types),
            'd' | 'o' => is_whole,
            'f' | 'e' => matches!(ty, Type::Double | Type::Text),
            'b' => is_whole || matches!(ty, Type::Bool),
            'x' | 'X' => is_whole || matches!(ty, Type::Text | Type::Bytes),
            verb => return Err(CelError::Type(format!("format() has no verb %{verb}"))),
        })
}

fn text_takes(node: &Node, types: &Types) -> Result<bool, CelError> {
    let is_plain =
        !matches!(type_of(node, types), Type::Object(_) | Type::Library(_) | Type::Optional(_) | Type::Error);
    let mut parts: Vec<&Node> = Vec::new();
    match &node.kind {
        Kind::List(elements) => parts.extend(elements.iter().map(|(_, element)| element)),
        Kind::Map(entries) => parts.extend(entries.iter().flat_map(|(_, key, value)| [key, value])),
        _ => {}
    }
    parts.into_iter().try_fold(is_plain, |fits, part| Ok(fits && text_takes(part, types)?))
}
