//! The plainest ZIP there is, to put one hostile thing into an archive that is whole otherwise.

/// An entry's extra field that marks the manifest.
const MANIFEST_MARK: [u8; 4] = [0x62, 0x42, 0, 0];

/// What an entry says of itself, and its bytes as they lie in the archive.
pub(crate) struct Packed<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub is_deflated: bool,
    pub crc: u32,
    pub len: u32,
}

impl<'a> Packed<'a> {
    pub(crate) fn stored(name: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            name,
            bytes,
            is_deflated: false,
            crc: crc32fast::hash(bytes),
            len: bytes.len() as u32,
        }
    }
}

/// Stored entries, the last of them marked as the manifest.
pub(crate) fn stored(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = entries
        .iter()
        .map(|(name, bytes)| Packed::stored(name, bytes))
        .collect();
    packed(&entries)
}

/// Entries, the last of them marked as the manifest.
pub(crate) fn packed(entries: &[Packed<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let offset = out.len() as u32;
        let extra: &[u8] = if index + 1 == entries.len() {
            &MANIFEST_MARK
        } else {
            &[]
        };
        let mut common = Vec::new();
        let method = if entry.is_deflated { 8 } else { 0 };
        for value in [20_u16, 0x800, method, 0, 0x5a21] {
            common.extend(value.to_le_bytes());
        }
        for value in [entry.crc, entry.bytes.len() as u32, entry.len] {
            common.extend(value.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend((extra.len() as u16).to_le_bytes());

        out.extend(0x0403_4b50_u32.to_le_bytes());
        out.extend(&common);
        out.extend(entry.name.as_bytes());
        out.extend(extra);
        out.extend(entry.bytes);

        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]); // comment, disk, internal attributes
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
        directory.extend(extra);
    }
    let offset = out.len() as u32;
    out.extend(&directory);
    out.extend(0x0605_4b50_u32.to_le_bytes());
    out.extend([0; 4]);
    for _ in 0..2 {
        out.extend((entries.len() as u16).to_le_bytes());
    }
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0; 2]);
    out
}
