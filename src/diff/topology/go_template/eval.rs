//! Runs a template.

use serde_json::Value as Json;

use super::Failure;
use super::functions;
use super::parse::{Node, Operand, Pipeline};

/// Renders nodes with `data` as the dot.
pub fn run(nodes: &[Node], data: &Json) -> Result<String, Failure> {
    let mut run = Run { root: data, variables: Vec::new(), out: String::new() };
    run.nodes(nodes, data)?;
    Ok(run.out)
}

struct Run<'d> {
    root: &'d Json,
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
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.out.push_str(&functions::print(&value));
                }
            }
            Node::If(branches, rest) => {
                for (condition, body) in branches {
                    let value = self.pipeline(condition, dot)?;
                    if functions::is_true(&value) {
                        return self.nodes(body, dot);
                    }
                }
                self.nodes(rest, dot)?;
            }
            Node::With(pipeline, body, rest) => {
                let value = self.pipeline(pipeline, dot)?;
                if functions::is_true(&value) { self.nodes(body, &value)? } else { self.nodes(rest, dot)? }
            }
            Node::Range(pipeline, body, rest) => self.range(pipeline, body, rest, dot)?,
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
            other => return Err(Failure::Refused(format!("range over {}", functions::print(&other)))),
        };
        if items.is_empty() {
            return self.nodes(rest, dot);
        }
        for (key, item) in items {
            match &pipeline.variables[..] {
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
        if let [name] = &pipeline.variables[..] {
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
                let decided =
                    name == "and" && !functions::is_true(&value) || name == "or" && functions::is_true(&value);
                if decided {
                    return Ok(value);
                }
                arguments.push(value);
            }
            arguments.extend(piped);
            return functions::call(name, &arguments);
        }
        if !rest.is_empty() || piped.is_some() {
            return Err(Failure::Refused("a value is called like a function".into()));
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &Operand, dot: &Json) -> Result<Json, Failure> {
        match operand {
            Operand::Function(name) => functions::call(name, &[]),
            Operand::Field(keys) => below(dot, keys),
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Variable(name, keys) if name.is_empty() => below(self.root, keys),
            Operand::Variable(name, keys) => {
                let value = self.variables.iter().rev().find(|(known, _)| known == name);
                match value {
                    Some((_, value)) => below(value, keys),
                    None => Err(Failure::Refused(format!("the variable ${name} is not defined"))),
                }
            }
            Operand::Nested(pipeline, keys) => {
                let value = self.pipeline(pipeline, dot)?;
                below(&value, keys)
            }
        }
    }
}

/// A field of a field; Go refuses to look into nothing.
fn below(value: &Json, keys: &[String]) -> Result<Json, Failure> {
    let mut here = value;
    for (number, key) in keys.iter().enumerate() {
        match here {
            Json::Object(map) => here = map.get(key).unwrap_or(&Json::Null),
            Json::Null if number == 0 => return Ok(Json::Null),
            _ => return Err(Failure::Refused(format!("there is no {} to look into", keys[..number].join(".")))),
        }
    }
    Ok(here.clone())
}
