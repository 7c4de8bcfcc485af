//! The text of an answer while it is made. What becomes long goes to a file, so that it holds little memory.

use std::io::Write as _;

use super::list::Answer;
use super::meter::AnswerMeter;
use super::save::disk_error;
use crate::error::Result;
use crate::files::{FileStore, Receiving};

/// What an answer's text begins with, in bytes.
const TEXT: usize = 2 << 10;
/// How much of it is in memory at the most, in bytes, and one record.
const IN_MEMORY: usize = 512 << 10;

/// The text, as far as it is made.
pub(super) struct Spool<'a> {
    files: &'a FileStore,
    text: Vec<u8>,
    aside: Option<Receiving>,
    /// Whether there is no room for a file.
    stays: bool,
}

impl<'a> Spool<'a> {
    pub(super) fn new(files: &'a FileStore) -> Self {
        Self {
            files,
            text: Vec::with_capacity(TEXT),
            aside: None,
            stays: false,
        }
    }

    /// Has `write` write more, and says how many bytes these were.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.text.len();
        write(&mut self.text);
        self.text.len() - before
    }

    /// Puts aside what is too long for memory, and tells `meter`. Where there is no room for a file, all of it stays.
    ///
    /// # Errors
    ///
    /// Where the disk fails, or is full, after a part of it was written.
    pub(super) fn relieve(&mut self, meter: &AnswerMeter<'_>) -> Result<()> {
        if self.text.len() <= IN_MEMORY || self.stays {
            return Ok(());
        }
        if self.aside.is_none() {
            match self.files.receive("answer") {
                Ok(file) => self.aside = Some(file),
                Err(_) => self.stays = true,
            }
        }
        if let Some(file) = &mut self.aside {
            match file.write_all(&self.text) {
                Ok(()) => {
                    self.text.clear();
                    self.text.shrink_to(IN_MEMORY);
                    meter.put_aside();
                }
                Err(_) if file.received() == 0 => {
                    self.aside = None;
                    self.stays = true;
                }
                Err(error) => return Err(disk_error(error)),
            }
        }
        Ok(())
    }

    /// The answer, once all of it is written.
    ///
    /// # Errors
    ///
    /// As [`Spool::relieve`].
    pub(super) fn finish(self) -> Result<Answer> {
        let Some(mut file) = self.aside else {
            return Ok(Answer::Text(self.text));
        };
        file.write_all(&self.text).map_err(disk_error)?;
        Ok(Answer::PutAside(file))
    }
}
