//! Sizes of tasks in the spellings that ECS takes. Which sizes Fargate offers is not its business.

/// The size in 1/1024 of the unit: a plain number is that already, `1 vCPU` and `.5 GB` are not. `None` for any other
/// spelling.
pub(crate) fn in_units(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(&unit.to_ascii_lowercase()) else { return text.parse().ok() };
    let (whole, fraction) = number.trim_end().split_once('.').unwrap_or((number.trim_end(), ""));
    if whole.len() + fraction.len() == 0 || whole.len() > 9 || fraction.len() > 9 {
        return None;
    }
    let digits = |part: &str| if part.is_empty() { Some(0) } else { part.parse::<u64>().ok() };
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let scaled = (digits(whole)? * scale + digits(fraction)?) * 1_024;
    scaled.is_multiple_of(scale).then(|| scaled / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_spellings() {
        let vcpus = |text| in_units(text, "vCPU");
        assert_eq!(
            ["256", "1 vCPU", ".25 vcpu", "0.5vCPU", " 2 VCPU ", "32 vCPU"].map(vcpus),
            [256, 1_024, 256, 512, 2_048, 32_768].map(Some)
        );
        assert_eq!(["", "vCPU", ".vCPU", "1.5", "0.3 vCPU", "-1", "1 GB", "12345678901 vCPU"].map(vcpus), [None; 8]);
        assert_eq!(["512", "2 GB", "0.5GB"].map(|text| in_units(text, "GB")), [512, 2_048, 512].map(Some));
    }
}
