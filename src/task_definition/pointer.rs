//! The steps of JSON pointers (RFC 6901): names as they are written in a pointer, and back. It follows no pointer.

/// A member's name as a step of a pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name that a step of a pointer stands for.
pub fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for (name, step) in [("a", "a"), ("a/b", "a~1b"), ("~1", "~01"), ("~/~", "~0~1~0"), ("", "")] {
            assert_eq!((escape(name).as_str(), unescape(step).as_str()), (step, name));
        }
    }
}
