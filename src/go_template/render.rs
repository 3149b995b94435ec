//! Runs a template.
//!
//! What is not known here is said to be unknown, never guessed: a rare function, or a call of another template.

use serde_json::Value as Json;

use super::calls;
use super::{Failure, Missing, Node, Operand, Pipeline};

/// Renders nodes with `data` as the dot.
pub fn run(nodes: &[Node], data: &Json, missing: Missing) -> Result<String, Failure> {
    let mut run = Run { root: data, missing, variables: Vec::new(), out: String::new() };
    run.nodes(nodes, data)?;
    Ok(run.out)
}

struct Run<'d> {
    root: &'d Json,
    missing: Missing,
    variables: Vec<(String, Json)>,
    out: String,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Json) -> Result<(), Failure> {
        let known = self.variables.len();
        for node in nodes {
            self.node(node, dot)?;
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Json) -> Result<(), Failure> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Output(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.declares.is_empty() {
                    self.out.push_str(&calls::print(&value));
                }
            }
            Node::If { condition, then, otherwise } => {
                let value = self.pipeline(condition, dot)?;
                self.nodes(if calls::is_true(&value) { then } else { otherwise }, dot)?;
            }
            Node::With { value, then, otherwise } => {
                let value = self.pipeline(value, dot)?;
                if calls::is_true(&value) { self.nodes(then, &value)? } else { self.nodes(otherwise, dot)? }
            }
            Node::Range { value, then, otherwise } => self.range(value, then, otherwise, dot)?,
            Node::Other => return Err(Failure::Unknown("a call of another template".into())),
        }
        Ok(())
    }

    fn range(&mut self, pipeline: &Pipeline, body: &[Node], rest: &[Node], dot: &Json) -> Result<(), Failure> {
        let known = self.variables.len();
        let value = self.pipeline(pipeline, dot)?;
        self.variables.truncate(known);
        let items: Vec<(Json, Json)> = match value {
            Json::Array(list) => list.into_iter().enumerate().map(|(number, item)| (number.into(), item)).collect(),
            Json::Object(map) => {
                let mut entries: Vec<(String, Json)> = map.into_iter().collect();
                entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                entries.into_iter().map(|(key, item)| (key.into(), item)).collect()
            }
            Json::Null => Vec::new(),
            other => return Err(Failure::Refused(format!("range over {}", calls::print(&other)))),
        };
        if items.is_empty() {
            return self.nodes(rest, dot);
        }
        for (key, item) in items {
            match &pipeline.declares[..] {
                [one] => self.variables.push((one.clone(), item.clone())),
                [first, second] => {
                    self.variables.push((first.clone(), key));
                    self.variables.push((second.clone(), item.clone()));
                }
                _ => {}
            }
            self.nodes(body, &item)?;
            self.variables.truncate(known);
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Json) -> Result<Json, Failure> {
        let mut result: Option<Json> = None;
        for command in &pipeline.commands {
            result = Some(self.command(command, result, dot)?);
        }
        let value = result.unwrap_or_default();
        if let [name] = &pipeline.declares[..] {
            match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value.clone(),
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &[Operand], piped: Option<Json>, dot: &Json) -> Result<Json, Failure> {
        let Some((first, rest)) = command.split_first() else { return Ok(Json::Null) };
        if let Operand::Function(name) = first {
            // `and` and `or` look at their later arguments only where they need them.
            let mut arguments = Vec::with_capacity(rest.len() + 1);
            for operand in rest {
                let value = self.operand(operand, dot)?;
                let decided = name == "and" && !calls::is_true(&value) || name == "or" && calls::is_true(&value);
                if decided {
                    return Ok(value);
                }
                arguments.push(value);
            }
            arguments.extend(piped);
            return calls::call(name, &arguments);
        }
        if !rest.is_empty() || piped.is_some() {
            return Err(Failure::Refused("a value is called like a function".into()));
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &Operand, dot: &Json) -> Result<Json, Failure> {
        match operand {
            Operand::Function(name) => calls::call(name, &[]),
            Operand::Field(keys) => self.below(dot, keys),
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Variable(name, keys) if name.is_empty() => self.below(self.root, keys),
            Operand::Variable(name, keys) => {
                let value = self.variables.iter().rev().find(|(known, _)| known == name);
                match value {
                    Some((_, value)) => self.below(value, keys),
                    None => Err(Failure::Refused(format!("the variable ${name} is not defined"))),
                }
            }
            Operand::Group(pipeline, keys) => {
                let value = self.pipeline(pipeline, dot)?;
                self.below(&value, keys)
            }
        }
    }

    /// A field of a field; Go refuses to look into nothing.
    fn below(&self, value: &Json, keys: &[String]) -> Result<Json, Failure> {
        let mut here = value;
        for (number, key) in keys.iter().enumerate() {
            let found = here.as_object().map(|map| map.get(key));
            here = match (found, self.missing) {
                (Some(Some(value)), _) => value,
                (Some(None), Missing::IsNothing) => &Json::Null,
                (None, Missing::IsNothing) if here.is_null() && number == 0 => return Ok(Json::Null),
                _ => return Err(Failure::Refused(format!("there is nothing called .{}", keys.join(".")))),
            };
        }
        Ok(here.clone())
    }
}
