//! The table of rules, in the order in which they run. One rule is one file and two lines here; nothing else knows a rule by name.

use super::Rule;

/// Every rule.
pub static TABLE: &[&Rule] = &[];
