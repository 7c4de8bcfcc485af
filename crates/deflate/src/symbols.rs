//! The alphabets of DEFLATE: literals, lengths and distances (RFC 1951, section 3.2.5).

/// The symbol that ends a block.
pub(crate) const END: usize = 256;
/// Literals, the end of a block, and lengths. The last two never occur, but take part in the fixed code.
pub(crate) const LITERALS: usize = 288;
/// Distances.
pub(crate) const DISTANCES: usize = 30;

/// The longest match.
pub(crate) const MAX_LENGTH: usize = 258;
/// The farthest match.
pub(crate) const MAX_DISTANCE: usize = 32_768;

/// The first length of each length symbol, from symbol 257 on.
const LENGTH_BASES: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
/// The number of extra bits of each length symbol, and of the two that do not occur.
const LENGTH_EXTRA: [u8; 31] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0, 0, 0,
];

/// What a length is written as: its symbol, and the value and number of the bits behind it.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    pub(crate) symbol: u16,
    pub(crate) extra: u8,
    pub(crate) extra_bits: u8,
}

/// By length; those below 3 do not occur.
pub(crate) const LENGTHS: [Length; MAX_LENGTH + 1] = {
    let none = Length {
        symbol: 0,
        extra: 0,
        extra_bits: 0,
    };
    let mut lengths = [none; MAX_LENGTH + 1];
    let (mut length, mut index) = (3, 0);
    while length <= MAX_LENGTH {
        while index + 1 < LENGTH_BASES.len() && length >= LENGTH_BASES[index + 1] as usize {
            index += 1;
        }
        lengths[length] = Length {
            symbol: (END + 1 + index) as u16,
            extra: (length - LENGTH_BASES[index] as usize) as u8,
            extra_bits: LENGTH_EXTRA[index],
        };
        length += 1;
    }
    lengths
};

/// The number of bits that follow a symbol for a literal, the end or a length.
pub(crate) const fn literal_extra_bits(symbol: usize) -> u32 {
    if symbol > END {
        LENGTH_EXTRA[symbol - END - 1] as u32
    } else {
        0
    }
}

/// The number of bits that follow a symbol for a distance.
pub(crate) const fn distance_extra_bits(symbol: usize) -> u32 {
    if symbol < 4 { 0 } else { symbol as u32 / 2 - 1 }
}

/// A distance (1 to [`MAX_DISTANCE`]) as its symbol and the value of the bits that follow it.
#[inline]
pub(crate) fn distance(distance: u32) -> (u32, u32) {
    let nth = distance.wrapping_sub(1);
    // The symbol tells the highest two bits, the bits behind it those below.
    let extra_bits = (nth | 3).ilog2() - 1;
    (2 * extra_bits + (nth >> extra_bits), nth & ((1 << extra_bits) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_is_written_as_the_rfc_says() {
        for (length, symbol, extra, bits) in [
            (3, 257, 0, 0),
            (10, 264, 0, 0),
            (11, 265, 0, 1),
            (12, 265, 1, 1),
            (13, 266, 0, 1),
            (18, 268, 1, 1),
            (19, 269, 0, 2),
            (66, 276, 7, 3),
            (67, 277, 0, 4),
            (257, 284, 30, 5),
            (258, 285, 0, 0),
        ] {
            let found = LENGTHS[length];
            assert_eq!(
                (found.symbol, found.extra, found.extra_bits),
                (symbol, extra, bits),
                "{length}"
            );
        }
        let mut next = 1;
        for symbol in 0..DISTANCES {
            for extra in 0..1 << distance_extra_bits(symbol) {
                assert_eq!(distance(next), (symbol as u32, extra), "{next}");
                next += 1;
            }
        }
        assert_eq!(next as usize, MAX_DISTANCE + 1);
    }
}
