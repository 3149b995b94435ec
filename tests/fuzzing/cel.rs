//! Any expression is read, checked and evaluated in bounded time; where `FUZZ_GO` is set, with the verdict and at the cost of the
//! API server's own libraries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use capi_lint::schema::cel::check::declared::Declared;
use capi_lint::schema::cel::check::{Checker, OldSelf};
use capi_lint::schema::cel::{CelError, EvalError, Old, Program};
use capi_lint::schema::declare;
use capi_lint::schema::facts::{Facts, KindFacts};
use capi_lint::schema::pack::{ReleaseFacts, pack};
use capi_lint::schema::table::Table;
use serde_json::{Value as Json, json};

use super::engine::{Shape, Target};
use super::typed::Typed;
use super::{go, seeds};

pub struct Cel {
    object: Json,
    schema: Json,
    declared: Rc<Declared>,
    checker: Checker,
    rules: Vec<Vec<u8>>,
    oracle: Option<PathBuf>,
}

/// The server's verdict on a rule.
#[derive(Debug)]
struct Verdict {
    /// The most that it can cost; `None` where it does not compile.
    most: Option<u64>,
    /// What an evaluation gives, and what that costs.
    result: &'static str,
    cost: u64,
}

fn fixture(name: &str) -> Json {
    let path = seeds::repository("fixtures/cel").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("the fixture")).expect("JSON")
}

impl Cel {
    pub fn new() -> Self {
        let mut fixture_of = fixture("expressions.json");
        let schema = fixture_of["schema"].take();
        let facts = Facts::from_json(&schema).expect("a schema");
        let kind = KindFacts { kind: "Value".into(), schema: facts, ..KindFacts::default() };
        let table = Table::open(pack(&[(ReleaseFacts::default(), vec![kind])]).leak()).expect("a table");
        let declared = declare::declared(table.kinds().next().expect("a kind").schema(), false).expect("a declaration");
        let checks = fixture("checks.json");
        let sets = checks.as_array().expect("sets").iter().map(|set| &set["cases"]);
        let cases = sets.chain([&fixture_of["cases"]]).flat_map(|cases| cases.as_array().expect("cases").clone());
        let rules = cases.filter_map(|case| Some(case[0].as_str()?.as_bytes().to_vec())).collect();
        let wanted = std::env::var_os("FUZZ_GO").is_some();
        let oracle = if wanted { go::build("verdict", "./cel", "cel-oracle") } else { None };
        Self { object: fixture_of["object"].take(), schema, declared, checker: Checker::new(), rules, oracle }
    }

    /// What the server says of rules.
    fn ask(&self, oracle: &Path, rules: &[&str]) -> Vec<Verdict> {
        let request = |op: &str, rule: &str| {
            json!({"op": op, "schema": self.schema, "object": self.object, "rule": rule}).to_string() + "\n"
        };
        let input: String = rules.iter().map(|rule| request("check", rule) + &request("run", rule)).collect();
        let answers = go::lines(oracle, &input);
        let answers: Vec<Json> = answers.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(answers.len(), 2 * rules.len(), "the oracle answers each question");
        let verdict = |pair: &[Json]| {
            let said = pair[1]["out"].as_str().unwrap_or_default();
            let result = match said {
                "true" => "true",
                _ if said.contains("failed rule:") => "false",
                _ if said.contains("cost") => "too costly",
                _ => "error",
            };
            let most = if pair[0]["err"] == "" { pair[0]["cost"].as_u64() } else { None };
            Verdict { most, result, cost: pair[1]["cost"].as_u64().unwrap_or_default() }
        };
        answers.chunks(2).map(verdict).collect()
    }

    /// Where the server's verdict is another one than ours; what we say that we do not check is none.
    fn disagreement(&self, rule: &str, server: &Verdict) -> Option<String> {
        let checked = match self.checker.rule(rule, &self.declared, OldSelf::Value) {
            Err(CelError::NotSupported(_)) => return None,
            checked => checked,
        };
        let ours = checked.as_ref().ok().map(|checked| checked.max_cost);
        match (ours, server.most) {
            (None, None) => return None,
            (Some(_), None) => return Some("the server does not compile what passes here".into()),
            (None, Some(_)) => return Some(format!("the server compiles it; here: {}", checked.unwrap_err())),
            (Some(ours), Some(most)) if ours != most => return Some(format!("the server reckons {most}, we {ours}")),
            _ => {}
        }
        let program = Program::compile(rule).ok()?;
        if program.uses_old_self() {
            return None;
        }
        let run = program.run(Typed { value: &self.object, schema: &self.schema }, Old::Value(None));
        let result = match &run.result {
            Ok(true) => "true",
            Ok(false) => "false",
            Err(EvalError::Refused(_)) => "error",
            Err(EvalError::TooCostly) => "too costly",
            Err(EvalError::NotChecked(_)) => return None,
        };
        if result != server.result {
            return Some(format!("the server says {}, we {result}: {:?}", server.result, run.result));
        }
        // The order in which Go goes through a map, and what a side that failed has cost, make the server's own count vary a little.
        let told = matches!(result, "true" | "false") && run.cost.abs_diff(server.cost) > 10 + server.cost / 2;
        let names: BTreeSet<&str> = rule.split(|c: char| !c.is_ascii_alphabetic()).collect();
        told.then(|| format!("it costs {} on the server, {} here: {names:?}", server.cost, run.cost))
    }
}

impl Target for Cel {
    fn name(&self) -> &'static str {
        "cel"
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut all = self.rules.clone();
        all.extend(seeds::files(&seeds::repository("fixtures/fuzz/cel"), &["txt"], 10_000));
        all
    }

    #[allow(clippy::too_many_lines, reason = "it is one list")]
    fn words(&self) -> &'static [&'static str] {
        &[
            "self",
            "oldSelf",
            ".",
            "[",
            "]",
            "(",
            ")",
            "{",
            "}",
            ",",
            "?",
            ":",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "<",
            "<=",
            "==",
            "!=",
            "&&",
            "||",
            " in ",
            "has(self.name)",
            ".all(x, ",
            ".exists(x, ",
            ".exists_one(x, ",
            ".map(x, ",
            ".filter(x, ",
            ".size()",
            "size(",
            "'",
            "\"",
            "'''",
            "r'",
            "b'a'",
            "\\",
            "\\u00e9",
            "0",
            "1",
            "-9223372036854775808",
            "9223372036854775807",
            "1u",
            "1.5",
            "1e308",
            "0x7f",
            "null",
            "true",
            "false",
            "[1, 2]",
            "{'a': 1}",
            "self.list",
            "self.numbers",
            "self.count",
            "self.text",
            "self.port",
            "self.period",
            "self.when",
            "self.day",
            "self.raw",
            "self.ratio",
            "duration('1h')",
            "timestamp('2020-01-01T00:00:00Z')",
            ".matches('a+')",
            ".replace('a', 'b')",
            ".split(',')",
            ".substring(1)",
            ".indexOf('a')",
            ".join('-')",
            ".lowerAscii()",
            ".find('[a-z]+')",
            ".findAll('.', 2)",
            "quantity('1Mi')",
            "url('https://a/b')",
            "ip('1.2.3.4')",
            "cidr('10.0.0.0/8')",
            "string(",
            "int(",
            "double(",
            "dyn(",
            "type(",
            "bytes(",
            ".?name",
            "[?0]",
            "optional.of(1)",
            ".orValue(1)",
            ".hasValue()",
            "sets.contains(",
            ".sum()",
            ".min()",
            ".isSorted()",
            ".format([1])",
            "'%d'",
            "cel.bind(x, 1, ",
            "math.greatest(1, 2)",
            "semver('1.2.3')",
            ".reverse()",
            "//x\n",
            "__name__",
            "self.all(a, b, ",
            "transformList(",
            "format.dns1123Label()",
            ".validate(",
            "in",
            "as",
            "\u{e9}",
            "\0",
            "self.set",
            "self.map",
        ]
    }

    fn check_batch(&mut self, inputs: &[Vec<u8>]) -> Vec<(usize, String)> {
        let Some(oracle) = self.oracle.clone() else { return Vec::new() };
        // The server's rules are JSON strings without NUL; what does not even parse here is asked about now and then.
        let asked: Vec<(usize, &str)> = inputs
            .iter()
            .enumerate()
            .filter_map(|(number, input)| Some((number, std::str::from_utf8(input).ok()?)))
            .filter(|(number, rule)| !rule.trim().is_empty() && (number % 4 == 0 || Program::compile(rule).is_ok()))
            .collect();
        let rules: Vec<&str> = asked.iter().map(|(_, rule)| *rule).collect();
        let verdicts = self.ask(&oracle, &rules);
        let wrong = asked.iter().zip(&verdicts);
        wrong.filter_map(|((number, rule), server)| Some((*number, self.disagreement(rule, server)?))).collect()
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        let checked = self.checker.expression(text, &self.declared, OldSelf::Value);
        let _ = self.checker.rule(text, &self.declared, OldSelf::Optional);
        let _ = self.checker.message(text, &self.declared, OldSelf::Value);
        let program = Program::compile(text);
        let self_ = Typed { value: &self.object, schema: &self.schema };
        let run = program.as_ref().ok().map(|program| program.run(self_, Old::Value(Some(self_))));
        if let (Ok(checked), None) = (&checked, &run) {
            let yields = &checked.yields;
            return Err(format!("it passes the checks and does not compile: {yields:?} {:?}", program.err()));
        }
        let said = |text: &str| text.chars().filter(char::is_ascii_alphabetic).take(24).collect::<String>();
        let result = run.map(|run| match run.result {
            Ok(truth) => format!("{truth}"),
            Err(EvalError::Refused(text)) => said(&text),
            Err(error) => said(&error.to_string()),
        });
        let checked = checked.map(|checked| checked.yields.to_string()).map_err(|error| said(&error.to_string()));
        Ok(Shape::of((checked, result)))
    }
}
