//! Changes of text that a format may trip over.

/// A small generator of numbers, so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03 | 1)
    }

    /// A generator whose seed is the content of an input: what a target draws is the same whenever the input is tried.
    pub fn of(input: &[u8]) -> Self {
        Self::new(super::engine::Shape::of(input).0)
    }

    /// A number below a bound; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) as usize % bound.max(1)
    }

    /// Whether one case in so many comes up.
    pub fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Inputs are not let grow beyond this.
const LONGEST: usize = 1 << 16;

/// A mutation of something in the pool.
pub fn mutate(random: &mut Random, pool: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = random.pick(pool).clone();
    for _ in 0..=random.below(4) {
        change(random, &mut bytes, pool, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

/// One change.
pub fn change(random: &mut Random, bytes: &mut Vec<u8>, pool: &[Vec<u8>], words: &[&str]) {
    let at = random.below(bytes.len() + 1);
    let to = (at + random.below(6)).min(bytes.len());
    match random.below(16) {
        0 => drop(bytes.drain(at..to)),
        1 | 2 => drop(bytes.splice(at..to, random.pick(words).bytes())),
        3 => {
            let other = random.pick(pool);
            let from = random.below(other.len() + 1);
            let part = other[from..(from + random.below(60)).min(other.len())].to_vec();
            bytes.splice(at..at, part);
        }
        4..=7 => lines(random, bytes, pool),
        8 => {
            // A part of it once more, elsewhere.
            let part = bytes[at..(at + random.below(40)).min(bytes.len())].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, part);
        }
        9 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if random.one_in(4) { random.below(256) as u8 } else { b' ' + random.below(95) as u8 };
            }
        }
        10 => number(random, bytes),
        _ => drop(bytes.splice(at..at, random.pick(words).bytes())),
    }
}

/// A change of whole lines: one gone, twice, moved, further in or out, or from another text.
fn lines(random: &mut Random, bytes: &mut Vec<u8>, pool: &[Vec<u8>]) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let at = random.below(lines.len());
    let other = random.below(lines.len());
    match random.below(8) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = lines[at].clone();
            lines.insert(other, line);
        }
        2 => lines.swap(at, other),
        3 => {
            let to = (at + 1 + random.below(4)).min(lines.len());
            lines[at..to].iter_mut().for_each(|line| drop(line.splice(0..0, *b"  ")));
        }
        4 => {
            let to = (at + 1 + random.below(4)).min(lines.len());
            for line in &mut lines[at..to] {
                let blanks = line.iter().take(1 + random.below(2)).take_while(|byte| **byte == b' ').count();
                line.drain(..blanks);
            }
        }
        5 => {
            let to = (at + random.below(8)).min(lines.len());
            lines.drain(at..to);
        }
        6 => lines.iter_mut().filter(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n")).for_each(|line| {
            let end = line.len() - 1;
            line.insert(end, b'\r');
        }),
        _ => {
            let from = random.pick(pool);
            let theirs: Vec<&[u8]> = from.split_inclusive(|byte| *byte == b'\n').collect();
            let start = random.below(theirs.len());
            let part: Vec<Vec<u8>> =
                theirs.iter().skip(start).take(1 + random.below(6)).map(|line| line.to_vec()).collect();
            lines.splice(at..at, part);
        }
    }
    *bytes = lines.concat();
}

/// Another number in a number's place.
fn number(random: &mut Random, bytes: &mut Vec<u8>) {
    const NUMBERS: &[&str] = &[
        "0",
        "-1",
        "1",
        "2",
        "3",
        "65535",
        "65536",
        "2147483647",
        "-2147483648",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e400",
        "-0",
        "0.1",
        "00",
    ];
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_alphanumeric()))
        .collect();
    if starts.is_empty() {
        return;
    }
    let at = *random.pick(&starts);
    let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.splice(at..at + length, random.pick(NUMBERS).bytes());
}
