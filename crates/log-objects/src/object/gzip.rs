//! A gzip stream, inflated as it arrives: one member for an object of one upload, one for each part of a multipart
//! upload.

use flate2::{Decompress, FlushDecompress, Status};

use crate::problem::{MAX_MEMBERS, Problem};
use crate::record::Record;
use crate::text::Text;

/// How much is inflated at a time. The inflater copies its last 32 KiB aside each time, so a small window costs as much
/// as the text.
const WINDOW: usize = 128 << 10;

/// A gzip stream of several members.
#[derive(Debug)]
pub(super) struct Gzip {
    stream: Decompress,
    window: Vec<u8>,
    members: u32,
    is_inside: bool,
}

impl Default for Gzip {
    fn default() -> Self {
        Self { stream: Decompress::new_gzip(15), window: vec![0; WINDOW], members: 0, is_inside: false }
    }
}

impl Gzip {
    /// Whether a member has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }

    pub(super) fn push(
        &mut self,
        input: &[u8],
        text: &mut Text,
        sink: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Problem> {
        let mut rest = input;
        let mut is_full = false;
        while !rest.is_empty() || is_full {
            if !self.is_inside {
                self.members += 1;
                if self.members > MAX_MEMBERS {
                    return Err(Problem::Members);
                }
                self.is_inside = true;
            }
            let (taken, given) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(rest, &mut self.window, FlushDecompress::None);
            // What came out before the damage is still text.
            let length = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let given = self.window.get(..length(self.stream.total_out() - given)).unwrap_or(&self.window);
            rest = rest.get(length(self.stream.total_in() - taken)..).unwrap_or_default();
            text.push(given, sink)?;
            match status.map_err(|error| Problem::Damaged("gzip", error.to_string()))? {
                Status::StreamEnd => {
                    self.is_inside = false;
                    is_full = false;
                    self.stream.reset(true);
                }
                Status::Ok => is_full = given.len() == self.window.len(),
                Status::BufError => return Ok(()),
            }
        }
        Ok(())
    }
}
