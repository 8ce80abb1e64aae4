//! What somebody decided about rules by their ids: findings that are let pass, findings that reject. It knows no rule's meaning.

use serde::{Deserialize, Serialize};

use super::nearest::nearest;
use super::{Finding, Severity, rules};

/// Rules that are allowed, and rules that are denied: `[service.rules]` in the configuration, `--allow` and `--deny` on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// The ids of rules whose findings are dropped.
    pub allow: Vec<String>,
    /// The ids of rules whose findings are errors. A rule that is allowed too is allowed.
    pub deny: Vec<String>,
}

impl Levels {
    /// Drops and raises what is to be dropped and raised; the worst findings come first again.
    pub fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.allow.contains(&finding.rule));
        for finding in findings.iter_mut().filter(|finding| self.deny.contains(&finding.rule)) {
            finding.severity = Severity::Error;
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
}

/// Why an id names no rule, with the one that was probably meant; `None` when it names one.
pub fn unknown_rule(id: &str) -> Option<String> {
    if rules::CHECKS.iter().any(|rule| rule.id == id) {
        return None;
    }
    Some(match nearest(id, rules::CHECKS.iter().map(|rule| rule.id)) {
        Some(meant) => format!("`{id}` is no rule; did you mean `{}`?", meant.name),
        None => format!("`{id}` is no rule; `express-deployer rules` lists them"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, severity: Severity) -> Finding {
        Finding { rule: rule.into(), severity, pointer: String::new(), message: "m".into(), help: "h".into() }
    }

    #[test]
    fn allowed_findings_go_and_denied_ones_become_errors() {
        let mut findings =
            vec![finding("a", Severity::Error), finding("b", Severity::Warning), finding("c", Severity::Hint)];
        let levels = Levels { allow: vec!["a".into()], deny: vec!["a".into(), "c".into()] };
        levels.apply(&mut findings);
        assert_eq!(findings, [finding("c", Severity::Error), finding("b", Severity::Warning)]);
    }

    #[test]
    fn a_mistyped_id_is_told_what_was_meant() {
        assert_eq!(unknown_rule("unknown-member"), None);
        assert_eq!(
            unknown_rule("unknown-membr").unwrap(),
            "`unknown-membr` is no rule; did you mean `unknown-member`?"
        );
        assert!(unknown_rule("zzzzzzzz").unwrap().contains("express-deployer rules"));
    }
}
