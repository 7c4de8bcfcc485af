//! Huffman codes of limited length, canonical as DEFLATE wants them (RFC 1951, section 3.2.2).

use crate::symbols::LITERALS;

/// More symbols than any alphabet has.
const MOST: usize = LITERALS;

/// Finds the lengths of a prefix code for symbols that occur so often, none longer than `limit` bits. A symbol that
/// does not occur has the length 0, but at least two always have a code, as some decoders want.
///
/// Fewer than 2^23 occurrences in all; `limit` must leave room for all symbols.
pub(crate) fn lengths<const N: usize>(frequencies: &[u32; N], limit: u32) -> [u8; N] {
    const { assert!(N >= 2 && N <= MOST) };
    let mut used = [0u32; MOST];
    let mut count = 0;
    for (symbol, &frequency) in frequencies.iter().enumerate() {
        // Written in any case and kept only if it occurs: no branch to mispredict.
        used[count] = frequency << 9 | symbol as u32;
        count += usize::from(frequency > 0);
    }
    for (symbol, &frequency) in frequencies.iter().enumerate().take(2) {
        if count < 2 && frequency == 0 {
            used[count] = 1 << 9 | symbol as u32;
            count += 1;
        }
    }
    let used = &mut used[..count];
    used.sort_unstable();

    let mut per_length = depths(used, limit);
    shorten(&mut per_length, limit);

    let mut lengths = [0; N];
    let mut longest_first = (1..16).rev().flat_map(|length| {
        let many = per_length[length];
        std::iter::repeat_n(length as u8, many as usize)
    });
    for &mut key in used {
        lengths[(key & 511) as usize] = longest_first.next().unwrap_or(0);
    }
    lengths
}

/// How many symbols have a code of each length in a Huffman tree; those deeper than `limit` are counted at the limit.
fn depths(used: &[u32], limit: u32) -> [u32; 16] {
    // Leaves are taken in the order of their frequency, and the nodes made of them come into being in that order too.
    let mut weights = [0u32; MOST];
    let mut parents = [0u16; MOST];
    let mut leaf_parents = [0u16; MOST];
    let (mut leaf, mut inner) = (0, 0);
    let nodes = used.len() - 1;
    for node in 0..nodes {
        for _ in 0..2 {
            let is_leaf = leaf < used.len() && (inner >= node || used[leaf] >> 9 <= weights[inner]);
            if is_leaf {
                weights[node] += used[leaf] >> 9;
                leaf_parents[leaf] = node as u16;
                leaf += 1;
            } else {
                weights[node] += weights[inner];
                parents[inner] = node as u16;
                inner += 1;
            }
        }
    }
    // From the root down: a node's depth is known before those of its children.
    let mut depth = [0u16; MOST];
    for node in (0..nodes.saturating_sub(1)).rev() {
        depth[node] = depth[parents[node] as usize] + 1;
    }
    let mut per_length = [0; 16];
    for &parent in &leaf_parents[..used.len()] {
        per_length[(u32::from(depth[parent as usize]) + 1).min(limit) as usize] += 1;
    }
    per_length
}

/// Makes a code of so many symbols per length possible again after lengths were cut to `limit`: one symbol at the limit
/// becomes the sibling of a shorter one, which gets longer by a bit, until no more codes are given than there are.
fn shorten(per_length: &mut [u32; 16], limit: u32) {
    let limit = limit as usize;
    let mut taken: u32 = (1..=limit).map(|length| per_length[length] << (limit - length)).sum();
    while taken > 1 << limit {
        let Some(shorter) = (1..limit).rev().find(|&length| per_length[length] > 0) else {
            break;
        };
        per_length[limit] -= 1;
        per_length[shorter] -= 1;
        per_length[shorter + 1] += 2;
        taken -= 1;
    }
}

/// The codes of symbols with these lengths, their first bit lowest.
pub(crate) fn codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut per_length = [0u16; 16];
    for &length in lengths {
        per_length[length as usize & 15] += 1;
    }
    per_length[0] = 0;
    let mut next = [0u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + per_length[length - 1]) << 1;
    }
    let mut codes = [0; N];
    for (code, &length) in codes.iter_mut().zip(lengths) {
        let slot = &mut next[length as usize & 15];
        *code = (u32::from(slot.reverse_bits()) >> (16 - u32::from(length & 15))) as u16;
        *slot += 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|&&l| l > 0).map(|&l| 1 << (15 - l)).sum()
    }

    #[test]
    fn every_code_is_complete_within_its_limit_and_gives_the_frequent_the_short() {
        let mut seed = 1u64;
        for round in 0..2000 {
            let mut frequencies = [0; LITERALS];
            for (symbol, frequency) in frequencies.iter_mut().enumerate() {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                *frequency = match round % 4 {
                    0 => (seed % 1000) as u32,
                    1 if symbol < 26 => 1 << (symbol % 22),
                    2 => u32::from(seed.is_multiple_of(40)),
                    3 => (seed % (1 << (seed % 19))) as u32,
                    _ => 0,
                };
            }
            for limit in [9, 12, 15] {
                let lengths = lengths(&frequencies, limit);
                assert!(lengths.iter().all(|&length| u32::from(length) <= limit));
                assert_eq!(taken(&lengths), 1 << 15, "a complete code takes all of the space");
                for (a, &frequency) in frequencies.iter().enumerate() {
                    assert!(frequency == 0 || lengths[a] > 0);
                    let rarer = (0..LITERALS).filter(|&b| frequencies[b] < frequency && lengths[b] > 0);
                    assert!(rarer.into_iter().all(|b| lengths[b] >= lengths[a]));
                }
            }
        }
    }

    #[test]
    fn fewer_than_two_symbols_get_two_codes() {
        for (only, expected) in [
            (None, [1, 1, 0]),
            (Some(0), [1, 1, 0]),
            (Some(1), [1, 1, 0]),
            (Some(2), [1, 0, 1]),
        ] {
            let mut frequencies = [0; 3];
            if let Some(symbol) = only {
                frequencies[symbol] = 5;
            }
            assert_eq!(lengths(&frequencies, 7), expected, "{only:?}");
        }
    }

    #[test]
    fn the_codes_are_those_of_the_rfcs_example() {
        let codes = codes(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let expected = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
        for (code, expected) in codes.into_iter().zip(expected) {
            let bits: String = (0..expected.len()).map(|bit| ((code >> bit) & 1).to_string()).collect();
            assert_eq!(bits, expected);
        }
    }

    #[test]
    fn a_huffman_code_without_a_limit_in_the_way_is_the_shortest_there_is() {
        // Fibonacci's numbers make the deepest tree: each symbol one bit longer than the next.
        let lengths = lengths(&[1, 1, 2, 3, 5, 8, 13, 21], 15);
        assert_eq!(lengths, [7, 7, 6, 5, 4, 3, 2, 1]);
    }
}
