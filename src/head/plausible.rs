//! Whether a head is one that a release of this service can have written. A forged head that is plausible holds
//! releases back and chooses none; one that is not is refused here, before anything is made of it.

use jiff::{SignedDuration, Timestamp};
use release_protocol::head::{Base, Fence, FormerOwner, LastGood, Owner, Stray, Target};

use super::{Head, MAX_HEAD, Recent};
use crate::config::ServiceArn;
use crate::text::Text;
use crate::trigger::Order;

/// How far ahead of the clock an event's time may lie; one that lies further is put to its arrival, so no order can.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The members and items that a head may have, all in all; a release writes a few hundred. Each takes many times its
/// bytes in memory.
const MAX_PARTS: usize = 4096;

/// Why no release can have written an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// It is longer than a head can be.
    #[error("it is larger than {MAX_HEAD} bytes")]
    TooLarge,
    /// It has more members and items than a head can have.
    #[error("it has more than {MAX_PARTS} members and items")]
    TooManyParts,
    /// It is not JSON, lacks a member, or has a value that is none, such as an unknown phase.
    #[error("{0}")]
    NoHead(Text),
    /// An event that has not happened yet.
    #[error("{member}.at is {at}, which is more than five minutes ahead of the clock")]
    Ahead {
        /// Where it stands.
        member: &'static str,
        /// The time.
        at: Timestamp,
    },
    /// An execution of another function.
    #[error("{member} is {execution}, which is no execution of this function")]
    Execution {
        /// Where it stands.
        member: &'static str,
        /// The execution.
        execution: Text,
    },
    /// An ARN that the service cannot have.
    #[error("{member} is {arn}, which is not of this service's {of}")]
    Arn {
        /// Where it stands.
        member: &'static str,
        /// The ARN.
        arn: Text,
        /// What it would have to be of.
        of: &'static str,
    },
}

/// Whoever reads a head: what the head has to agree with.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The service.
    pub service: &'a ServiceArn,
    /// The own execution's ARN.
    pub execution: &'a str,
    /// The own clock.
    pub now: Timestamp,
}

impl Reader<'_> {
    /// Reads an object as a head that a release can have written.
    pub fn read(&self, bytes: &[u8]) -> Result<Head, Implausible> {
        if bytes.len() > MAX_HEAD {
            return Err(Implausible::TooLarge);
        }
        // Texts may have such bytes, too: a head has no room for so many.
        if bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_PARTS {
            return Err(Implausible::TooManyParts);
        }
        let head = serde_json::from_slice(bytes).map_err(|error| Implausible::NoHead(error.to_string().into()))?;
        self.check(&head)?;
        Ok(head)
    }

    fn check_order(&self, member: &'static str, order: &Order) -> Result<(), Implausible> {
        if order.at.duration_since(self.now) > AHEAD {
            return Err(Implausible::Ahead { member, at: order.at });
        }
        Ok(())
    }

    // Each member is named, so that a new one is either checked or said to name nothing.
    fn check(&self, head: &Head) -> Result<(), Implausible> {
        let Head { order, owner, base, phase: _, target, updated: _, outcome: _, .. } = head;
        let Head { fence, strays, displaced, last_good, memory, .. } = head;
        self.check_order("order", order)?;
        let Owner { release: _, execution, image: _, about: _ } = owner;
        self.check_execution("owner.execution", execution)?;
        if let Some(Base { definition, newest }) = base {
            self.check_definition("base.taskDefinitionArn", definition)?;
            self.check_revision("base.newestRevisionArn", newest.as_deref())?;
        }
        if let Some(Target { definition, revision }) = target {
            self.check_definition("target.taskDefinitionArn", definition)?;
            self.check_revision("target.serviceRevisionArn", Some(revision))?;
        }
        if let Some(Fence { execution, release: _, definition, leads_back: _, newest, id: _ }) = fence {
            self.check_execution("fence.execution", execution)?;
            self.check_definition("fence.taskDefinitionArn", definition)?;
            self.check_revision("fence.newestRevisionArn", newest.as_deref())?;
        }
        for Stray { definition, release: _, leads_back: _ } in strays {
            self.check_definition("strays[].taskDefinitionArn", definition)?;
        }
        for FormerOwner { execution, release: _, newest, led_back_to } in displaced {
            self.check_execution("displaced[].execution", execution)?;
            self.check_revision("displaced[].newestRevisionArn", newest.as_deref())?;
            led_back_to.iter().try_for_each(|arn| self.check_definition("displaced[].ledBackToArn", arn))?;
        }
        if let Some(LastGood { definition, order }) = last_good {
            self.check_definition("lastGood.taskDefinitionArn", definition)?;
            self.check_order("lastGood.order", order)?;
        }
        for Recent { order, task_definition_arn, .. } in &memory.recent {
            self.check_order("recent[].order", order)?;
            let mut definition = task_definition_arn.iter();
            definition.try_for_each(|arn| self.check_definition("recent[].taskDefinitionArn", arn))?;
        }
        Ok(())
    }

    /// Executions belong to a version of the function, whose number is not compared.
    fn check_execution(&self, member: &'static str, execution: &str) -> Result<(), Implausible> {
        match function(self.execution) {
            Some(own) if function(execution) != Some(own) => {
                Err(Implausible::Execution { member, execution: execution.into() })
            }
            _ => Ok(()),
        }
    }

    /// A task definition has to be of the service's partition, region and account; which of them may be deployed is
    /// ECS's word, not the head's.
    fn check_definition(&self, member: &'static str, arn: &str) -> Result<(), Implausible> {
        let home = self.service.as_str().split_once(":service/").map(|(home, _)| home);
        let of = "region and account";
        let is_of =
            home.and_then(|home| arn.strip_prefix(home)).is_some_and(|rest| rest.starts_with(":task-definition/"));
        if is_of { Ok(()) } else { Err(Implausible::Arn { member, arn: arn.into(), of }) }
    }

    fn check_revision(&self, member: &'static str, arn: Option<&str>) -> Result<(), Implausible> {
        let Some(arn) = arn else { return Ok(()) };
        let service = self.service.as_str().replacen(":service/", ":service-revision/", 1);
        let is_of = arn.strip_prefix(&service).is_some_and(|rest| rest.starts_with('/'));
        if is_of { Ok(()) } else { Err(Implausible::Arn { member, arn: arn.into(), of: "revisions" }) }
    }
}

/// The function of an execution's ARN, up to its name.
fn function(execution: &str) -> Option<&str> {
    let (version, _) = execution.split_once("/durable-execution/")?;
    version.rsplit_once(':').map(|(function, _)| function)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EXECUTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:deployer:7/durable-execution/name/id";
    const DEFINITION: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:5";
    const REVISION: &str = "arn:aws:ecs:eu-west-1:123456789012:service-revision/default/web/1";

    fn read(head: &Value) -> Result<Head, Implausible> {
        let service = ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:service/default/web").unwrap();
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        Reader { service: &service, execution: EXECUTION, now }.read(head.to_string().as_bytes())
    }

    fn head() -> Value {
        let order = json!({"at": "2026-11-23T10:04:00Z", "tie": {"key": {"key": "a", "sequencer": "1"}}, "event": "e"});
        let call = json!({"execution": EXECUTION, "release": "r", "taskDefinitionArn": DEFINITION, "id": "1",
            "newestRevisionArn": REVISION});
        json!({
            "order": order, "phase": "deploying",
            "owner": {"release": "r", "execution": EXECUTION.replace(":7/", ":6/")},
            "base": {"taskDefinitionArn": DEFINITION, "newestRevisionArn": REVISION},
            "target": {"taskDefinitionArn": DEFINITION, "serviceRevisionArn": REVISION},
            "fence": call, "strays": [{"taskDefinitionArn": DEFINITION, "release": "r"}],
            "displaced": [{"execution": EXECUTION, "release": "r", "newestRevisionArn": REVISION,
                "ledBackToArn": DEFINITION}],
            "lastGood": {"taskDefinitionArn": DEFINITION, "order": order},
            "recent": [{"release": "r", "order": order, "trigger": "push", "taskDefinitionArn": DEFINITION,
                "outcome": "succeeded", "at": "2026-11-23T10:00:00Z"}],
        })
    }

    /// Every place of a text that is one of these.
    fn places(at: &str, value: &Value, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        match value {
            Value::String(text) if wanted(text) => vec![at.to_owned()],
            Value::Array(items) => {
                items.iter().enumerate().flat_map(|(n, item)| places(&format!("{at}/{n}"), item, wanted)).collect()
            }
            Value::Object(members) => {
                members.iter().flat_map(|(name, item)| places(&format!("{at}/{name}"), item, wanted)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn whatever_names_another_function_account_region_or_service_is_implausible() {
        let head = head();
        read(&head).unwrap();
        let arns = places("", &head, &|text| text.starts_with("arn:"));
        assert_eq!(arns.len(), 14, "{arns:?}");
        for place in arns {
            let arn = head.pointer(&place).unwrap().as_str().unwrap().to_owned();
            let service = if arn.contains("task-definition") { "web" } else { "/web/" };
            let mut others = vec![
                arn.replace(":eu-west-1:", ":eu-west-2:"),
                arn.replace(":123456789012:", ":210987654321:"),
                arn.replace("arn:aws:", "arn:aws-cn:"),
            ];
            match arn.contains("durable") {
                true => others.push(arn.replace("deployer", "other")),
                false if service == "/web/" => others.push(arn.replace("/web/", "/web-2/")),
                false => others.push(arn.replace("task-definition/", "service/")),
            }
            for other in others.into_iter().chain([String::new(), arn.replace(":eu-west-1:", ":eu-west-1 :")]) {
                let mut forged = head.clone();
                *forged.pointer_mut(&place).unwrap() = other.clone().into();
                assert!(read(&forged).is_err(), "{place}: {other:?}");
            }
        }
    }

    #[test]
    fn an_order_of_an_event_that_has_not_happened_is_implausible() {
        let head = head();
        let times = places("", &head, &|text| text == "2026-11-23T10:04:00Z");
        assert_eq!(times.len(), 3);
        for place in times {
            let mut forged = head.clone();
            *forged.pointer_mut(&place).unwrap() = "2026-11-23T10:05:01Z".into();
            assert!(matches!(read(&forged), Err(Implausible::Ahead { .. })), "{place}");
        }
    }

    #[test]
    fn what_is_no_head_is_implausible() {
        for (pointer, value) in [("/phase", json!("paused")), ("/order", json!(null)), ("/owner", json!([]))] {
            let mut forged = head();
            *forged.pointer_mut(pointer).unwrap() = value;
            assert!(matches!(read(&forged), Err(Implausible::NoHead(_))), "{pointer}");
        }
        let mut large = head();
        large["hold"] = "x".repeat(MAX_HEAD).into();
        assert_eq!(read(&large), Err(Implausible::TooLarge));
    }
}
