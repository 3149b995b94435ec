//! A tree as text: what did not change is copied from the source, byte for byte and with its comments; what moved is
//! indented for its new place.

use serde_json::Value as Json;

use super::flow;
use super::layout::{Chunk, Layout, is_block, line_start};
use super::tree::{Data, Entry, Item, Tree};
use crate::yaml::Value;

/// Writes a document. `text` is the source, ending with a line break.
pub(super) struct Renderer<'t> {
    pub text: &'t str,
    pub layout: &'t Layout,
    pub out: String,
    /// The document contains something that cannot be rewritten without losing a comment.
    pub unable: bool,
}

impl<'t> Renderer<'t> {
    /// The text of a tree; `None` where it cannot be written without losing something.
    pub fn render(tree: &Tree<'_>, text: &'t str, layout: &'t Layout) -> Option<String> {
        let mut renderer = Self { text, layout, out: String::with_capacity(text.len() + 256), unable: false };
        let root = tree.origin?;
        if is_block(root) {
            renderer.children(tree, layout.column_inside(root).unwrap_or(0));
        } else {
            let range = root.span().range();
            renderer.out.push_str(text.get(..range.start)?);
            let start = line_start(text, range.start);
            renderer.flow(tree, 0, start);
            renderer.out.push_str(text.get(range.end..)?);
        }
        (!renderer.unable).then_some(renderer.out)
    }

    fn children(&mut self, tree: &Tree<'_>, column: usize) {
        match &tree.data {
            Data::Map(entries) => entries.iter().for_each(|entry| self.entry(entry, column)),
            Data::Seq(items) => items.iter().for_each(|item| self.item(item, column)),
            Data::Scalar(_) => {}
        }
        if let Some(origin) = tree.origin {
            let tail = self.layout.tail(origin);
            let was = self.layout.column_inside(origin).unwrap_or(column);
            self.lines(tail, was, column);
        }
    }

    fn chunk(&self, value: Option<Value<'_>>) -> Option<&'t Chunk> {
        self.layout.chunk(value?)
    }

    fn entry(&mut self, entry: &Entry<'_>, column: usize) {
        let key = self.chunk(entry.key_from);
        if entry.merged {
            return;
        }
        self.lead(entry.lead, column);
        if entry.gone {
            self.remarks(&entry.value, column);
            return;
        }
        self.indent(column);
        let raw_key = key.and_then(|chunk| self.text.get(chunk.key.clone()));
        self.out.push_str(raw_key.unwrap_or(&entry.key));
        self.value(&entry.value, column);
        if let Some(comment) = entry.remark.and_then(|value| self.comment(value)) {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.newline();
        if is_open(&entry.value) {
            let inside = self.inside(&entry.value, column).unwrap_or(column + self.layout.step);
            self.children(&entry.value, inside);
        } else if matches!(&entry.value.data, Data::Map(entries) if !entries.is_empty() && entries.iter().all(|entry| entry.gone))
        {
            // Written as {}; what comments were inside stand below.
            self.remarks_inside(&entry.value, column + self.layout.step);
        }
    }

    /// The column for what is inside a collection that now stands at `column`.
    fn inside(&self, tree: &Tree<'_>, column: usize) -> Option<usize> {
        let origin = tree.origin.filter(|origin| is_block(*origin))?;
        let chunk = self.layout.chunk(origin)?;
        Some((column + self.layout.column_inside(origin)?).saturating_sub(chunk.column))
    }

    /// What follows a key on its line: colon, and value or comment; without the line break.
    fn value(&mut self, tree: &Tree<'_>, column: usize) {
        let chunk = self.chunk(tree.origin);
        let Some((chunk, origin)) = chunk.zip(tree.origin) else {
            self.out.push(':');
            if !is_open(tree) {
                self.out.push(' ');
                self.flow(tree, column, 0);
            }
            return;
        };
        let is_item = self.text.get(chunk.key.clone()) == Some("-") && origin.key().is_none();
        if is_item {
            self.out.push(':');
        }
        let end = chunk.end;
        if is_open(tree) {
            if is_block(origin) && chunk.inline.is_none() {
                self.copy(chunk.key.end, end, chunk.column, column);
            } else if !is_item {
                self.out.push(':');
            }
        } else if is_unchanged(tree) {
            self.copy(chunk.key.end, end, chunk.column, column);
        } else {
            self.changed(tree, origin, chunk, column);
        }
    }

    /// A value written anew at the place of an old one.
    fn changed(&mut self, tree: &Tree<'_>, origin: Value<'_>, chunk: &Chunk, column: usize) {
        if origin.key().is_some() && self.literal(tree, origin, column) {
            return;
        }
        let span = origin.span().range();
        let inside =
            chunk.key.end <= span.start && span.end <= chunk.end + 1 && !origin.is_aliased() && !span.is_empty();
        if !inside || is_block(origin) {
            self.out.push_str(if origin.key().is_some() { ": " } else { " " });
            self.flow(tree, column, line_start(self.text, chunk.key.start));
            if let Some(comment) = self.comment(origin) {
                self.out.push(' ');
                self.out.push_str(comment);
            }
            return;
        }
        self.copy(chunk.key.end, span.start, chunk.column, column);
        self.flow(tree, column, line_start(self.text, span.start));
        self.copy(span.end.min(chunk.end), chunk.end, chunk.column, column);
    }

    /// A text of several lines, where it can stand as such.
    fn literal(&mut self, tree: &Tree<'_>, origin: Value<'_>, column: usize) -> bool {
        let Some(text) = tree.text().filter(|text| text.trim_end_matches('\n').contains('\n')) else { return false };
        let body = text.strip_suffix('\n').unwrap_or(text);
        let odd = |line: &str| line.contains(|c: char| c.is_control()) || (line.trim().is_empty() && !line.is_empty());
        if body.starts_with([' ', '\n']) || body.ends_with('\n') || body.split('\n').any(odd) {
            return false;
        }
        self.out.push_str(if text.len() == body.len() { ": |-" } else { ": |" });
        if let Some(comment) = self.comment(origin) {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        for line in body.split('\n') {
            self.newline();
            self.indent(if line.is_empty() { 0 } else { column + self.layout.step });
            self.out.push_str(line);
        }
        true
    }

    fn item(&mut self, item: &Item<'_>, column: usize) {
        self.leads(&item.leads, column);
        let origin = item.value.origin;
        let own = self.chunk(origin).filter(|_| origin.is_some_and(|origin| origin.key().is_none()));
        if !is_open(&item.value) {
            self.indent(column);
            self.out.push('-');
            match own.zip(origin) {
                Some((chunk, _)) if is_unchanged(&item.value) => {
                    self.copy(chunk.key.end, chunk.end, chunk.column, column);
                }
                Some((chunk, origin)) => self.changed(&item.value, origin, chunk, column),
                None => {
                    self.out.push(' ');
                    self.flow(&item.value, column, 0);
                }
            }
            self.newline();
            return;
        }
        let header = own.filter(|chunk| chunk.inline.is_none() && origin.is_some_and(is_block));
        if let Some(chunk) = header {
            self.indent(column);
            self.out.push('-');
            self.copy(chunk.key.end, chunk.end, chunk.column, column);
            self.newline();
            let inside = self.inside(&item.value, column).unwrap_or(column + 2);
            self.children(&item.value, inside);
            return;
        }
        let inside = own.and_then(|chunk| Some(column + chunk.inline? - chunk.column)).unwrap_or(column + 2);
        self.inline_item(&item.value, column, inside);
    }

    /// An item whose first entry stands behind the dash. Comments that would come between go above.
    fn inline_item(&mut self, tree: &Tree<'_>, column: usize, inside: usize) {
        let before = std::mem::take(&mut self.out);
        self.children(tree, inside);
        let content = std::mem::replace(&mut self.out, before);
        let mut rest = content.as_str();
        while let Some((line, tail)) = rest.split_once('\n')
            && (line.trim_start().starts_with('#') || line.trim().is_empty())
        {
            self.shifted(&rest[..=line.len()], inside, column);
            rest = tail;
        }
        self.indent(column);
        self.out.push('-');
        self.out.extend(std::iter::repeat_n(' ', inside.saturating_sub(column + 1)));
        self.out.push_str(rest.get(inside..).unwrap_or_default());
    }

    /// The comments of something that went away.
    fn remarks(&mut self, tree: &Tree<'_>, column: usize) {
        if let Some(comment) = tree.origin.and_then(|origin| self.comment(origin)) {
            self.indent(column);
            self.out.push_str(comment);
            self.newline();
        }
        self.remarks_inside(tree, column);
    }

    fn remarks_inside(&mut self, tree: &Tree<'_>, column: usize) {
        match &tree.data {
            Data::Map(entries) => {
                for entry in entries {
                    self.lead(entry.lead, column);
                    self.remarks(&entry.value, column);
                }
            }
            Data::Seq(items) => {
                for item in items {
                    self.leads(&item.leads, column);
                    self.remarks(&item.value, column);
                }
            }
            Data::Scalar(_) => {}
        }
        if let Some(origin) = tree.origin.filter(|origin| is_block(*origin)) {
            let was = self.layout.column_inside(origin).unwrap_or(column);
            self.lines(self.layout.tail(origin), was, column);
        } else if let Some(origin) = tree.origin {
            self.unable |= flow::has_comment(origin);
        }
    }

    /// The comment behind a key, or behind a value on its last line.
    fn comment(&self, value: Value<'_>) -> Option<&'t str> {
        let chunk = self.layout.chunk(value)?;
        let from = if is_block(value) || value.is_aliased() || value.span().is_empty() {
            chunk.key.end
        } else {
            value.span().range().end.max(chunk.key.end)
        };
        let rest = self.text.get(from..chunk.end)?;
        let at = rest.find('#').filter(|at| rest[..*at].ends_with([' ', '\t']))?;
        Some(rest[at..].trim_end())
    }

    fn lead(&mut self, value: Option<Value<'_>>, column: usize) {
        if let Some(chunk) = self.chunk(value) {
            self.lines(chunk.lead.clone(), chunk.column, column);
        }
    }

    fn leads(&mut self, values: &[Value<'_>], column: usize) {
        for value in values {
            self.lead(Some(*value), column);
        }
    }

    /// Whole lines of the source, indented for another column.
    fn lines(&mut self, range: std::ops::Range<usize>, was: usize, now: usize) {
        self.shifted(self.text.get(range).unwrap_or_default(), was, now);
    }

    fn shifted(&mut self, lines: &str, was: usize, now: usize) {
        for line in lines.split_inclusive('\n') {
            shift(&mut self.out, line, was, now);
        }
    }

    /// A stretch of the source from within a line; further lines of it are indented for another column.
    fn copy(&mut self, from: usize, to: usize, was: usize, now: usize) {
        let mut lines = self.text.get(from..to).unwrap_or_default().split_inclusive('\n');
        self.out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            shift(&mut self.out, line, was, now);
        }
    }

    fn flow(&mut self, tree: &Tree<'_>, column: usize, line: usize) {
        match flow::write(tree, self.text, column, line) {
            Some(text) if self.windows() => self.out.push_str(&text.replace("\r\n", "\n").replace('\n', "\r\n")),
            Some(text) => self.out.push_str(&text),
            None => self.unable = true,
        }
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// Whether lines end as on Windows.
    fn windows(&self) -> bool {
        self.text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n"))
    }

    fn newline(&mut self) {
        if self.windows() && !self.out.ends_with('\r') {
            self.out.push('\r');
        }
        self.out.push('\n');
    }
}

fn shift(out: &mut String, line: &str, was: usize, now: usize) {
    if line.trim().is_empty() {
        out.push_str(line);
    } else if now >= was {
        out.extend(std::iter::repeat_n(' ', now - was));
        out.push_str(line);
    } else {
        let spaces = line.bytes().take(was - now).take_while(|byte| *byte == b' ').count();
        out.push_str(&line[spaces..]);
    }
}

/// Whether a value means what it meant at its place in the source.
pub(super) fn is_unchanged(tree: &Tree<'_>) -> bool {
    tree.origin.is_some_and(|origin| match &tree.data {
        Data::Scalar(json) => !origin.is_map() && !origin.is_seq() && same_scalar(origin, json),
        _ => tree.to_json() == origin.to_json(),
    })
}

fn same_scalar(origin: Value<'_>, json: &Json) -> bool {
    origin.to_json() == *json
}

/// Whether a value is written over lines below its key.
fn is_open(tree: &Tree<'_>) -> bool {
    let flowing = tree.origin.is_some_and(|origin| !is_block(origin) && (origin.is_map() || origin.is_seq()));
    let filled = match &tree.data {
        Data::Map(entries) => entries.iter().any(|entry| !entry.gone),
        Data::Seq(items) => !items.is_empty(),
        Data::Scalar(_) => false,
    };
    filled && (!flowing || tree.origin.is_some_and(|origin| origin.is_aliased() && !is_unchanged(tree)))
}
