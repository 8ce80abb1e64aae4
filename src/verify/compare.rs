//! Whether the new revision logs more errors than the old one, by a test for two proportions. It counts nothing and
//! knows no objects.

use std::f64::consts::SQRT_2;
use std::fmt;

use serde::{Deserialize, Serialize};

use log_objects::level::LevelCounts;

/// When the new revision counts as worse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compare {
    /// By how much its share of errors may be larger, from 0 to 1.
    pub margin: f64,
    /// How sure the test must be, from 0.5 to 1.
    pub confidence: f64,
    /// Below this many records of either revision nothing is decided.
    pub min_records: u64,
}

impl Default for Compare {
    fn default() -> Self {
        Self { margin: 0.01, confidence: 0.99, min_records: 50 }
    }
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// What was decided.
    pub decision: CompareVerdict,
    /// The share of errors of the new revision, from 0 to 1.
    pub new_ratio: f64,
    /// The share of errors of the old revision.
    pub old_ratio: f64,
    /// The margin that was allowed.
    pub margin: f64,
    /// How sure it is that the new revision is worse by more than the margin, from 0 to 1.
    pub confidence: f64,
}

/// What a comparison decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareVerdict {
    /// The new revision is worse, at the confidence that was asked for.
    Worse,
    /// Nothing says so.
    NotWorse,
    /// One of the two has too few records to compare.
    TooFew,
}

impl Compare {
    /// Compares the shares of errors: the one-sided test of a difference of two proportions against the margin, with
    /// one success and one failure added to each group, which keeps it honest for few errors and for none (A. Agresti
    /// and B. Caffo, The American Statistician 54, 2000). Records of one cause come in bunches, so the confidence is
    /// that of the arithmetic, not of the world.
    #[expect(clippy::cast_precision_loss, reason = "no verification reads 2^52 records")]
    pub fn judge(&self, new: &LevelCounts, old: &LevelCounts) -> Comparison {
        let adjusted = |levels: &LevelCounts| ((levels.error + 1) as f64, (levels.total() + 2) as f64);
        let ((new_errors, new_total), (old_errors, old_total)) = (adjusted(new), adjusted(old));
        let (p, q) = (new_errors / new_total, old_errors / old_total);
        let deviation = (p * (1.0 - p) / new_total + q * (1.0 - q) / old_total).sqrt();
        let confidence = normal((p - q - self.margin) / deviation);
        let decision = if new.total().min(old.total()) < self.min_records.max(1) {
            CompareVerdict::TooFew
        } else if confidence >= self.confidence {
            CompareVerdict::Worse
        } else {
            CompareVerdict::NotWorse
        };
        Comparison {
            decision,
            new_ratio: new.error_ratio(),
            old_ratio: old.error_ratio(),
            margin: self.margin,
            confidence,
        }
    }
}

/// The standard normal distribution.
fn normal(z: f64) -> f64 {
    libm::erfc(-z / SQRT_2) / 2.0
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (new, old) = (self.new_ratio * 100.0, self.old_ratio * 100.0);
        let margin = self.margin * 100.0;
        match self.decision {
            CompareVerdict::TooFew => f.write_str("too few records to compare the revisions"),
            CompareVerdict::Worse => {
                let confidence = match self.confidence {
                    sure if sure > 0.999 => "over 99.9".to_owned(),
                    sure => format!("{:.1}", sure * 100.0),
                };
                write!(
                    f,
                    "{new:.1} % of the new revision's records are errors and {old:.1} % of the old one's: worse by more than the \
                     margin of {margin} %, at {confidence} % confidence"
                )
            }
            CompareVerdict::NotWorse => {
                write!(
                    f,
                    "{new:.1} % of the new revision's records are errors and {old:.1} % of the old one's: not worse"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(error: u64, total: u64) -> LevelCounts {
        LevelCounts { error, info: total - error, ..LevelCounts::default() }
    }

    fn decide(new: (u64, u64), old: (u64, u64)) -> CompareVerdict {
        Compare::default().judge(&levels(new.0, new.1), &levels(old.0, old.1)).decision
    }

    #[test]
    fn clear_cases_are_decided_and_few_records_are_not() {
        assert_eq!(decide((30, 100), (10, 1000)), CompareVerdict::Worse);
        assert_eq!(decide((100, 100), (0, 100)), CompareVerdict::Worse);
        assert_eq!(decide((1, 100), (10, 1000)), CompareVerdict::NotWorse);
        assert_eq!(decide((0, 100), (0, 100)), CompareVerdict::NotWorse);
        assert_eq!(decide((50, 50), (50, 50)), CompareVerdict::NotWorse);
        assert_eq!(decide((49, 49), (0, 100_000)), CompareVerdict::TooFew);
        assert_eq!(decide((100, 100), (0, 49)), CompareVerdict::TooFew);
        assert_eq!(decide((0, 0), (0, 0)), CompareVerdict::TooFew);
    }

    #[test]
    fn a_difference_within_the_margin_is_never_worse() {
        let compare = Compare { margin: 0.1, confidence: 0.5, min_records: 1 };
        let judge = |new: u64| compare.judge(&levels(new, 1_000_000), &levels(0, 1_000_000)).decision;
        assert_eq!((judge(99_000), judge(101_000)), (CompareVerdict::NotWorse, CompareVerdict::Worse));
    }

    /// The values of the printed table.
    #[test]
    fn the_normal_distribution_is_the_one_of_the_tables() {
        for (z, probability) in [(0.0, 0.5), (1.0, 0.841_345), (1.959_964, 0.975), (2.326_348, 0.99), (-3.0, 0.001_350)]
        {
            assert!((normal(z) - probability).abs() < 1e-6, "{z}");
        }
    }

    /// Of many comparisons of a service with itself, few may say worse: at 99 % about one in a hundred, and the margin
    /// makes it fewer.
    #[test]
    fn two_equal_revisions_are_rarely_told_apart() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut errors = |total: u64| {
            let mut count = 0;
            for _ in 0..total {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                count += u64::from(state % 100 < 5);
            }
            count
        };
        let compare = Compare { margin: 0.0, ..Compare::default() };
        let worse = (0..2_000)
            .filter(|_| {
                let (new, old) = (levels(errors(200), 200), levels(errors(400), 400));
                compare.judge(&new, &old).decision == CompareVerdict::Worse
            })
            .count();
        assert!((4..60).contains(&worse), "{worse} of 2,000");
    }

    #[test]
    fn it_says_what_it_compared() {
        let told = |new, old| Compare::default().judge(&new, &old).to_string();
        assert_eq!(
            told(levels(30, 100), levels(10, 1000)),
            "30.0 % of the new revision's records are errors and 1.0 % of the old one's: \
             worse by more than the margin of 1 %, at over 99.9 % confidence"
        );
        assert_eq!(told(levels(3, 10), levels(10, 1000)), "too few records to compare the revisions");
    }
}
