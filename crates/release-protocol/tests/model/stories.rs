//! The stories that are explored: events in the order of their times, and which executions there are.

use super::world::{Event, Fault, Story};

/// A push of an image. Image 0 is what runs at first; 5 and up are bad.
pub(crate) fn push(image: u8) -> Event {
    Event { is_push: true, document: 0, image, is_deployable: true }
}

/// An upload of a document that names an image.
pub(crate) fn upload(document: u8, image: u8) -> Event {
    Event { is_push: false, document, image, is_deployable: true }
}

/// A push that the checks refuse.
pub(crate) fn rejected(image: u8) -> Event {
    Event { is_deployable: false, ..push(image) }
}

/// A story without faults in which ECS lets a newer update take the place of a running one.
pub(crate) fn story(name: &'static str, events: Vec<Event>, executions: Vec<usize>) -> Story {
    Story { name, events, executions, refuses: false, faults: 0, kinds: Fault::ALL.to_vec(), without: None }
}

/// Every story of so many executions.
pub(crate) fn stories(executions: usize) -> Vec<Story> {
    let all = vec![
        story("a push", vec![push(1)], vec![0]),
        story("a bad push", vec![push(5)], vec![0]),
        story("a push delivered twice", vec![push(1)], vec![0, 0]),
        story("a bad push delivered twice", vec![push(5)], vec![0, 0]),
        story("two pushes", vec![push(1), push(2)], vec![0, 1]),
        story("a bad push, a push", vec![push(5), push(2)], vec![0, 1]),
        story("a push, a bad push", vec![push(1), push(5)], vec![0, 1]),
        story("two bad pushes", vec![push(5), push(6)], vec![0, 1]),
        story("push, revert", vec![push(1), push(0)], vec![0, 1]),
        story("bad push, revert", vec![push(5), push(0)], vec![0, 1]),
        story("two tags on one digest", vec![push(1), push(1)], vec![0, 1]),
        story("two tags on one bad digest", vec![push(5), push(5)], vec![0, 1]),
        story("upload, push", vec![upload(1, 1), push(2)], vec![0, 1]),
        story("bad upload, push", vec![upload(5, 1), push(2)], vec![0, 1]),
        story("push, upload", vec![push(2), upload(1, 1)], vec![0, 1]),
        story("two uploads", vec![upload(1, 1), upload(2, 1)], vec![0, 1]),
        story("push, rejected", vec![push(1), rejected(2)], vec![0, 1]),
        story("bad push, rejected", vec![push(5), rejected(2)], vec![0, 1]),
        story("three pushes", vec![push(1), push(2), push(3)], vec![0, 1, 2]),
        story("push, push, revert", vec![push(1), push(2), push(0)], vec![0, 1, 2]),
        story("X, Y, X again", vec![push(1), push(2), push(1)], vec![0, 1, 2]),
        story("bad X, Y, bad X again", vec![push(5), push(2), push(5)], vec![0, 1, 2]),
        story("X, bad Y, X again", vec![push(1), push(5), push(1)], vec![0, 1, 2]),
        story("bad, bad, good", vec![push(5), push(6), push(2)], vec![0, 1, 2]),
        story("good, bad, bad", vec![push(1), push(5), push(6)], vec![0, 1, 2]),
        story("bad, good, bad", vec![push(5), push(1), push(6)], vec![0, 1, 2]),
        story("two pushes, the second twice", vec![push(1), push(2)], vec![0, 1, 1]),
        story("two pushes, the first twice", vec![push(1), push(2)], vec![0, 0, 1]),
        story("two tags, the second twice", vec![push(1), push(1)], vec![0, 1, 1]),
        story("two tags, the first twice", vec![push(1), push(1)], vec![0, 0, 1]),
        story("two tags on a bad digest, the first twice", vec![push(5), push(5)], vec![0, 0, 1]),
        story("two tags on a bad digest, the second twice", vec![push(5), push(5)], vec![0, 1, 1]),
        story("push, upload, push", vec![push(1), upload(1, 2), push(3)], vec![0, 1, 2]),
        story("upload, push, upload", vec![upload(1, 1), push(2), upload(2, 3)], vec![0, 1, 2]),
        story("four pushes", vec![push(1), push(2), push(3), push(4)], vec![0, 1, 2, 3]),
        story("X, Y, X, revert", vec![push(1), push(2), push(1), push(0)], vec![0, 1, 2, 3]),
        story("bad, X, bad, Y", vec![push(5), push(1), push(6), push(2)], vec![0, 1, 2, 3]),
        story("push, bad, both twice", vec![push(1), push(5)], vec![0, 0, 1, 1]),
        story("X, Y, X, the third twice", vec![push(1), push(2), push(1)], vec![0, 1, 2, 2]),
        story("upload, bad push, push", vec![upload(1, 1), push(5), push(3)], vec![0, 1, 2]),
        story("upload, push, bad, push", vec![upload(1, 1), push(2), push(5), push(3)], vec![0, 1, 2, 3]),
    ];
    all.into_iter().filter(|story| story.executions.len() == executions).collect()
}

/// Each of them under both answers of ECS, with so many faults of any kind.
pub(crate) fn under(stories: Vec<Story>, faults: u8) -> Vec<Story> {
    let with = |refuses: bool| move |story: Story| Story { refuses, faults, ..story };
    stories.into_iter().flat_map(|story| [with(false)(story.clone()), with(true)(story)]).collect()
}
