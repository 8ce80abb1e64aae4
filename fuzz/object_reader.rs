//! What must hold when a log object is read, its cut lines are joined and its records' levels and events are looked
//! for, whatever its bytes are. It makes no bytes.

use log_objects::event::Events;
use log_objects::level::{Rows, Stated};
use log_objects::object::ObjectReader;
use log_objects::problem::MAX_LINE;
use log_objects::text::Lines;

/// The decoded bytes that a reader may take.
const LIMIT: u64 = 1 << 20;

/// Reads an object from bytes whose first two say how: what a line is, whether snappy is expected, and in how large
/// pieces the rest comes.
pub(super) fn read(data: &[u8]) {
    let [how, piece, body @ ..] = data else { return };
    let lines = if how & 1 == 0 { Lines::Json } else { Lines::Bare };
    let mut reader = ObjectReader::new(lines, LIMIT);
    if how & 2 != 0 {
        reader = reader.expecting_snappy();
    }
    let (mut messages, mut events) = (0_u64, Events::default());
    let mut sink = |record: &log_objects::record::Record<'_>| {
        assert!(record.message.len() <= 4 * MAX_LINE, "a message is longer than a line and its replacement characters");
        events.begins(record, Stated::of(&record.message, Rows::default()));
        messages += 1;
    };
    for chunk in body.chunks(usize::from(*piece) * 8 + 1) {
        reader.push(chunk, &mut sink);
        assert!(reader.decoded() <= LIMIT, "more was decoded than may be");
        if !reader.is_open() {
            break;
        }
    }
    let most = reader.decoded() + body.len() as u64; // A short object is only decoded at its end.
    let (problems, pieces) = reader.finish_open(&mut sink);
    // What is open goes on in the same bytes once more.
    let mut next = ObjectReader::new(lines, LIMIT).following(pieces);
    next.push(body, &mut |record| assert!(record.message.len() <= 4 * MAX_LINE));
    next.finish(&mut |_| {});
    assert!(messages <= most, "there are more records than bytes");
    assert!(problems.len() <= 4, "problems are summed up");
}
