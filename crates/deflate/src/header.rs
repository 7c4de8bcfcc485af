//! The beginning of a block that has codes of its own: the lengths of both codes, themselves in a code (RFC 1951,
//! section 3.2.7).

use crate::bits::Bits;
use crate::huffman;
use crate::symbols::{DISTANCES, LITERALS};

/// The order in which the lengths of the code of lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The number of bits behind each symbol of the code of lengths.
const EXTRA_BITS: [u8; 19] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];

/// Repeats the length before it 3 to 6 times.
const REPEAT: u8 = 16;
/// 3 to 10 symbols without a code.
const ZEROS: u8 = 17;
/// 11 to 138 symbols without a code.
const MANY_ZEROS: u8 = 18;

/// The header of a block, ready to be written.
pub(crate) struct Header {
    literals: usize,
    distances: usize,
    code_lengths: usize,
    lengths: [u8; 19],
    /// Symbols of the code of lengths, and the value of the bits behind each.
    runs: [(u8, u8); LITERALS + DISTANCES],
    run_count: usize,
    bits: u64,
}

impl Header {
    /// Describes the two codes of a block.
    pub(crate) fn new(literals: &[u8; LITERALS], distances: &[u8; DISTANCES]) -> Self {
        let literal_count = count_used(literals).max(257);
        let distance_count = count_used(distances).max(1);
        let mut all = [0; LITERALS + DISTANCES];
        all[..literal_count].copy_from_slice(&literals[..literal_count]);
        all[literal_count..literal_count + distance_count].copy_from_slice(&distances[..distance_count]);

        let mut runs = [(0, 0); LITERALS + DISTANCES];
        let mut frequencies = [0; 19];
        let mut run_count = 0;
        let mut add = |symbol: u8, extra: usize| {
            runs[run_count] = (symbol, extra as u8);
            run_count += 1;
            frequencies[symbol as usize] += 1;
        };
        for run in all[..literal_count + distance_count].chunk_by(|a, b| a == b) {
            let (length, mut left) = (run[0], run.len());
            if length == 0 {
                while left >= 11 {
                    let many = left.min(138);
                    add(MANY_ZEROS, many - 11);
                    left -= many;
                }
                if left >= 3 {
                    add(ZEROS, left - 3);
                    left = 0;
                }
            } else {
                add(length, 0);
                left -= 1;
                while left >= 3 {
                    let many = left.min(6);
                    add(REPEAT, many - 3);
                    left -= many;
                }
            }
            (0..left).for_each(|_| add(length, 0));
        }

        let lengths = huffman::lengths(&frequencies, 7);
        let code_lengths = ORDER
            .iter()
            .rposition(|&symbol| lengths[symbol] > 0)
            .map_or(4, |last| (last + 1).max(4));
        let run_bits: u64 = (frequencies.iter().zip(&lengths).zip(&EXTRA_BITS))
            .map(|((&frequency, &length), &extra)| u64::from(frequency) * u64::from(length + extra))
            .sum();
        Self {
            literals: literal_count,
            distances: distance_count,
            code_lengths,
            lengths,
            runs,
            run_count,
            bits: 5 + 5 + 4 + 3 * code_lengths as u64 + run_bits,
        }
    }

    /// The length of the header in bits, without the three that begin any block.
    pub(crate) fn bits(&self) -> u64 {
        self.bits
    }

    /// Writes the header.
    pub(crate) fn write(&self, bits: &mut Bits, out: &mut Vec<u8>) {
        bits.add((self.literals - 257) as u64, 5);
        bits.add((self.distances - 1) as u64, 5);
        bits.add((self.code_lengths - 4) as u64, 4);
        for &symbol in &ORDER[..self.code_lengths] {
            bits.append_to(out);
            bits.add(self.lengths[symbol].into(), 3);
        }
        let codes = huffman::codes(&self.lengths);
        for &(symbol, extra) in &self.runs[..self.run_count] {
            bits.append_to(out);
            let symbol = symbol as usize;
            bits.add(codes[symbol].into(), self.lengths[symbol].into());
            bits.add(extra.into(), EXTRA_BITS[symbol].into());
        }
        bits.append_to(out);
    }
}

fn count_used(lengths: &[u8]) -> usize {
    lengths
        .iter()
        .rposition(|&length| length > 0)
        .map_or(0, |last| last + 1)
}
