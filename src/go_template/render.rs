//! Rendering what naming templates use: fields, variables, conditions, and a few functions.

use serde_json::Value as Json;

use super::{Node, Operand, Pipeline, TemplateError};

/// A value, or `None` where this renderer cannot tell it.
type Eval = Result<Option<Json>, TemplateError>;

struct Scope<'d> {
    root: &'d Json,
    variables: Vec<(String, Json)>,
}

/// Renders nodes with data.
pub fn render(nodes: &[Node], data: &Json) -> Result<Option<String>, TemplateError> {
    let mut text = String::new();
    let mut scope = Scope { root: data, variables: Vec::new() };
    Ok(scope.nodes(nodes, data, &mut text)?.then_some(text))
}

impl Scope<'_> {
    /// Renders nodes; gives whether all of them are known.
    fn nodes(&mut self, nodes: &[Node], dot: &Json, text: &mut String) -> Result<bool, TemplateError> {
        let mut is_known = true;
        for node in nodes {
            is_known &= match node {
                Node::Text(plain) => {
                    text.push_str(plain);
                    true
                }
                Node::Output(pipeline) => match self.pipeline(pipeline, dot)? {
                    Some(value) => {
                        if pipeline.declares.is_none() {
                            text.push_str(&plain(&value));
                        }
                        true
                    }
                    None => false,
                },
                Node::If { condition, then, otherwise } => match self.pipeline(condition, dot)? {
                    Some(value) => self.nodes(if is_true(&value) { then } else { otherwise }, dot, text)?,
                    None => false,
                },
                Node::With { value, then, otherwise } => match self.pipeline(value, dot)? {
                    Some(value) if is_true(&value) => self.nodes(then, &value, text)?,
                    Some(_) => self.nodes(otherwise, dot, text)?,
                    None => false,
                },
                Node::Other => false,
            };
            if !is_known {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Json) -> Eval {
        let mut last: Option<Json> = None;
        for command in &pipeline.commands {
            let Some(value) = self.command(command, last.take(), dot)? else { return Ok(None) };
            last = Some(value);
        }
        if let (Some(name), Some(value)) = (&pipeline.declares, &last) {
            self.variables.push((name.clone(), value.clone()));
        }
        Ok(last)
    }

    fn command(&mut self, words: &[Operand], last: Option<Json>, dot: &Json) -> Eval {
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        let Operand::Function(name) = first else {
            if !rest.is_empty() || last.is_some() {
                return Err(TemplateError("a value that is no function is given arguments".into()));
            }
            return self.operand(first, dot);
        };
        let mut arguments = Vec::new();
        for word in rest {
            let Some(value) = self.operand(word, dot)? else { return Ok(None) };
            arguments.push(value);
        }
        arguments.extend(last);
        Ok(call(name, &arguments))
    }

    fn operand(&mut self, operand: &Operand, dot: &Json) -> Eval {
        match operand {
            Operand::Literal(value) => Ok(Some(value.clone())),
            Operand::Field(names) => chain(dot, names).map(Some),
            Operand::Variable(name, names) if name.is_empty() => chain(self.root, names).map(Some),
            Operand::Variable(name, names) => match self.variables.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => chain(value, names).map(Some),
                None => Ok(None),
            },
            Operand::Group(pipeline, names) => match self.pipeline(pipeline, dot)? {
                Some(value) => chain(&value, names).map(Some),
                None => Ok(None),
            },
            Operand::Function(name) => Ok(call(name, &[])),
        }
    }
}

fn chain(value: &Json, names: &[String]) -> Result<Json, TemplateError> {
    let mut value = value;
    for name in names {
        value = value
            .as_object()
            .and_then(|map| map.get(name))
            .ok_or_else(|| TemplateError(format!("there is nothing called .{}", names.join("."))))?;
    }
    Ok(value.clone())
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(truth) => *truth,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "<no value>".to_owned(),
        Json::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

fn call(name: &str, arguments: &[Json]) -> Option<Json> {
    let first = arguments.first()?;
    Some(match name {
        "and" => arguments.iter().find(|value| !is_true(value)).or(arguments.last())?.clone(),
        "or" => arguments.iter().find(|value| is_true(value)).or(arguments.last())?.clone(),
        "not" => Json::Bool(!is_true(first)),
        "eq" => Json::Bool(arguments[1..].iter().any(|other| other == first)),
        "ne" => Json::Bool(arguments.get(1)? != first),
        "len" => match first {
            Json::String(text) => text.len().into(),
            Json::Object(map) => map.len().into(),
            Json::Array(items) => items.len().into(),
            _ => return None,
        },
        "print" => Json::String(arguments.iter().map(plain).collect()),
        "printf" => Json::String(printf(first.as_str()?, &arguments[1..])?),
        "slice" => {
            let text = first.as_str()?;
            let index = |at: usize, absent: usize| {
                arguments
                    .get(at)
                    .map_or(Some(absent), |value| value.as_u64().and_then(|index| usize::try_from(index).ok()))
            };
            Json::String(text.get(index(1, 0)?..index(2, text.len())?)?.to_owned())
        }
        "lower" => Json::String(first.as_str()?.to_lowercase()),
        "upper" => Json::String(first.as_str()?.to_uppercase()),
        _ => return None,
    })
}

fn printf(format: &str, arguments: &[Json]) -> Option<String> {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next()? {
                '%' => text.push('%'),
                's' | 'v' | 'd' => text.push_str(&plain(arguments.next()?)),
                _ => return None,
            },
            _ => text.push(c),
        }
    }
    arguments.next().is_none().then_some(text)
}
