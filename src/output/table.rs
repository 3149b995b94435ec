//! Tables: aligned for people, Markdown for a pull request, comma-separated for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Which columns hold numbers, and so stand to the right.
pub type IsNumber = fn(column: usize) -> bool;

/// Every column but the first holds numbers.
pub fn numbers_behind_a_name(column: usize) -> bool {
    column > 0
}

/// Aligned columns; the first row is the header.
///
/// # Errors
/// When the writer fails.
pub fn aligned(rows: &[Vec<String>], is_number: IsNumber, out: &mut dyn Write) -> io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (number, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if number > 0 {
                line.push_str("  ");
            }
            let _ = if is_number(number) { write!(line, "{cell:>width$}") } else { write!(line, "{cell:<width$}") };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// One row, comma-separated.
pub fn csv(row: &[String]) -> String {
    let cell = |cell: &String| {
        if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    row.iter().map(cell).collect::<Vec<_>>().join(",")
}

/// A Markdown table.
///
/// # Errors
/// When the writer fails.
pub fn markdown(rows: &[Vec<String>], is_number: IsNumber, out: &mut dyn Write) -> io::Result<()> {
    for (number, row) in rows.iter().enumerate() {
        writeln!(out, "| {} |", row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))?;
        if number == 0 {
            let rule: Vec<&str> = (0..row.len()).map(|column| if is_number(column) { "---:" } else { "---" }).collect();
            writeln!(out, "| {} |", rule.join(" | "))?;
        }
    }
    Ok(())
}
