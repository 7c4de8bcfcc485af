//! How many values a JSON text has, told without reading it into memory.

/// How many a body may have: each takes some fifty times its shortest text in memory.
const MOST: usize = 1_000_000;
/// How many of them may be objects: one of a single key takes as much as one of eleven.
const MOST_OBJECTS: usize = 100_000;

/// What a value takes beside its text until its request is answered, in bytes.
const VALUE: usize = 160;
/// What an object does.
const OBJECT: usize = 2_000;

/// Counts values piece by piece. It finds as many in anything that is no JSON as it would be if it were.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counter {
    values: usize,
    objects: usize,
    in_text: bool,
    escaped: bool,
}

impl Counter {
    /// Goes on with a piece.
    pub fn add(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'{' if !self.in_text => {
                    self.values += 1;
                    self.objects += 1;
                }
                b',' | b'[' if !self.in_text => self.values += 1,
                _ => {}
            }
        }
    }

    /// What they take beside their text, in bytes.
    pub fn weight(&self) -> usize {
        self.values * VALUE + self.objects * OBJECT
    }

    /// Whether there are more than are read into memory.
    pub fn is_too_many(&self) -> bool {
        self.values > MOST || self.objects > MOST_OBJECTS
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    fn counted(json: &str) -> Counter {
        let mut counter = Counter::default();
        json.as_bytes().chunks(7).for_each(|piece| counter.add(piece));
        counter
    }

    /// One request of 31 MiB took 1.7 GB of memory, from any client.
    #[test]
    fn a_body_of_millions_of_values_is_refused_and_one_of_long_texts_is_not() {
        let ones = format!("{{\"a\":[{}1]}}", "1,".repeat(MOST));
        assert!(counted(&ones).is_too_many());
        let text = format!("{{\"a\":\"\\\"{}\"}}", ",[{".repeat(MOST));
        assert!(serde_json::from_str::<Map<String, Value>>(&text).is_ok());
        assert_eq!(counted(&text).values, 1);
        let objects = format!("{{\"a\":[{}1]}}", "{},".repeat(MOST_OBJECTS));
        assert!(counted(&objects).is_too_many());
    }
}
