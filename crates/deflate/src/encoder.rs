//! From matches to DEFLATE blocks, each in the shortest of the three forms.

use crate::bits::Bits;
use crate::header::Header;
use crate::huffman;
use crate::matches::{CHUNK, Matcher, Sequence};
use crate::symbols::{self, DISTANCES, END, LENGTHS, LITERALS, MAX_LENGTH};

/// The longest codes for literals and lengths, and for distances: short enough for four literals, or a match, to fit
/// into the 56 bits that can be added at once. RFC 1951 allows 15, which would make no measurable difference.
const LONGEST: u32 = 12;

/// The forms of a block, as written behind the bit that marks the last one.
const STORED: u64 = 0;
const FIXED: u64 = 1;
const OWN: u64 = 2;

/// The longest stored block.
const STORED_MOST: usize = 65_535;

/// Bytes looked at by [`Encoder::estimate`], and the length of each of the samples that they are made of.
const SAMPLED: usize = 16 << 10;
const SAMPLE: usize = 4 << 10;

/// A DEFLATE encoder; half a MiB of memory. One per thread; it keeps nothing from one call to the next.
pub struct Encoder {
    matcher: Matcher,
    codes: Box<Codes>,
    pause: fn(),
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// Makes an encoder.
    pub fn new() -> Self {
        Self::pausing(|| {})
    }

    /// Makes an encoder that calls `pause` after every 128 KiB of its input, some tenths of a millisecond, so that the
    /// thread can let others go first.
    pub fn pausing(pause: fn()) -> Self {
        Self {
            matcher: Matcher::new(),
            codes: Box::default(),
            pause,
        }
    }

    /// Appends `input` to `out` as DEFLATE blocks that refer to nothing before it and end on a byte, so that what is
    /// encoded of other pieces can be put before and behind it. `last` marks the end of the stream.
    ///
    /// Never more bytes than `input` has and five for every 65,535 begun, and 10.
    pub fn block(&mut self, input: &[u8], last: bool, out: &mut Vec<u8>) {
        self.matcher.reset();
        let mut bits = Bits::default();
        let mut start = 0;
        while start < input.len() {
            let end = input.len().min(start + CHUNK);
            self.matcher.parse(input, start, end);
            let after = match (end == input.len(), last) {
                (false, _) => After::Chunk,
                (true, false) => After::Piece,
                (true, true) => After::Nothing,
            };
            self.write(&input[start..end], after, &mut bits, out);
            start = end;
            (self.pause)();
        }
        if last && input.is_empty() {
            // An end alone, in the fixed code, where it is seven zeros.
            bits.add(1 | FIXED << 1, 10);
        } else if !last && bits.count() > 0 {
            begin_stored(0, false, &mut bits, out);
        }
        bits.finish(out);
    }

    /// What share of its size `input` would roughly come to, between 0 and 1, found from samples of at most 16 KiB in
    /// all.
    pub fn estimate(&mut self, input: &[u8]) -> f32 {
        if input.is_empty() {
            return 1.0;
        }
        let samples: Vec<u8>;
        let sample = if input.len() <= SAMPLED {
            input
        } else {
            let every = input.len() / (SAMPLED / SAMPLE);
            samples = input
                .chunks_exact(every)
                .flat_map(|part| &part[..SAMPLE])
                .copied()
                .collect();
            &samples
        };
        self.matcher.reset();
        self.matcher.parse(sample, 0, sample.len());
        let symbols = Symbols::of(&self.matcher);
        let own = symbols.lengths();
        // Of a header, which a whole chunk shares, a sample bears its part.
        let header =
            Header::new(&own.literals, &own.distances).bits() * sample.len() as u64 / input.len().min(CHUNK) as u64;
        let stored = 8 * sample.len() as u64;
        let bits = (symbols.bits(&own) + header)
            .min(symbols.bits(&Lengths::FIXED))
            .min(stored);
        bits as f32 / stored as f32
    }

    /// Writes the chunk that was parsed last.
    fn write(&mut self, chunk: &[u8], after: After, bits: &mut Bits, out: &mut Vec<u8>) {
        let last = after == After::Nothing;
        let symbols = Symbols::of(&self.matcher);
        let own = symbols.lengths();
        let header = Header::new(&own.literals, &own.distances);
        let own_bits = symbols.bits(&own) + header.bits();
        let fixed_bits = symbols.bits(&Lengths::FIXED);
        let stored_bits: u64 = chunk
            .chunks(STORED_MOST)
            .map(|part| 5 + 32 + 8 * part.len() as u64)
            .sum();

        // Stored blocks end on a byte as they are.
        let joint_bits = if after == After::Piece { 40 } else { 0 };
        if own_bits.min(fixed_bits) + joint_bits >= stored_bits {
            let mut parts = chunk.chunks(STORED_MOST).peekable();
            while let Some(part) = parts.next() {
                begin_stored(part.len() as u16, last && parts.peek().is_none(), bits, out);
                out.extend_from_slice(part);
            }
            return;
        }
        let (form, lengths) = if own_bits < fixed_bits {
            (OWN, &own)
        } else {
            (FIXED, &Lengths::FIXED)
        };
        bits.add(u64::from(last) | form << 1, 3);
        if form == OWN {
            header.write(bits, out);
        }
        self.codes.set(lengths);
        bits.append_to(out);

        let start = out.len();
        out.resize(start + (own_bits.min(fixed_bits) / 8) as usize + 16, 0);
        let end = self
            .codes
            .write(chunk, self.matcher.sequences(), bits, &mut out[start..]);
        out.truncate(start + end);
    }
}

/// What comes behind a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Another chunk of the same piece, in the same byte.
    Chunk,
    /// Another piece, with the next byte.
    Piece,
    Nothing,
}

/// Begins a stored block of `length` bytes.
fn begin_stored(length: u16, last: bool, bits: &mut Bits, out: &mut Vec<u8>) {
    bits.add(u64::from(last) | STORED << 1, 3);
    bits.finish(out);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
}

/// How often each symbol occurs in a block.
struct Symbols {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

/// The lengths of the codes of a block, in bits.
struct Lengths {
    literals: [u8; LITERALS],
    distances: [u8; DISTANCES],
}

impl Lengths {
    /// RFC 1951, section 3.2.6.
    const FIXED: Self = {
        let mut literals = [8; LITERALS];
        let mut symbol = 144;
        while symbol < 280 {
            literals[symbol] = if symbol < 256 { 9 } else { 7 };
            symbol += 1;
        }
        Self {
            literals,
            distances: [5; DISTANCES],
        }
    };
}

impl Symbols {
    fn of(matcher: &Matcher) -> Self {
        Self {
            literals: matcher.literal_frequencies(),
            distances: matcher.distance_frequencies(),
        }
    }

    fn lengths(&self) -> Lengths {
        Lengths {
            literals: huffman::lengths(&self.literals, LONGEST),
            distances: huffman::lengths(&self.distances, LONGEST),
        }
    }

    /// What all symbols come to with codes of these lengths, extra bits included.
    fn bits(&self, lengths: &Lengths) -> u64 {
        let literals = (0..LITERALS).map(|symbol| {
            let each = u32::from(lengths.literals[symbol]) + symbols::literal_extra_bits(symbol);
            u64::from(self.literals[symbol] * each)
        });
        let distances = (0..DISTANCES).map(|symbol| {
            let each = u32::from(lengths.distances[symbol]) + symbols::distance_extra_bits(symbol);
            u64::from(self.distances[symbol] * each)
        });
        literals.sum::<u64>() + distances.sum::<u64>()
    }
}

/// The codes of a block as they are written: from bit 8 on the code, in the lowest eight its length.
struct Codes {
    literals: [u32; 256],
    end: u32,
    /// By length of a match, with the extra bits.
    lengths: [u32; 512],
    /// By symbol, without the extra bits, which the second number adds to the length.
    distances: [(u32, u32); 32],
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            literals: [0; 256],
            end: 0,
            lengths: [0; 512],
            distances: [(0, 0); 32],
        }
    }
}

impl Codes {
    fn set(&mut self, lengths: &Lengths) {
        let codes = huffman::codes(&lengths.literals);
        let code = |symbol: usize| u32::from(codes[symbol]) << 8 | u32::from(lengths.literals[symbol]);
        for (byte, literal) in self.literals.iter_mut().enumerate() {
            *literal = code(byte);
        }
        self.end = code(END);
        for (length, entry) in self.lengths[..=MAX_LENGTH].iter_mut().enumerate().skip(3) {
            let length = LENGTHS[length];
            let code = code(length.symbol.into());
            *entry = code + (u32::from(length.extra) << (8 + (code & 255))) + u32::from(length.extra_bits);
        }
        let codes = huffman::codes(&lengths.distances);
        for (symbol, entry) in self.distances[..DISTANCES].iter_mut().enumerate() {
            let code = u32::from(codes[symbol]) << 8 | u32::from(lengths.distances[symbol]);
            *entry = (code, symbols::distance_extra_bits(symbol));
        }
    }

    /// Writes a chunk and its end to `out`, which must have eight bytes more room than it takes, and tells how many it
    /// took.
    fn write(&self, chunk: &[u8], sequences: &[Sequence], bits: &mut Bits, out: &mut [u8]) -> usize {
        let (mut held, mut to, mut rest) = (*bits, 0, chunk);
        for &sequence in sequences {
            let literals;
            (literals, rest) = rest.split_at(sequence.literals());
            to = self.write_literals(literals, &mut held, out, to);

            let length = self.lengths[sequence.length()];
            held.add(u64::from(length >> 8), length & 255);
            let (distance, extra_bits) = self.distances[sequence.symbol()];
            held.add(u64::from(distance >> 8), distance & 255);
            held.add(sequence.extra(), extra_bits);
            to = held.spill(out, to);
            rest = &rest[sequence.length()..];
        }
        to = self.write_literals(rest, &mut held, out, to);
        held.add(u64::from(self.end >> 8), self.end & 255);
        to = held.spill(out, to);
        *bits = held;
        to
    }

    #[inline(always)]
    fn write_literals(&self, literals: &[u8], held: &mut Bits, out: &mut [u8], mut to: usize) -> usize {
        let (fours, rest) = literals.as_chunks::<4>();
        for four in fours {
            for &byte in four {
                let code = self.literals[byte as usize];
                held.add(u64::from(code >> 8), code & 255);
            }
            to = held.spill(out, to);
        }
        for &byte in rest {
            let code = self.literals[byte as usize];
            held.add(u64::from(code >> 8), code & 255);
        }
        held.spill(out, to)
    }
}
