//! JSON patches that went well together on a mapping of arguments, and no longer do on a list.
//!
//! In v1beta1 a patch names an argument, and a later one of the same name wins. In v1beta2 it appends to a list or counts its
//! items: two of one name stand there twice, and what one patch takes out moves what another counts. Which patches apply
//! is decided when a cluster is made, so whatever may meet counts as meeting.

use super::change::Step;
use super::tree::{Data, Tree};

/// What a patch does to a list of arguments, or to something that holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Appends an argument of this name to the list at the path.
    Append(Vec<Step>, String),
    /// Changes an item of the list at the path, by its number.
    Count(Vec<Step>),
    /// Takes an item out of the list at the path.
    Take(Vec<Step>),
    /// Writes or removes all that stands at a path; what the operation says, as text.
    Whole(Vec<Step>, String),
}

/// The machines for which a patch is meant: classes of workers by their names; `None` where it says nothing of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope(Option<Vec<String>>);

impl Scope {
    /// Of the selector of a definition.
    pub fn of(selector: &Tree<'_>) -> Self {
        let names = |list: &str| match selector.at(["matchResources", list, "names"].into_iter()).map(|tree| &tree.data)
        {
            Some(Data::Seq(items)) => {
                items.iter().filter_map(|item| Some(format!("{list} {}", item.value.text()?))).collect::<Vec<_>>()
            }
            _ => Vec::new(),
        };
        let all = [names("machineDeploymentClass"), names("machinePoolClass")].concat();
        Self(Some(all).filter(|all| !all.is_empty() && !all.iter().any(|name| name.contains('*'))))
    }

    fn meets(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(others)) => own.iter().any(|name| others.contains(name)),
            _ => true,
        }
    }
}

/// An act, where it stands and for whom.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    /// Where the operation stands in the document.
    pub offset: usize,
    pub scope: Scope,
    pub act: Act,
}

/// The first operation that does not go with another any more, and why.
pub(super) fn find(deeds: &[Deed]) -> Option<(usize, String)> {
    deeds.iter().enumerate().find_map(|(number, deed)| {
        deeds[..number].iter().filter(|other| other.scope.meets(&deed.scope)).find_map(|other| {
            let why = clash(&deed.act, &other.act).or_else(|| clash(&other.act, &deed.act))?;
            Some((deed.offset, why))
        })
    })
}

fn clash(one: &Act, other: &Act) -> Option<String> {
    match (one, other) {
        (Act::Append(a, name), Act::Append(b, other)) if a == b && name == other => {
            Some(format!("another patch sets the argument {name} too, and a list would then have two. Make one patch of them"))
        }
        (Act::Take(a), Act::Take(b) | Act::Count(b)) if a == b => {
            Some("another patch counts the items of the list from which this one takes one. Leave the argument out of the template instead".into())
        }
        (Act::Whole(a, _), Act::Take(b) | Act::Count(b)) if b.starts_with(a) => {
            Some("another patch writes the whole list, of which this one counts the items. Make one patch of them".into())
        }
        (Act::Whole(a, text), Act::Append(b, name)) if b.starts_with(a) && text.contains(name.as_str()) => {
            Some(format!("another patch may write the argument {name} too, and a list would then have two. Make one patch of them"))
        }
        _ => None,
    }
}
