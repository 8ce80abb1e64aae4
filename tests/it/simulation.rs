//! Whole executions under schedules that a seed decides.

#![cfg(test)]

use express_deployer::sandbox::simulation;

#[test]
fn a_seed_gives_the_same_calls_every_time() {
    for seed in [3, 11, 29] {
        let (first, second) = (simulation::run(seed).unwrap(), simulation::run(seed).unwrap());
        let differs = first.decisions.iter().zip(&second.decisions).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!((first.hash, &first.ends), (second.hash, &second.ends), "seed {seed}");
        assert!(first.calls > 0, "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_run() {
    assert_ne!(simulation::run(3).unwrap().hash, simulation::run(4).unwrap().hash);
}
