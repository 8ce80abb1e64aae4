//! The rules that no check of a document runs: what planning finds in the registry, in the bucket and in the live
//! service, and what keeps a text from being read at all. Whoever finds it says so; here is what it means.

use crate::validate::{FoundIn, Rule, RuleEvidence, Severity};

const OF_PLANS: Rule = Rule { found_in: FoundIn::Plan, ..Rule::OF_DOCUMENTS };

pub(crate) static ABSENT_IMAGE: Rule = Rule {
    id: "absent-image",
    severity: Severity::Error,
    summary: "the registry does not have the image",
    why: "Tasks of the new revision could not pull it, and the deployment would fail after minutes. Images vanish when \
          somebody deletes them, or when a lifecycle rule of the repository expires them.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
    evidence: RuleEvidence::Observed {
        seen: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
    },
    is_final: true,
    ..OF_PLANS
};

pub(crate) static NOT_AN_IMAGE: Rule = Rule {
    id: "not-an-image",
    severity: Severity::Error,
    summary: "what the registry has under this name is not a container image",
    why: "Registries also hold signatures, charts and other artifacts. A task that names one cannot start.",
    source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html",
    evidence: RuleEvidence::Observed {
        seen: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html",
    },
    is_final: true,
    ..OF_PLANS
};

pub(crate) static MISSING_TAG: Rule = Rule {
    id: "missing-tag",
    severity: Severity::Error,
    summary: "the registry does not have the pushed tag any more",
    why: "The event is older than the removal of its tag, so nobody can tell what was meant to be deployed. An image \
          without a tag may be expired at any time.",
    source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html",
    evidence: RuleEvidence::Observed {
        seen: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html",
    },
    is_final: true,
    ..OF_PLANS
};

pub(crate) static FOREIGN_REGISTRY: Rule = Rule {
    id: "foreign-registry",
    severity: Severity::Error,
    summary: "the image was pushed to a registry that the service does not name",
    why: "Events of other accounts can be forwarded to the event bus. Whoever pushes there must not decide what runs \
          here, so only the registry that `repository` names counts: by default that of the service's account and \
          region.",
    source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html",
    evidence: RuleEvidence::Configured,
    is_final: true,
    ..OF_PLANS
};

pub(crate) static MISSING_DOCUMENT: Rule = Rule {
    id: "missing-document",
    severity: Severity::Error,
    summary: "the uploaded task definition is gone",
    why: "The object, or the version of it that the event names, was deleted before it could be read.",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
    evidence: RuleEvidence::Observed { seen: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html" },
    is_final: true,
    ..OF_PLANS
};

pub(crate) static REQUIRED_LOGS: Rule = Rule {
    id: "required-logs",
    severity: Severity::Error,
    summary: "the configuration requires verified logs, and those of the document cannot be verified",
    why: "With `logs = \"required\"` in `[service.verify]` nothing is deployed that its own logs cannot prove.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Configured,
    is_final: true,
    ..OF_PLANS
};

pub(crate) static LOST_PROOF: Rule = Rule {
    id: "lost-proof",
    severity: Severity::Error,
    summary: "the uploaded document takes away the logs by which the configuration verifies releases",
    why: "With `expect`, `forbid`, `max_error_ratio` or `compare` in `[service.verify]` every release is proven by its logs. \
          The live revision's can be verified and those of the document cannot, so this release and all after it would go \
          live unproven.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Configured,
    ..OF_PLANS
};

pub(crate) static CHANGED_FAMILY: Rule = Rule {
    id: "changed-family",
    severity: Severity::Error,
    summary: "the uploaded task definition is of another family than the live one",
    why: "ECS takes any family. A document that was meant for another service would be deployed here, and roles, \
          alarms and dashboards often name the family. A service that Express Mode made from an image has a family of \
          ECS's own, `CLUSTER-SERVICE`, so the first upload to it changes the family by nature. `families` in \
          [service.guard] allows changes.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Configured,
    ..OF_PLANS
};

pub(crate) static NEW_REFERENCE: Rule = Rule {
    id: "new-reference",
    severity: Severity::Warning,
    summary: "the document names something that the live revision does not name",
    why: "A task definition decides which roles, secrets, files, volumes and images of the account its tasks get, and where \
          their logs go. Without `[service.guard]` whoever may upload one chooses among all that the roles may read, so \
          each name that is new is told.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Configured,
    ..OF_PLANS
};

pub(crate) static NO_WAY_BACK: Rule = Rule {
    id: "no-way-back",
    severity: Severity::Warning,
    summary: "the revision that serves cannot be started anew, so there is no way back to it",
    why: "Lifecycle policies delete old images, also those that run. Then neither ECS nor the function can go back when \
          the release fails, and a task that is lost is not replaced. No update leads to a task definition that is \
          INACTIVE. `require_way_back = true` in `[service.guard]` makes the finding an error.",
    source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    evidence: RuleEvidence::Documented,
    ..OF_PLANS
};

pub(crate) static UNPINNED_IMAGE: Rule = Rule {
    id: "unpinned-image",
    severity: Severity::Hint,
    summary: "the image of an uploaded task definition stays as it is written, without a digest",
    why: "A tag can be moved while the service runs. The function pins tags of private ECR repositories that it can \
          read; others stay as they are.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-considerations.html",
    evidence: RuleEvidence::Documented,
    ..OF_PLANS
};

pub(crate) static UNREADABLE_DOCUMENT: Rule = Rule {
    id: "unreadable-document",
    severity: Severity::Error,
    summary: "the text is not a task definition",
    why: "A task definition is one JSON object, as `aws ecs register-task-definition --cli-input-json` takes it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    found_in: FoundIn::Reading,
    is_final: true,
    ..OF_PLANS
};

pub(crate) static OVERSIZED_DOCUMENT: Rule = Rule {
    id: "oversized-document",
    severity: Severity::Error,
    summary: "the text is larger than a task definition can be",
    why: "ECS takes task definitions of up to 64 KiB.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html",
    evidence: RuleEvidence::Refused {
        words: "Actual length: '66420'. Max allowed length is '65536' bytes.",
        seen: "https://github.com/awsdocs/amazon-ecs-developer-guide/pull/149",
    },
    found_in: FoundIn::Reading,
    is_final: true,
    ..OF_PLANS
};
