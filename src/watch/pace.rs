//! How often to look. Pauses grow with the time that a deployment is on its way, are stretched where a release's share
//! of operations would not last otherwise, and meet the moments at which a look counts most.

use super::logs::LookTime;

/// Until which age of the watch a pause is how long, in seconds. The looks of the first minute are at 0, 10, 25, 45 and
/// 70 s.
const PAUSES: [(u64, u64); 7] =
    [(10, 10), (25, 15), (45, 20), (60, 25), (15 * 60, 30), (3600, 60), (24 * 3600, 5 * 60)];

/// How long a pause is after that.
const LONGEST_PAUSE: u64 = 30 * 60;

/// The longest pause while AWS gives no usable answer: trouble must be seen several times before it counts as more than
/// that.
const PAUSE_IN_TROUBLE: u64 = 60;

/// The shortest pause that a canary's short bake may ask for.
const PAUSE_FOR_CANARY: u64 = 30;

/// What the next pause goes by; all times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Since when the deployment is on its way without anything that holds it for days.
    pub(super) age: u64,
    /// Until the latest end of the deployment.
    pub(super) remaining: u64,
    /// The looks that are left to this release.
    pub(super) operations_left: u32,
    /// How long the canary bakes, while its logs are still to be judged.
    pub(super) canary_bake: Option<u64>,
    pub(super) is_in_trouble: bool,
}

impl Pace {
    /// The pause before the next look.
    pub(super) fn pause(&self) -> u64 {
        let left = u64::from(self.operations_left);
        if left <= 1 {
            return self.remaining.max(1);
        }
        let canary = self.canary_bake.map(|bake| (bake / 3).max(PAUSE_FOR_CANARY));
        // A short canary is worth more looks, but only where the share has them.
        let at_most = canary.filter(|&pause| looks(self.age, self.remaining, pause) <= left).unwrap_or(u64::MAX);
        let at_most = if self.is_in_trouble { at_most.min(PAUSE_IN_TROUBLE) } else { at_most };
        let needed = looks(self.age, self.remaining, u64::MAX).max(left);
        (grown(self.age).min(at_most).saturating_mul(needed)).div_ceil(left)
    }
}

/// A pause of about this length that meets a moment not far ahead: rather a little longer, and half as long at the
/// least, so that the moment costs no look more.
pub(super) fn meet(pause: u64, until: u64) -> u64 {
    let reach = pause.saturating_mul(3);
    if until == 0 || until > reach {
        return pause;
    }
    let looks = (2 * until).div_ceil(reach).max(1);
    until.div_ceil(looks)
}

/// How long before the end of the canary's bake the last look of it must be, in seconds: a stop takes a call or two,
/// and the waits that are asked for are a little shorter than those that pass.
pub(super) fn margin(bake: u64) -> u64 {
    20 + bake / 50
}

/// The moment at which the canary should be looked at once more: it is known to bake since `since` at the earliest.
pub(super) fn last_look_at_canary(since: u64, moment: &LookTime) -> Option<u64> {
    let bake = moment.bake.filter(|bake| *bake > 0)?;
    Some((since + bake).saturating_sub(margin(bake)))
}

fn grown(age: u64) -> u64 {
    PAUSES.iter().find(|(until, _)| age < *until).map_or(LONGEST_PAUSE, |(_, pause)| *pause)
}

/// The looks that the pauses above take from an age on for so long.
fn looks(age: u64, seconds: u64, at_most: u64) -> u64 {
    let (mut from, end, mut looks) = (age, age.saturating_add(seconds), 0);
    for (until, pause) in PAUSES {
        let until = until.min(end);
        if from < until {
            let count = (until - from).div_ceil(pause.min(at_most));
            looks += count;
            from = until;
        }
    }
    looks + (end - from).div_ceil(LONGEST_PAUSE.min(at_most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(age: u64, remaining: u64, operations_left: u32) -> Pace {
        Pace { age, remaining, operations_left, canary_bake: None, is_in_trouble: false }
    }

    #[test]
    fn pauses_grow() {
        let mut age = 0;
        let mut first = vec![0];
        while first.len() < 6 {
            age += grown(age);
            first.push(age);
        }
        assert_eq!(first, [0, 10, 25, 45, 70, 100]);
        for (age, pause) in [(899, 30), (900, 60), (3599, 60), (3600, 300), (86_399, 300), (86_400, 1800)] {
            assert_eq!(pace(age, 1_000_000, 3_000).pause(), pause, "{age}");
        }
    }

    #[test]
    fn a_share_is_spent_by_the_same_proportions_whatever_its_size() {
        for remaining in [7_560, 90_000, 180_000, 1_389_600, 30 * 86_400] {
            for share in [10, 50, 120, 1_000, 2_900] {
                let (mut elapsed, mut used) = (0, 0);
                while elapsed < remaining {
                    elapsed += pace(elapsed, remaining - elapsed, share - used).pause();
                    used += 1;
                    assert!(used <= share, "{remaining} s with {share}");
                }
            }
        }
        assert_eq!(
            pace(0, 1_389_600, 100).pause(),
            108,
            "two bakes of a day and a hook of two weeks begin swiftly as well"
        );
    }

    #[test]
    fn trouble_and_short_canaries_are_looked_at_more_often_where_the_share_allows() {
        assert_eq!(Pace { is_in_trouble: true, ..pace(90_000, 90_000, 1_000) }.pause(), 60);
        assert_eq!(Pace { canary_bake: Some(180), ..pace(4_000, 3_600, 1_000) }.pause(), 60);
        assert_eq!(Pace { canary_bake: Some(180), ..pace(4_000, 3_600, 20) }.pause(), 300);
        assert_eq!(Pace { canary_bake: Some(86_400), ..pace(4_000, 90_000, 1_000) }.pause(), 300);
    }

    #[test]
    fn a_moment_is_met_and_costs_no_look_more() {
        for until in 1..=300 {
            let (mut left, mut looks) = (until, 0);
            while left > 0 {
                let pause = meet(30, left);
                assert!(pause <= 45 && (pause <= left || left > 90), "{until}");
                (left, looks) = (left.saturating_sub(pause), looks + 1);
            }
            assert!(looks <= until.div_ceil(30), "{until}: {looks}");
        }
    }
}
