//! Small helpers on text: which name was probably meant.

/// The candidate nearest to a misspelt word, where one is near enough to be what was meant.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let limit = match word.chars().count() {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let scored = candidates.filter_map(|candidate| {
        let case_only = candidate.eq_ignore_ascii_case(word);
        let distance = if case_only { 0 } else { distance(word, candidate, limit)? };
        Some((distance, candidate))
    });
    scored.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The number of letters to insert, remove, replace or swap with their neighbour; `None` above the limit.
pub fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(left != right);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn misspelt_words_find_their_neighbours() {
        let fields = ["replicas", "version", "selector"];
        assert_eq!(nearest("replcias", fields.into_iter()), Some("replicas"));
        assert_eq!(nearest("Version", fields.into_iter()), Some("version"));
        assert_eq!(nearest("strategy", fields.into_iter()), None);
    }
}
