//! The records of a ZIP file, byte by byte (APPNOTE 4.3).

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const DESCRIPTOR: u32 = 0x0807_4b50;
pub(super) const END: u32 = 0x0605_4b50;
pub(super) const END64: u32 = 0x0606_4b50;
pub(super) const END64_LOCATOR: u32 = 0x0706_4b50;

pub(super) const LOCAL_LEN: usize = 30;
pub(super) const CENTRAL_LEN: usize = 46;
pub(super) const END_LEN: usize = 22;
pub(super) const END64_LEN: usize = 56;
pub(super) const END64_LOCATOR_LEN: usize = 20;

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
pub(super) const FLAG_UTF8: u16 = 1 << 11;
/// Encrypted, strongly encrypted, or with a masked directory.
pub(super) const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_TIME: u16 = 0x5455;
/// Ours, "bB", empty: this entry is the manifest of this very archive, not one that was unpacked and packed again.
const EXTRA_MANIFEST: u16 = 0x4262;

/// Put into 32-bit fields whose value stands in the ZIP64 extra field.
pub(super) const MASK32: u32 = u32::MAX;
const MASK16: u16 = u16::MAX;

/// From this length on an entry that is streamed gets 64-bit sizes: deflate may make it a little longer than it was.
pub(super) const STREAM_ZIP64_FROM: u64 = (MASK32 as u64) - (16 << 20);

/// All that the headers say of one entry.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub name: String,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub len: u64,
    pub offset: u64,
    pub modified: Option<Timestamp>,
    pub mode: u32,
    /// Marks the archive's own manifest.
    pub is_manifest: bool,
    /// Decided before the sizes are known, so that the local header can announce it.
    pub zip64: bool,
}

impl Facts {
    /// The header before the data; with a descriptor the sizes are left for later.
    pub(super) fn local(&self) -> Vec<u8> {
        let streamed = self.flags & FLAG_DESCRIPTOR != 0;
        let (crc, packed, len) = if streamed {
            (0, 0, 0)
        } else {
            (self.crc, self.packed, self.len)
        };
        let mut extra = Vec::new();
        if self.zip64 {
            put16(&mut extra, EXTRA_ZIP64);
            put16(&mut extra, 16);
            put64(&mut extra, len);
            put64(&mut extra, packed);
        }
        self.put_time(&mut extra);
        let mut out = Vec::with_capacity(LOCAL_LEN + self.name.len() + extra.len());
        put32(&mut out, LOCAL);
        put16(&mut out, self.version_needed());
        put16(&mut out, self.flags);
        put16(&mut out, self.method);
        put32(&mut out, self.dos_time());
        put32(&mut out, crc);
        put32(&mut out, if self.zip64 { MASK32 } else { packed as u32 });
        put32(&mut out, if self.zip64 { MASK32 } else { len as u32 });
        put16(&mut out, self.name.len() as u16);
        put16(&mut out, extra.len() as u16);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    /// The record behind streamed data.
    pub(super) fn descriptor(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        put32(&mut out, DESCRIPTOR);
        put32(&mut out, self.crc);
        if self.zip64 {
            put64(&mut out, self.packed);
            put64(&mut out, self.len);
        } else {
            put32(&mut out, self.packed as u32);
            put32(&mut out, self.len as u32);
        }
        out
    }

    /// The entry's record in the central directory.
    pub(super) fn central(&self) -> Vec<u8> {
        let wide_sizes = self.zip64 || self.packed >= u64::from(MASK32) || self.len >= u64::from(MASK32);
        let wide_offset = self.offset >= u64::from(MASK32);
        let mut wide = Vec::new();
        if wide_sizes {
            put64(&mut wide, self.len);
            put64(&mut wide, self.packed);
        }
        if wide_offset {
            put64(&mut wide, self.offset);
        }
        let mut extra = Vec::new();
        if !wide.is_empty() {
            put16(&mut extra, EXTRA_ZIP64);
            put16(&mut extra, wide.len() as u16);
            extra.extend_from_slice(&wide);
        }
        self.put_time(&mut extra);
        if self.is_manifest {
            put16(&mut extra, EXTRA_MANIFEST);
            put16(&mut extra, 0);
        }
        let mut out = Vec::with_capacity(CENTRAL_LEN + self.name.len() + extra.len());
        put32(&mut out, CENTRAL);
        put16(&mut out, 3 << 8 | 45); // made on Unix, version 4.5
        put16(&mut out, if wide.is_empty() { 20 } else { 45 });
        put16(&mut out, self.flags);
        put16(&mut out, self.method);
        put32(&mut out, self.dos_time());
        put32(&mut out, self.crc);
        put32(&mut out, if wide_sizes { MASK32 } else { self.packed as u32 });
        put32(&mut out, if wide_sizes { MASK32 } else { self.len as u32 });
        put16(&mut out, self.name.len() as u16);
        put16(&mut out, extra.len() as u16);
        put16(&mut out, 0); // comment
        put16(&mut out, 0); // disk
        put16(&mut out, 0); // internal attributes
        put32(&mut out, self.mode << 16);
        put32(&mut out, if wide_offset { MASK32 } else { self.offset as u32 });
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    fn version_needed(&self) -> u16 {
        if self.zip64 { 45 } else { 20 }
    }

    fn put_time(&self, extra: &mut Vec<u8>) {
        // Seconds since 1970 in 32 bits, UTC, unlike the header's own field.
        if let Some(seconds) = self.modified.and_then(|t| i32::try_from(t.as_second()).ok()) {
            put16(extra, EXTRA_TIME);
            put16(extra, 5);
            extra.push(1);
            extra.extend_from_slice(&seconds.to_le_bytes());
        }
    }

    /// Date and time in MS-DOS's format, two-second steps from 1980; written in UTC.
    fn dos_time(&self) -> u32 {
        let Some(t) = self.modified.map(|t| t.to_zoned(TimeZone::UTC).datetime()) else {
            return 0x0021_0000;
        };
        if !(1980..=2107).contains(&t.year()) {
            return 0x0021_0000; // 1980-01-01
        }
        let date = (t.year() as u32 - 1980) << 9 | (t.month() as u32) << 5 | t.day() as u32;
        let time = (t.hour() as u32) << 11 | (t.minute() as u32) << 5 | (t.second() as u32 / 2);
        date << 16 | time
    }
}

/// The records that close an archive.
pub(super) fn end(entries: u64, directory_offset: u64, directory_len: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let wide =
        entries >= u64::from(MASK16) || directory_offset >= u64::from(MASK32) || directory_len >= u64::from(MASK32);
    if wide {
        put32(&mut out, END64);
        put64(&mut out, END64_LEN as u64 - 12);
        put16(&mut out, 3 << 8 | 45);
        put16(&mut out, 45);
        put32(&mut out, 0);
        put32(&mut out, 0);
        put64(&mut out, entries);
        put64(&mut out, entries);
        put64(&mut out, directory_len);
        put64(&mut out, directory_offset);
        put32(&mut out, END64_LOCATOR);
        put32(&mut out, 0);
        put64(&mut out, directory_offset + directory_len);
        put32(&mut out, 1);
    }
    put32(&mut out, END);
    put16(&mut out, 0);
    put16(&mut out, 0);
    let entries16 = if wide { MASK16 } else { entries as u16 };
    put16(&mut out, entries16);
    put16(&mut out, entries16);
    put32(&mut out, if wide { MASK32 } else { directory_len as u32 });
    put32(&mut out, if wide { MASK32 } else { directory_offset as u32 });
    put16(&mut out, 0);
    out
}

/// What the extra fields of a record told beside sizes and offset.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Extras {
    pub modified: Option<Timestamp>,
    pub is_manifest: bool,
}

/// Takes the sizes and the offset from the ZIP64 extra field where the record itself is masked, and reads the others
/// that mean something here. `None`: the field is malformed or lacks a value that is needed.
pub(super) fn widen(extra: &[u8], len: &mut u64, packed: &mut u64, offset: &mut u64) -> Option<Extras> {
    // A length of exactly 2^32 - 1 without the extra field is legal, and told apart by nothing but the field's absence.
    let mut needed: Vec<&mut u64> = [len, packed, offset]
        .into_iter()
        .filter(|value| **value == u64::from(MASK32))
        .collect();
    let mut extras = Extras::default();
    let mut rest = extra;
    while rest.len() >= 4 {
        let (id, size) = (get16(rest, 0), usize::from(get16(rest, 2)));
        let body = rest.get(4..4 + size)?;
        match id {
            EXTRA_ZIP64 => {
                let mut values = body.chunks_exact(8);
                for value in std::mem::take(&mut needed) {
                    *value = u64::from_le_bytes(values.next()?.try_into().ok()?);
                }
            }
            EXTRA_TIME if size >= 5 && body[0] & 1 != 0 => {
                extras.modified = Timestamp::from_second(i64::from(get32(body, 1) as i32)).ok();
            }
            EXTRA_MANIFEST => extras.is_manifest = true,
            _ => {}
        }
        rest = &rest[4 + size..];
    }
    Some(extras)
}

/// The moment that an MS-DOS date and time mean, taken as UTC.
pub(super) fn from_dos(value: u32) -> Option<Timestamp> {
    let (date, time) = (value >> 16, value & 0xffff);
    let date_time = jiff::civil::DateTime::new(
        1980 + (date >> 9) as i16,
        ((date >> 5) & 15) as i8,
        (date & 31) as i8,
        (time >> 11) as i8,
        ((time >> 5) & 63) as i8,
        ((time & 31) * 2) as i8,
        0,
    );
    date_time.ok()?.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
}

pub(super) fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn get64(bytes: &[u8], at: usize) -> u64 {
    u64::from(get32(bytes, at)) | u64::from(get32(bytes, at + 4)) << 32
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUGE: u64 = 5 << 32;

    fn facts() -> Facts {
        Facts {
            name: "storage/ü".into(),
            flags: FLAG_UTF8,
            method: DEFLATED,
            crc: 1,
            packed: HUGE,
            len: HUGE + 1,
            offset: HUGE + 2,
            modified: "2026-11-23T06:17:03Z".parse().ok(),
            mode: 0o100_644,
            is_manifest: false,
            zip64: true,
        }
    }

    /// What a reader gets out of the extra field of a record.
    fn read(record: &[u8], fixed: usize, at: [usize; 2]) -> (Extras, [u64; 3]) {
        let (name, extra) = (usize::from(get16(record, at[0])), usize::from(get16(record, at[0] + 2)));
        let mut values = [
            u64::from(get32(record, at[1] + 4)),
            u64::from(get32(record, at[1])),
            u64::from(MASK32),
        ];
        let [len, packed, offset] = &mut values;
        if fixed == LOCAL_LEN {
            *offset = 0;
        }
        let extras = widen(&record[fixed + name..fixed + name + extra], len, packed, offset).unwrap();
        (extras, values)
    }

    #[test]
    fn what_does_not_fit_in_32_bits_stands_in_the_zip64_field() {
        let facts = facts();
        let (extras, values) = read(&facts.central(), CENTRAL_LEN, [28, 20]);
        assert_eq!(values, [HUGE + 1, HUGE, HUGE + 2]);
        assert_eq!(extras.modified, facts.modified);
        let (_, values) = read(&facts.local(), LOCAL_LEN, [26, 18]);
        assert_eq!(values, [HUGE + 1, HUGE, 0]);
        assert_eq!(facts.descriptor().len(), 24);
    }

    #[test]
    fn a_zip64_field_that_lacks_a_value_is_malformed() {
        let mut masked = u64::from(MASK32);
        assert!(widen(&[1, 0, 4, 0, 0, 0, 0, 0], &mut masked, &mut 0, &mut 0).is_none());
        assert!(widen(&[1, 0, 9, 0, 0, 0, 0, 0], &mut masked, &mut 0, &mut 0).is_none());
    }

    #[test]
    fn dos_times_are_read_as_they_are_written_to_two_seconds() {
        let facts = facts();
        let read = from_dos(facts.dos_time()).unwrap();
        assert_eq!(read.to_string(), "2026-11-23T06:17:02Z");
        assert_eq!(from_dos(0), None, "month 0 of 1980");
    }
}
