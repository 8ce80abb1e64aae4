//! Holds `cpu` and `memory` of the task to the pairs that Fargate offers. What containers ask for is not added up here.

use crate::task_definition::size;
use crate::validate::{Findings, Origin, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-fargate-size",
    severity: Severity::Error,
    summary: "`cpu` and `memory` are not a pair that Fargate offers",
    why: "ECS refuses the registration with \"No Fargate configuration exists for given values\". Fargate offers fixed \
        amounts of memory for each amount of CPU.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Refused {
        words: "No Fargate configuration exists for given values",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/463",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// The first and last of a row of sizes in MiB, and the step between them.
pub(in crate::validate) type Steps = (u64, u64, u64);

/// The memory sizes in MiB that go with a `cpu` in units of 1/1024 vCPU (Amazon ECS developer guide,
/// "Task definition parameters for Fargate", task size).
pub(in crate::validate) const SIZES: [(u64, &[Steps]); 8] = [
    (256, &[(512, 512, 1), (1_024, 2_048, 1_024)]),
    (512, &[(1_024, 4_096, 1_024)]),
    (1_024, &[(2_048, 8_192, 1_024)]),
    (2_048, &[(4_096, 16_384, 1_024)]),
    (4_096, &[(8_192, 30_720, 1_024)]),
    (8_192, &[(16_384, 61_440, 4_096)]),
    (16_384, &[(32_768, 122_880, 8_192)]),
    (32_768, &[(61_440, 122_880, 61_440), (249_856, 249_856, 1)]),
];

/// Up to here the sizes are settled; 32 vCPU are new, not offered in every region, and what comes above may be newer
/// than this program.
const LARGEST_SETTLED: u64 = 16_384;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    // A live definition runs, so the table is out of date rather than the definition wrong.
    let wrong = if subject.origin == Origin::Live { Severity::Warning } else { Severity::Error };
    let amount = |member, unit, report: &mut Findings<'_>| {
        let text = subject.definition.text(member).filter(|text| !text.is_empty())?;
        let amount = size::in_units(text, unit);
        if amount.is_none() {
            let starts_with_number = text.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let severity = if starts_with_number { Severity::Warning } else { wrong };
            let help = format!("write the plain number, or a number of {unit} as in `\"1 {unit}\"`");
            report.add_as(severity, format!("/{member}"), format!("{} is not a documented size", quoted(text)), help);
        }
        amount
    };
    let (cpu, memory) = (amount("cpu", "vCPU", report), amount("memory", "GB", report));
    let Some(cpu) = cpu else { return };
    let unsettled = if cpu > LARGEST_SETTLED { Severity::Warning } else { wrong };
    let Some((_, ranges)) = SIZES.iter().find(|(size, _)| *size == cpu) else {
        let sizes: Vec<String> = SIZES.iter().map(|(size, _)| size.to_string()).collect();
        report.add_as(
            unsettled,
            "/cpu",
            format!("Fargate has no size with `cpu` {cpu}"),
            format!("use one of {}", sizes.join(", ")),
        );
        return;
    };
    if let Some(memory) = memory.filter(|memory| !offers(ranges, *memory)) {
        report.add_as(
            unsettled,
            "/memory",
            format!("Fargate does not offer `memory` {memory} with `cpu` {cpu}"),
            format!("with this `cpu`, use {}", listed(ranges)),
        );
    } else if cpu > LARGEST_SETTLED {
        report.add_as(
            Severity::Warning,
            "/cpu",
            format!("`cpu` {cpu} is a new size that not every region has"),
            "if the registration is refused, use at most 16384",
        );
    }
}

fn offers(ranges: &[Steps], memory: u64) -> bool {
    ranges
        .iter()
        .any(|(first, last, step)| (*first..=*last).contains(&memory) && (memory - first).is_multiple_of(*step))
}

fn listed(ranges: &[Steps]) -> String {
    let words = ranges.iter().map(|(first, last, step)| match last {
        last if last == first => first.to_string(),
        last => format!("{first} to {last} in steps of {step}"),
    });
    words.collect::<Vec<_>>().join(", or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_table_is_offered_and_its_neighbours_are_not() {
        let offered = |cpu, memory| SIZES.iter().any(|(size, ranges)| *size == cpu && offers(ranges, memory));
        for (cpu, memory) in
            [(256, 512), (256, 1_024), (256, 2_048), (1_024, 7_168), (16_384, 122_880), (32_768, 249_856)]
        {
            assert!(offered(cpu, memory), "{cpu} {memory}");
        }
        for (cpu, memory) in
            [(256, 513), (256, 3_072), (512, 512), (2_048, 4_097), (8_192, 17_408), (300, 512), (32_768, 65_536)]
        {
            assert!(!offered(cpu, memory), "{cpu} {memory}");
        }
    }
}
