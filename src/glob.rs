//! Patterns of names with `*` and `?`, as settings and options take them. No folders, no brackets.

/// A pattern in which `*` stands for any text and `?` for one character.
#[derive(Clone, Debug)]
pub struct Glob {
    pattern: Vec<char>,
}

impl Glob {
    /// The pattern.
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.chars().collect() }
    }

    /// Whether a whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut p) = (0, 0);
        // Where to go on when a later part does not fit: behind the last star, one character further.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.pattern.get(p) {
                Some('*') => {
                    retry = Some((p + 1, at + 1));
                    p += 1;
                }
                Some(c) if *c == '?' || name.get(at) == Some(c) => {
                    p += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((star, from)) => {
                        retry = Some((star, from + 1));
                        (p, at) = (star, from);
                    }
                    None => return false,
                },
            }
        }
        self.pattern.get(p..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("app-prod-*", "app-prod-eu", true),
            ("app-prod-*", "app-staging-eu", false),
            ("*-eu-*", "app-prod-eu-west-1", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("*", "", true),
            ("*a*b", "aab", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), fits, "{pattern} {name}");
        }
    }
}
