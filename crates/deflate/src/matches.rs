//! Finds what repeats: with a look at the last place that began with the same twelve bytes, and one at the last that
//! began with the same six. The first gives long matches, where a text repeats its words; the second finds short ones.

use crate::symbols::{self, DISTANCES, END, LENGTHS, LITERALS, MAX_DISTANCE, MAX_LENGTH};

/// The most bytes that are parsed at once, and so the longest DEFLATE block. Two stored blocks of the longest kind.
pub(crate) const CHUNK: usize = 2 * 65_535;

/// Shorter matches are not looked for.
const MIN_LENGTH: usize = 4;
/// The first bytes of a short match decide where in its table it is found.
const SHORT: u32 = 6;
/// And so many those of a long one, no more than 16.
const LONG: usize = 12;
/// The tables have two to the power of this many places: with two bytes each they leave room in the fastest cache.
const TABLE_BITS: u32 = 13;
/// After two to the power of this many misses in a row every second byte is looked at, after as many again every third…
const MISSES_PER_STEP: u32 = 5;
/// …but no fewer than one in this many.
const MAX_STEP: usize = 32;

/// Literals and the match behind them: from the highest bit down the number of literals, the length (9 bits), the
/// symbol (5) and the extra bits (13) of the distance.
#[derive(Clone, Copy)]
pub(crate) struct Sequence(u64);

impl Sequence {
    #[inline(always)]
    fn new(literals: usize, length: usize, symbol: u32, extra: u32) -> Self {
        Self((literals as u64) << 32 | (length as u64) << 18 | u64::from(symbol) << 13 | u64::from(extra))
    }

    /// The number of literals before the match.
    #[inline(always)]
    pub(crate) fn literals(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The length of the match, below 512.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        (self.0 >> 18) as usize & 511
    }

    /// The symbol of the match's distance, below 32.
    #[inline(always)]
    pub(crate) fn symbol(self) -> usize {
        (self.0 >> 13) as usize & 31
    }

    /// The extra bits of the match's distance.
    #[inline(always)]
    pub(crate) fn extra(self) -> u64 {
        self.0 & 0x1fff
    }
}

/// Finds matches, and counts the symbols by which a chunk will be written.
pub(crate) struct Matcher {
    /// Where each hash was last seen, without the higher bits of the place. A match found there is compared in any
    /// case, so that a place that was never set does no harm.
    short: Box<[u16; 1 << TABLE_BITS]>,
    long: Box<[u16; 1 << TABLE_BITS]>,
    sequences: Vec<Sequence>,
    /// Twice, for bytes at even and at odd places: counting equal bytes one after the other would wait for the first.
    literals: Box<[[u32; 256]; 2]>,
    lengths: Box<[u32; 512]>,
    distances: [u32; 32],
}

impl Matcher {
    pub(crate) fn new() -> Self {
        Self {
            short: Box::new([0; 1 << TABLE_BITS]),
            long: Box::new([0; 1 << TABLE_BITS]),
            sequences: Vec::with_capacity(CHUNK / MIN_LENGTH),
            literals: Box::new([[0; 256]; 2]),
            lengths: Box::new([0; 512]),
            distances: [0; 32],
        }
    }

    /// Forgets what was seen, so that the result depends on the input alone.
    pub(crate) fn reset(&mut self) {
        self.short.fill(0);
        self.long.fill(0);
    }

    /// The matches found in the chunk parsed last.
    pub(crate) fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// How often each symbol for a literal, the end and a length occurs in the chunk parsed last.
    pub(crate) fn literal_frequencies(&self) -> [u32; LITERALS] {
        let mut frequencies = [0; LITERALS];
        let [even, odd] = &*self.literals;
        for (byte, frequency) in frequencies[..256].iter_mut().enumerate() {
            *frequency = even[byte] + odd[byte];
        }
        frequencies[END] = 1;
        for (length, &frequency) in self.lengths[..=MAX_LENGTH].iter().enumerate().skip(3) {
            frequencies[LENGTHS[length].symbol as usize] += frequency;
        }
        frequencies
    }

    /// How often each symbol for a distance occurs in the chunk parsed last.
    pub(crate) fn distance_frequencies(&self) -> [u32; DISTANCES] {
        std::array::from_fn(|symbol| self.distances[symbol])
    }

    /// Parses `input[start..end]`, at most [`CHUNK`] bytes, which may refer to all of `input` before it.
    pub(crate) fn parse(&mut self, input: &[u8], start: usize, end: usize) {
        self.sequences.clear();
        *self.literals = [[0; 256]; 2];
        *self.lengths = [0; 512];
        self.distances = [0; 32];

        let (mut at, mut anchor) = (start, start);
        while let Some(found) = self.find(input, at, anchor, end) {
            let (symbol, extra) = symbols::distance(found.distance as u32);
            self.lengths[found.length & 511] += 1;
            self.distances[symbol as usize & 31] += 1;
            self.sequences
                .push(Sequence::new(found.at - anchor, found.length, symbol, extra));
            at = found.at + found.length;
            anchor = at;
            // Of what lies inside of a match only its beginning and its end, with which the next may begin, are worth
            // being found.
            self.insert(input, found.at + 1);
            self.insert(input, found.at + 2);
            self.insert(input, at - 2);
        }
    }

    /// The next match from `at` on. What lies before it is counted as literals.
    #[inline(always)]
    fn find(&mut self, input: &[u8], mut at: usize, anchor: usize, end: usize) -> Option<Match> {
        let mut tries = 1 << MISSES_PER_STEP;
        while at + MIN_LENGTH <= end
            && let Some(word) = load(input, at)
        {
            let long = std::mem::replace(&mut self.long[hash_long(input, at, word)], at as u16);
            let short = std::mem::replace(&mut self.short[hash_short(word)], at as u16);
            let found = compare(input, at, word, long, end).filter(|found| found.length >= 8);
            if let Some(found) = found {
                return Some(self.reach_back(input, anchor, found));
            }
            if let Some(found) = compare(input, at, word, short, end) {
                let found = self.longer_at_the_next(input, found, end);
                return Some(self.reach_back(input, anchor, found));
            }
            tries += 1;
            if tries < 2 << MISSES_PER_STEP {
                // The same as below with a step of one, for which a loop costs too much.
                self.literals[at & 1][word as usize & 255] += 1;
                at += 1;
            } else {
                let step = (tries >> MISSES_PER_STEP).min(MAX_STEP).min(end - at);
                self.count(input, at, at + step);
                at += step;
            }
        }
        self.count(input, at, end);
        None
    }

    /// The long match that begins one byte after this short one, if it is the longer of the two.
    #[inline(always)]
    fn longer_at_the_next(&mut self, input: &[u8], found: Match, end: usize) -> Match {
        let at = found.at + 1;
        let Some(word) = load(input, at) else { return found };
        let long = std::mem::replace(&mut self.long[hash_long(input, at, word)], at as u16);
        match compare(input, at, word, long, end) {
            Some(next) if next.length > found.length => {
                self.literals[found.at & 1][input[found.at] as usize] += 1;
                next
            }
            _ => found,
        }
    }

    /// Makes a match longer at its front, where places were not looked at.
    #[inline(always)]
    fn reach_back(&mut self, input: &[u8], anchor: usize, mut found: Match) -> Match {
        while found.at > anchor
            && found.at > found.distance
            && found.length < MAX_LENGTH
            && input[found.at - 1] == input[found.at - 1 - found.distance]
        {
            found.at -= 1;
            found.length += 1;
            self.literals[found.at & 1][input[found.at] as usize] -= 1;
        }
        found
    }

    #[inline(always)]
    fn count(&mut self, input: &[u8], from: usize, to: usize) {
        for (n, &byte) in input[from..to].iter().enumerate() {
            self.literals[(from + n) & 1][byte as usize] += 1;
        }
    }

    #[inline(always)]
    fn insert(&mut self, input: &[u8], at: usize) {
        if let Some(word) = load(input, at) {
            self.long[hash_long(input, at, word)] = at as u16;
            self.short[hash_short(word)] = at as u16;
        }
    }
}

/// Bytes from `at` on that lie `distance` bytes earlier too.
struct Match {
    at: usize,
    distance: usize,
    length: usize,
}

/// The match at `at`, where `word` stands, with the last `place` before it that ends in these bits. It has four bytes
/// or more.
#[inline(always)]
fn compare(input: &[u8], at: usize, word: u64, place: u16, end: usize) -> Option<Match> {
    let distance = usize::from((at as u16).wrapping_sub(place));
    // Where nothing was set before, or something too far away, the distance may be anything, also 0 and more than there
    // is.
    let earlier = load(input, at.wrapping_sub(distance))?;
    if (word ^ earlier) as u32 != 0 || distance.wrapping_sub(1) >= MAX_DISTANCE.min(at) {
        return None;
    }
    let most = MAX_LENGTH.min(end - at);
    let length = match word ^ earlier {
        0 => same(input, at, distance, most),
        differ => (differ.trailing_zeros() as usize / 8).min(most),
    };
    Some(Match { at, distance, length })
}

/// How many bytes from `at` on are the same as those `distance` earlier, of which the first eight are known to be; at
/// most `most`.
#[inline(always)]
fn same(input: &[u8], at: usize, distance: usize, most: usize) -> usize {
    let mut length = 8;
    while length < most {
        let (Some(word), Some(earlier)) = (load(input, at + length), load(input, at + length - distance)) else {
            // Fewer than eight bytes are left of the input.
            while length < most && input[at + length] == input[at + length - distance] {
                length += 1;
            }
            return length;
        };
        if word != earlier {
            length += (word ^ earlier).trailing_zeros() as usize / 8;
            break;
        }
        length += 8;
    }
    length.min(most)
}

/// The eight bytes from `at` on, if there are so many.
#[inline(always)]
fn load(input: &[u8], at: usize) -> Option<u64> {
    input.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[inline(always)]
fn hash_short(word: u64) -> usize {
    hash(word << (64 - 8 * SHORT))
}

#[inline(always)]
fn hash_long(input: &[u8], at: usize, word: u64) -> usize {
    let rest = load(input, at + LONG - 8).unwrap_or_default();
    hash(word ^ rest.rotate_left(21))
}

#[inline(always)]
fn hash(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - TABLE_BITS)) as usize
}
