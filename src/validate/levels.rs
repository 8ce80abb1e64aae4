//! What somebody decided about rules by their ids: findings that are let pass, findings that reject. It knows no rule's
//! meaning.

use serde::{Deserialize, Serialize};

use super::nearest::nearest;
use super::{Finding, Kind, RuleId, Severity, rules};

/// Rules that are allowed, and rules that are denied: `[service.rules]` in the configuration, `--allow` and `--deny` on
/// the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLevels {
    /// The ids of rules whose findings are dropped.
    pub allow: Vec<String>,
    /// The ids of rules whose findings are errors. A rule that is allowed too is allowed.
    pub deny: Vec<String>,
}

impl RuleLevels {
    /// How bad the findings of a rule are; `None` where they are dropped.
    pub(crate) fn level_of(&self, kind: Kind) -> Option<Severity> {
        let names = |ids: &[String]| ids.iter().any(|id| id == kind.id);
        if names(&self.allow) {
            return None;
        }
        Some(if names(&self.deny) { Severity::Error } else { kind.severity })
    }

    /// Drops and raises what is to be dropped and raised; the worst findings come first again.
    pub fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.allow.iter().any(|id| finding.rule == id.as_str()));
        for finding in findings.iter_mut().filter(|finding| self.deny.iter().any(|id| finding.rule == id.as_str())) {
            finding.severity = Severity::Error;
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
}

/// Why an id does not name a rule, with the one that was probably meant; `None` when it names one.
pub fn unknown_rule(id: &str) -> Option<String> {
    if RuleId::find(id).is_some() {
        return None;
    }
    Some(match nearest(id, rules::KINDS.iter().map(|rule| rule.id)) {
        Some(meant) => format!("`{id}` is not a rule; did you mean `{}`?", meant.name),
        None => format!("`{id}` is not a rule; `express-deployer rules` lists them"),
    })
}

/// Why a rule cannot be allowed; `None` when it can.
pub fn refused_allowance(id: &str) -> Option<String> {
    let is_final = rules::KINDS.iter().any(|rule| rule.id == id && rule.is_final);
    let refusal = || format!("`{id}` cannot be allowed: nothing can be deployed while that finding stands");
    unknown_rule(id).or_else(|| is_final.then(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, severity: Severity) -> Finding {
        Finding {
            rule: RuleId::find(rule).unwrap(),
            severity,
            pointer: "".into(),
            message: "m".into(),
            help: "h".into(),
        }
    }

    const A: &str = "missing-fargate";
    const B: &str = "late-log-upload";
    const C: &str = "changed-family";

    #[test]
    fn allowed_findings_go_and_denied_ones_become_errors() {
        let mut findings = vec![finding(A, Severity::Error), finding(B, Severity::Warning), finding(C, Severity::Hint)];
        let levels = RuleLevels { allow: vec![A.into()], deny: vec![A.into(), C.into()] };
        levels.apply(&mut findings);
        assert_eq!(findings, [finding(C, Severity::Error), finding(B, Severity::Warning)]);
    }

    #[test]
    fn a_mistyped_id_is_told_what_was_meant() {
        assert_eq!(unknown_rule("unknown-member"), None);
        assert_eq!(
            unknown_rule("unknown-membr").unwrap(),
            "`unknown-membr` is not a rule; did you mean `unknown-member`?"
        );
        assert!(unknown_rule("zzzzzzzz").unwrap().contains("express-deployer rules"));
    }

    #[test]
    fn what_keeps_everything_from_being_deployed_cannot_be_allowed() {
        assert_eq!(refused_allowance("late-log-upload"), None);
        assert_eq!(refused_allowance("changed-family"), None);
        assert!(refused_allowance("absent-image").unwrap().contains("cannot be allowed"));
        assert!(refused_allowance("no-such-rule").unwrap().contains("is not a rule"));
    }
}
