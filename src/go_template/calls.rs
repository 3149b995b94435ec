//! What the functions of Go's templates and of sprig give, those that classes and names use.

use std::fmt::Write;

use serde_json::Value as Json;

use super::Failure;

type Result<T> = std::result::Result<T, Failure>;

/// Whether Go takes a value for true: not the zero value of its type.
pub fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(truth) => *truth,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// As `%v` prints.
pub fn print(value: &Json) -> String {
    match value {
        Json::Null => "<no value>".into(),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.as_i64().map_or_else(
            || float(number.as_f64().unwrap_or(0.0)),
            |n| {
                // Numbers of variables are floating-point to Go: from a million on they have an exponent.
                if n.unsigned_abs() < 1_000_000 { n.to_string() } else { float(n as f64) }
            },
        ),
        Json::Array(list) => format!("[{}]", list.iter().map(print).collect::<Vec<_>>().join(" ")),
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            let parts: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key}:{}", print(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
        other @ Json::Bool(_) => other.to_string(),
    }
}

fn float(number: f64) -> String {
    let exponent = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    if (-4..6).contains(&exponent) || number == 0.0 {
        return number.to_string();
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn text(arguments: &[Json], at: usize) -> String {
    arguments.get(at).map_or_else(String::new, |value| if value.is_null() { String::new() } else { print(value) })
}

fn whole(arguments: &[Json], at: usize) -> i64 {
    match arguments.get(at) {
        Some(Json::Number(number)) => number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i64),
        Some(Json::String(text)) => text.parse().unwrap_or(0),
        Some(Json::Bool(truth)) => i64::from(*truth),
        _ => 0,
    }
}

fn list(arguments: &[Json], at: usize) -> Result<&[Json]> {
    match arguments.get(at) {
        Some(Json::Array(list)) => Ok(list),
        Some(Json::Null) | None => Ok(&[]),
        Some(_) => Err(Failure::Refused("a list is needed".into())),
    }
}

/// Calls a function; a piped value is the last argument.
pub fn call(name: &str, arguments: &[Json]) -> Result<Json> {
    let result = built_in(name, arguments)?;
    let result = match result {
        None => strings(name, arguments)?,
        some => some,
    };
    let result = match result {
        None => collections(name, arguments)?,
        some => some,
    };
    result.ok_or_else(|| Failure::Unknown(format!("the function {name}")))
}

fn built_in(name: &str, arguments: &[Json]) -> Result<Option<Json>> {
    let first = || arguments.first().cloned().unwrap_or_default();
    Ok(Some(match name {
        "and" | "or" => arguments.last().cloned().unwrap_or_default(),
        "not" => (!is_true(&first())).into(),
        "eq" => arguments.iter().skip(1).any(|other| same(&first(), other)).into(),
        "ne" => (!arguments.get(1).is_some_and(|other| same(&first(), other))).into(),
        "lt" | "le" | "gt" | "ge" => compare(name, arguments)?.into(),
        "len" => match first() {
            Json::String(text) => text.len().into(),
            Json::Array(list) => list.len().into(),
            Json::Object(map) => map.len().into(),
            _ => return Err(Failure::Refused("len of something without a length".into())),
        },
        "index" => arguments.iter().skip(1).try_fold(first(), |value, key| index(&value, key))?,
        "slice" => return slice(arguments).map(Some),
        "print" => arguments.iter().map(print).collect::<String>().into(),
        "printf" => printf(arguments)?.into(),
        _ => return Ok(None),
    }))
}

/// A part of a text, by bytes as Go counts; of lists nothing is known here.
fn slice(arguments: &[Json]) -> Result<Json> {
    let Some(Json::String(text)) = arguments.first() else { return Err(Failure::Unknown("slice of a list".into())) };
    let at = |number: usize, absent: usize| {
        arguments.get(number).map_or(Some(absent), |value| usize::try_from(value.as_u64()?).ok())
    };
    let part = at(1, 0).zip(at(2, text.len())).and_then(|(from, to)| text.get(from..to));
    part.map(Json::from).ok_or_else(|| Failure::Refused("a slice is out of range".into()))
}

fn index(value: &Json, key: &Json) -> Result<Json> {
    match (value, key) {
        (Json::Object(map), Json::String(key)) => Ok(map.get(key).cloned().unwrap_or_default()),
        (Json::Array(list), Json::Number(_)) => {
            let number = usize::try_from(whole(std::slice::from_ref(key), 0)).ok();
            let item = number.and_then(|number| list.get(number)).cloned();
            item.ok_or_else(|| Failure::Refused("an index is out of range".into()))
        }
        _ => Err(Failure::Refused("index into something that has none".into())),
    }
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn compare(name: &str, arguments: &[Json]) -> Result<bool> {
    let order = match (arguments.first(), arguments.get(1)) {
        (Some(Json::Number(a)), Some(Json::Number(b))) => a.as_f64().partial_cmp(&b.as_f64()),
        (Some(Json::String(a)), Some(Json::String(b))) => Some(a.cmp(b)),
        _ => None,
    };
    let Some(order) = order else { return Err(Failure::Refused(format!("{name} on values that have no order"))) };
    Ok(match name {
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn printf(arguments: &[Json]) -> Result<String> {
    let format = text(arguments, 0);
    let mut values = arguments.iter().skip(1);
    let mut out = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('%') => out.push('%'),
            Some('s' | 'v') => out.push_str(&values.next().map_or_else(String::new, print)),
            Some('q') => {
                let _ = write!(out, "{:?}", values.next().map_or_else(String::new, print));
            }
            Some('d') => out.push_str(&whole(&values.next().cloned().into_iter().collect::<Vec<_>>(), 0).to_string()),
            other => return Err(Failure::Unknown(format!("the verb %{}", other.unwrap_or(' ')))),
        }
    }
    if values.next().is_some() {
        return Err(Failure::Unknown("printf with a value too many".into()));
    }
    Ok(out)
}

fn strings(name: &str, arguments: &[Json]) -> Result<Option<Json>> {
    let last = arguments.len().saturating_sub(1);
    let subject = || text(arguments, last);
    let argument = |at: usize| text(arguments, at);
    Ok(Some(match name {
        "toString" => subject().into(),
        "quote" => format!("{:?}", subject()).into(),
        "squote" => format!("'{}'", subject()).into(),
        "upper" => subject().to_uppercase().into(),
        "lower" => subject().to_lowercase().into(),
        "trim" => subject().trim().into(),
        "trimAll" => subject().trim_matches(|c| argument(0).contains(c)).into(),
        "trimPrefix" => subject().strip_prefix(&argument(0)).map_or_else(&subject, str::to_owned).into(),
        "trimSuffix" => subject().strip_suffix(&argument(0)).map_or_else(&subject, str::to_owned).into(),
        "hasPrefix" => subject().starts_with(&argument(0)).into(),
        "hasSuffix" => subject().ends_with(&argument(0)).into(),
        "contains" => subject().contains(&argument(0)).into(),
        "replace" => subject().replace(&argument(0), &argument(1)).into(),
        "repeat" => subject().repeat(usize::try_from(whole(arguments, 0)).unwrap_or(0).min(10_000)).into(),
        "trunc" => {
            let length =
                usize::try_from(whole(arguments, 0)).map_err(|_| Failure::Unknown("trunc from the end".into()))?;
            subject().chars().take(length).collect::<String>().into()
        }
        "indent" | "nindent" => {
            let margin = " ".repeat(usize::try_from(whole(arguments, 0)).unwrap_or(0).min(1000));
            let body = format!("{margin}{}", subject().replace('\n', &format!("\n{margin}")));
            if name == "nindent" { format!("\n{body}").into() } else { body.into() }
        }
        "splitList" => subject().split(&argument(0)).map(Json::from).collect(),
        "toJson" => arguments.get(last).cloned().unwrap_or_default().to_string().into(),
        "atoi" | "int" | "int64" => whole(arguments, last).into(),
        "float64" => (whole(arguments, last) as f64).into(),
        "semverCompare" => semver(&argument(0), &argument(1))?.into(),
        "semver" => {
            let ((major, minor, patch), pre) =
                version(&subject()).ok_or_else(|| Failure::Refused("no version".into()))?;
            serde_json::json!({"Major": major, "Minor": minor, "Patch": patch, "Prerelease": pre})
        }
        "add" => {
            arguments.iter().enumerate().map(|(at, _)| whole(arguments, at)).fold(0_i64, i64::saturating_add).into()
        }
        "add1" => whole(arguments, 0).saturating_add(1).into(),
        "sub" => whole(arguments, 0).saturating_sub(whole(arguments, 1)).into(),
        "mul" => {
            arguments.iter().enumerate().map(|(at, _)| whole(arguments, at)).fold(1_i64, i64::saturating_mul).into()
        }
        "div" => whole(arguments, 0).checked_div(whole(arguments, 1)).unwrap_or(0).into(),
        "mod" => whole(arguments, 0).checked_rem(whole(arguments, 1)).unwrap_or(0).into(),
        _ => return Ok(None),
    }))
}

fn collections(name: &str, arguments: &[Json]) -> Result<Option<Json>> {
    let last = arguments.len().saturating_sub(1);
    let at = |number: usize| arguments.get(number).cloned().unwrap_or_default();
    Ok(Some(match name {
        "default" => {
            if is_true(&at(1)) {
                at(1)
            } else {
                at(0)
            }
        }
        "empty" => (!is_true(&at(0))).into(),
        "coalesce" => arguments.iter().find(|value| is_true(value)).cloned().unwrap_or_default(),
        "ternary" => {
            if is_true(&at(2)) {
                at(0)
            } else {
                at(1)
            }
        }
        "list" => arguments.to_vec().into(),
        "dict" => arguments
            .chunks(2)
            .map(|pair| (print(&pair[0]), pair.get(1).cloned().unwrap_or_default()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        "get" => at(0).get(text(arguments, 1)).cloned().unwrap_or_default(),
        "hasKey" => at(0).get(text(arguments, 1)).is_some().into(),
        "keys" => at(0).as_object().map(|map| map.keys().cloned().map(Json::from).collect()).unwrap_or_default(),
        "has" => list(arguments, 1)?.iter().any(|item| same(item, &at(0))).into(),
        "first" => list(arguments, 0)?.first().cloned().unwrap_or_default(),
        "last" => list(arguments, 0)?.last().cloned().unwrap_or_default(),
        "append" => list(arguments, 0)?.iter().cloned().chain([at(1)]).collect(),
        "concat" => arguments.iter().filter_map(Json::as_array).flatten().cloned().collect(),
        "join" => list(arguments, last)?.iter().map(print).collect::<Vec<_>>().join(&text(arguments, 0)).into(),
        "until" => (0..whole(arguments, 0).clamp(0, 10_000)).map(Json::from).collect(),
        "kindIs" => (text(arguments, 0) == kind(&at(1))).into(),
        "kindOf" => kind(&at(0)).into(),
        "fail" => return Err(Failure::Refused(text(arguments, 0))),
        _ => return Ok(None),
    }))
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "invalid",
        Json::Bool(_) => "bool",
        Json::Number(_) => "float64",
        Json::String(_) => "string",
        Json::Array(_) => "slice",
        Json::Object(_) => "map",
    }
}

type Number = (u64, u64, u64);

/// `v1.32.8-rc.1` as numbers and what stands behind the dash.
fn version(text: &str) -> Option<(Number, String)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
    let mut parts = numbers.split('.').map(|part| part.parse::<u64>().ok());
    let number = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then(|| (number, pre.to_owned()))
}

/// One comparison, or several that must all hold (`>= 1.30.0, < 1.32.0`).
fn semver(constraint: &str, text: &str) -> Result<bool> {
    let (ours, pre) = version(text).ok_or_else(|| Failure::Refused(format!("'{text}' is no version")))?;
    // A pre-release satisfies a constraint only where that has one too; precedence among them is not worked out.
    if !pre.is_empty() || constraint.contains("||") || constraint.contains('-') {
        return Err(Failure::Unknown(format!("the constraint {constraint}")));
    }
    for part in constraint.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let digits = part.find(|c: char| c.is_ascii_digit() || c == 'v').unwrap_or(part.len());
        let (operator, bound) = part.split_at(digits);
        let (theirs, _) = version(bound.trim()).ok_or_else(|| Failure::Unknown(format!("the constraint {part}")))?;
        let holds = match operator.trim() {
            "" | "=" => ours == theirs,
            "!=" => ours != theirs,
            ">" => ours > theirs,
            ">=" | "=>" => ours >= theirs,
            "<" => ours < theirs,
            "<=" | "=<" => ours <= theirs,
            "^" if theirs.0 > 0 => ours >= theirs && ours.0 == theirs.0,
            "~" => ours >= theirs && ours.0 == theirs.0 && ours.1 == theirs.1,
            other => return Err(Failure::Unknown(format!("the operator {other}"))),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}
