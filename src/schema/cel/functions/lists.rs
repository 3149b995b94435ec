//! Lists and sets: Kubernetes' list library, the extensions `lists` (version 3) and `sets`.

use std::cmp::Ordering;

use super::super::EvalError;
use super::super::data::{Data, ListKind};
use super::super::eval::{Outcome, no_overload};
use super::super::value::{Val, contains};
use super::{Arguments, Function, arithmetic};

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    if function == Function::Range {
        return Ok(Val::list((0..arguments.int(0)?).map(Val::Int).collect()));
    }
    let list = arguments.elements(0)?;
    Ok(match function {
        Function::IsSorted => {
            let orders: Outcome<Vec<bool>> = list
                .windows(2)
                .map(|pair| order(&pair[0], &pair[1]).map(|order| order != Some(Ordering::Greater)))
                .collect();
            Val::Bool(orders?.into_iter().all(|sorted| sorted))
        }
        Function::Sum => {
            let Some((first, rest)) = list.split_first() else { return Ok(Val::Int(0)) };
            rest.iter().try_fold(first.clone(), arithmetic::add)?
        }
        Function::Min | Function::Max => extreme(&list, function == Function::Max)?,
        Function::IndexOf => Val::Int(position(list.iter().enumerate(), arguments.get(1)?)?),
        Function::LastIndexOf => Val::Int(position(list.iter().enumerate().rev(), arguments.get(1)?)?),
        Function::Slice => {
            let (start, end) = (arguments.int(1)?, arguments.int(2)?);
            let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            let slice = range.and_then(|(start, end)| list.get(start..end));
            Val::list(slice.ok_or_else(|| EvalError::refused(format!("cannot slice({start}, {end})")))?.to_vec())
        }
        Function::Flatten => {
            let depth = if arguments.find(1).is_some() { arguments.int(1)? } else { 1 };
            if depth < 0 {
                return Err(EvalError::refused("level must be non-negative"));
            }
            let mut flat = Vec::new();
            flatten(&list, depth, &mut flat)?;
            Val::list(flat)
        }
        Function::Sort => sort_by_keys(list.iter().map(|element| (element.clone(), element.clone())).collect())?,
        Function::Reverse => Val::list(list.iter().rev().cloned().collect()),
        Function::Distinct => {
            let mut distinct = Vec::new();
            for element in list.iter() {
                if !contains(&distinct, element)? {
                    distinct.push(element.clone());
                }
            }
            Val::list(distinct)
        }
        Function::First => list.first().cloned().map_or(Val::Optional(None), Val::some),
        Function::Last => list.last().cloned().map_or(Val::Optional(None), Val::some),
        Function::SetContains | Function::SetEquivalent | Function::SetIntersects => {
            let other = arguments.elements(1)?;
            let all = |whole: &[Val<'v, D>], part: &[Val<'v, D>]| -> Outcome<bool> {
                part.iter().try_fold(true, |all, element| Ok(all && contains(whole, element)?))
            };
            Val::Bool(match function {
                Function::SetContains => all(&list, &other)?,
                Function::SetEquivalent => all(&list, &other)? && all(&other, &list)?,
                _ => {
                    other.iter().try_fold(false, |any, element| Ok::<_, EvalError>(any || contains(&list, element)?))?
                }
            })
        }
        _ => return Err(no_overload()),
    })
}

/// `a + b`. Lists that the schema declares sets or keyed lists are merged.
pub(crate) fn concatenate<'v, D: Data<'v>>(left: &Val<'v, D>, right: &Val<'v, D>) -> Outcome<Val<'v, D>> {
    let mut list = left.elements().ok_or_else(no_overload)??.into_owned();
    let added = right.elements().ok_or_else(no_overload)??;
    let kind = if let Val::DataList(data) = left { data.list_kind() } else { ListKind::Atomic };
    match kind {
        ListKind::Atomic => list.extend(added.iter().cloned()),
        ListKind::Set => {
            for element in added.iter() {
                if !contains(&list, element)? {
                    list.push(element.clone());
                }
            }
        }
        ListKind::Keyed => {
            let keys = if let Val::DataList(data) = left { data.list_keys() } else { Vec::new() };
            for element in added.iter() {
                let mut place = None;
                for (at, known) in list.iter().enumerate() {
                    if known.same_keys(element, &keys)? {
                        place = Some(at);
                    }
                }
                match place {
                    Some(at) => list[at] = element.clone(),
                    None => list.push(element.clone()),
                }
            }
        }
    }
    Ok(Val::list(list))
}

fn order<'v, D: Data<'v>>(a: &Val<'v, D>, b: &Val<'v, D>) -> Outcome<Option<Ordering>> {
    a.compare(b)
}

fn extreme<'v, D: Data<'v>>(list: &[Val<'v, D>], max: bool) -> Outcome<Val<'v, D>> {
    let wanted = if max { Ordering::Less } else { Ordering::Greater };
    let Some((first, rest)) = list.split_first() else {
        return Err(EvalError::refused(if max { "max called on empty list" } else { "min called on empty list" }));
    };
    let mut best = first;
    for element in rest {
        if order(best, element)? == Some(wanted) {
            best = element;
        }
    }
    Ok(best.clone())
}

fn position<'e, 'v: 'e, D: Data<'v> + 'e>(
    mut elements: impl Iterator<Item = (usize, &'e Val<'v, D>)>,
    wanted: &Val<'v, D>,
) -> Outcome<i64> {
    elements
        .find_map(|(at, element)| match element.equals(wanted) {
            Ok(false) => None,
            Ok(true) => Some(Ok(at as i64)),
            Err(error) => Some(Err(error)),
        })
        .unwrap_or(Ok(-1))
}

fn flatten<'v, D: Data<'v>>(list: &[Val<'v, D>], depth: i64, out: &mut Vec<Val<'v, D>>) -> Outcome<()> {
    for element in list {
        match element.elements().filter(|_| depth > 0) {
            Some(inner) => flatten(&inner?, depth - 1, out)?,
            None => out.push(element.clone()),
        }
    }
    Ok(())
}

/// The second of each pair, in the order of the first.
pub(crate) fn sort_by_keys<'v, D: Data<'v>>(mut pairs: Vec<(Val<'v, D>, Val<'v, D>)>) -> Outcome<Val<'v, D>> {
    if let Some((first, _)) = pairs.first() {
        let type_name = first.type_name();
        if pairs.iter().any(|(key, _)| key.type_name() != type_name) {
            return Err(EvalError::refused("list elements must have the same type"));
        }
        order(first, first)?;
    }
    pairs.sort_by(|(a, _), (b, _)| a.compare(b).ok().flatten().unwrap_or(Ordering::Equal));
    Ok(Val::list(pairs.into_iter().map(|(_, value)| value).collect()))
}
