//! Any expression is read, checked and evaluated in bounded time, and costs no more than the estimate says.

use std::rc::Rc;

use capi_lint::schema::cel::check::declared::Declared;
use capi_lint::schema::cel::check::{Checker, OldSelf};
use capi_lint::schema::cel::{EvalError, Old, Program};
use capi_lint::schema::declare;
use capi_lint::schema::facts::{Facts, KindFacts};
use capi_lint::schema::pack::{ReleaseFacts, pack};
use capi_lint::schema::table::Table;
use serde_json::Value as Json;

use super::engine::{Shape, Target};
use super::seeds;
use super::typed::Typed;

pub struct Cel {
    object: Json,
    schema: Json,
    declared: Rc<Declared>,
    checker: Checker,
    rules: Vec<Vec<u8>>,
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
        Self { object: fixture_of["object"].take(), schema, declared, checker: Checker::new(), rules }
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

    fn words(&self) -> &'static [&'static str] {
        &[
            "self", "oldSelf", ".", "[", "]", "(", ")", "{", "}", ",", "?", ":", "!", "-", "+", "*", "/", "%", "<", "<=", "==", "!=", "&&", "||", " in ",
            "has(self.name)", ".all(x, ", ".exists(x, ", ".exists_one(x, ", ".map(x, ", ".filter(x, ", ".size()", "size(", "'", "\"", "'''", "r'", "b'a'",
            "\\", "\\u00e9", "0", "1", "-9223372036854775808", "9223372036854775807", "1u", "1.5", "1e308", "0x7f", "null", "true", "false", "[1, 2]", "{'a': 1}",
            "self.list", "self.numbers", "self.count", "self.text", "self.port", "self.period", "self.when", "self.day", "self.raw", "self.ratio",
            "duration('1h')", "timestamp('2020-01-01T00:00:00Z')", ".matches('a+')", ".replace('a', 'b')", ".split(',')", ".substring(1)", ".indexOf('a')",
            ".join('-')", ".lowerAscii()", ".find('[a-z]+')", ".findAll('.', 2)", "quantity('1Mi')", "url('https://a/b')", "ip('1.2.3.4')", "cidr('10.0.0.0/8')",
            "string(", "int(", "double(", "dyn(", "type(", "bytes(", ".?name", "[?0]", "optional.of(1)", ".orValue(1)", ".hasValue()", "sets.contains(",
            ".sum()", ".min()", ".isSorted()", ".format([1])", "'%d'", "cel.bind(x, 1, ", "math.greatest(1, 2)", "semver('1.2.3')", ".reverse()", "//x\n",
            "__name__", "self.all(a, b, ", "transformList(", "format.dns1123Label()", ".validate(", "in", "as", "\u{e9}", "\0", "self.set", "self.map",
        ]
    }

    fn check(&mut self, input: &[u8]) -> Result<Shape, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Shape(0)) };
        let checked = self.checker.expression(text, &self.declared, OldSelf::Value);
        let _ = self.checker.rule(text, &self.declared, OldSelf::Optional);
        let _ = self.checker.message(text, &self.declared, OldSelf::Value);
        let program = Program::compile(text);
        let self_ = Typed { value: &self.object, schema: &self.schema };
        let run = program.as_ref().ok().map(|program| program.run(self_, Old::Value(Some(self_))));
        match (&checked, &run) {
            (Ok(checked), None) => return Err(format!("it passes the checks and does not compile: {:?} {:?}", checked.yields, program.err())),
            (Ok(checked), Some(run)) if run.cost > checked.max_cost => {
                return Err(format!("it costs {} where at most {} were reckoned: {:?}", run.cost, checked.max_cost, run.result));
            }
            _ => {}
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
