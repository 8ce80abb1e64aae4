//! What follows from the way in which a deployment went: whose place was taken, and where the way back leads. Pure: no
//! I/O.

use serde::{Deserialize, Serialize};

use crate::head::{Head, Target};
use crate::plan::{Past, Service};
use crate::{Names, Release};

/// How often a release updates again because a stray call took its place.
pub const MAX_REPAIRS: u8 = 2;

/// A deployment in ECS's list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Listed<N: Names> {
    /// The service revision that it brings.
    pub revision: N::Revision,
    /// That revision's task definition, where ECS tells it.
    pub definition: Option<N::Definition>,
    /// Whether it got through.
    pub is_successful: bool,
}

/// How a deployment went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Went {
    /// It is through, and good as far as anybody can tell.
    Good,
    /// It was found bad while it runs.
    Bad,
    /// It was found bad and is through.
    BadAndThrough,
    /// Bad, or unproven, and to be left as it is.
    LeftAsItIs,
    /// ECS rolled it back.
    RolledBack,
    /// It was stopped.
    Stopped,
    /// ECS could neither finish it nor roll it back, or it cannot be followed any more.
    Lost,
}

/// What a release does whose deployment was stopped without its doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Displaced<N: Names> {
    /// A second deployment of its own took the place: follow that one.
    Follow(Target<N>),
    /// A call that was given up took the place: update again.
    Repair,
    /// The service runs its revision, which nobody has proved: take it back.
    Restore,
    /// Another execution of the same event owns the service.
    Duplicate,
    /// A newer release owns the service.
    Superseded,
    /// Somebody deployed by hand, or the deployment failed: that stands, and is said.
    Fail,
}

/// Decides for a release whose deployment is STOPPED. ECS says so of a deployment that a newer one took the place of,
/// and of one that failed without a rollback (Amazon ECS API reference, `ServiceDeployment`): whether a newer one
/// exists tells them apart.
pub fn displaced<N: Names>(
    me: &Release<N>,
    past: &Past<N>,
    head: Option<&Head<N>>,
    target: &Target<N>,
    service: &Service<N>,
    deployments: &[Listed<N>],
) -> Displaced<N> {
    let mut newer = deployments.iter().take_while(|listed| listed.revision != target.revision).peekable();
    if newer.peek().is_none() {
        return if service.desired == target.definition { Displaced::Restore } else { Displaced::Fail };
    }
    // Without a head nobody else is known to own the service.
    let Some(head) = head else { return Displaced::Fail };
    if !head.is_owned_by(me) {
        return if head.is_of(me) { Displaced::Duplicate } else { Displaced::Superseded };
    }
    if let Some(own) = newer.find(|listed| listed.definition.as_ref() == Some(&target.definition)) {
        return Displaced::Follow(Target { definition: target.definition.clone(), revision: own.revision.clone() });
    }
    if head.is_stray(&service.desired) && past.repairs < MAX_REPAIRS {
        return Displaced::Repair;
    }
    Displaced::Fail
}

/// Where the way back leads, if anywhere: to the newest deployment before the failed one that got through and was a
/// person's, or the newest release that was proved; what got through unproved is passed over. Only to what ECS itself
/// names as this service's: the head is a record that others may write.
pub fn way_back<N: Names>(
    past: &Past<N>,
    head: &Head<N>,
    failed: &Target<N>,
    deployments: &[Listed<N>],
) -> Option<N::Definition> {
    let older = deployments.iter().skip_while(|listed| listed.revision != failed.revision).skip(1);
    let mut through = older.filter(|listed| listed.is_successful).filter_map(|listed| listed.definition.as_ref());
    let good = head.last_good.as_ref().map(|good| &good.definition);
    let proven = |definition: &&N::Definition| {
        **definition != failed.definition && (Some(*definition) == good || !head.names(definition))
    };
    if let Some(previous) = through.find(proven) {
        return Some(previous.clone());
    }
    let good = good?;
    let is_listed = deployments.iter().any(|listed| listed.definition.as_ref() == Some(good));
    let is_known = is_listed || past.active.as_ref() == Some(good);
    (is_known && *good != failed.definition).then(|| good.clone())
}

/// The deployments of others that came between the last look before an update and that update: it took their place, and
/// the report has to say so.
pub fn replaced<N: Names>(
    past: &Past<N>,
    head: Option<&Head<N>>,
    target: &Target<N>,
    deployments: &[Listed<N>],
) -> Vec<Listed<N>> {
    let older = deployments.iter().skip_while(|listed| listed.revision != target.revision).skip(1);
    let between = older.take_while(|listed| Some(&listed.revision) != past.newest.as_ref());
    between.filter(|listed| is_foreign(past, head, listed)).cloned().collect()
}

/// The deployments of others that came after a bad one and are not the newest any more, nor what its way back leads to:
/// that way back may have taken their place, where nobody remembers what it did.
pub fn replaced_on_the_way_back<N: Names>(
    past: &Past<N>,
    head: Option<&Head<N>>,
    failed: &Target<N>,
    deployments: &[Listed<N>],
) -> Vec<Listed<N>> {
    let back = head.and_then(|head| way_back(past, head, failed, deployments));
    let newer = deployments.iter().take_while(|listed| listed.revision != failed.revision).skip(1);
    let others = newer.filter(|listed| listed.definition != back && is_foreign(past, head, listed));
    others.cloned().collect()
}

/// Whether nobody knows a deployment's task definition as a release's.
fn is_foreign<N: Names>(past: &Past<N>, head: Option<&Head<N>>, listed: &Listed<N>) -> bool {
    let named = |definition| head.is_some_and(|head| head.names(definition));
    let own = |definition| Some(definition) == past.registered.as_ref();
    listed.definition.as_ref().is_none_or(|definition| !own(definition) && !named(definition))
}
