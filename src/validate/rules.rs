//! The table of rules, in the order in which they run; nothing else knows a rule by name.
//!
//! To add a rule, write `rules/<id_with_underscores>.rs` with a `RULE`, whose id names the defect in kebab case and
//! reads after "allow", and add its `mod` line and its line in `tables!` here. Give it documents that fail and pass as
//! `tests/fixtures/rules/<id>/bad*.json` and `good*.json`, with a `subject.json` beside them where it looks at more
//! than the document. Run the tests and read the new lines in the snapshot of all findings: an error must be something
//! that ECS, Fargate or Express Mode surely refuses, everything else is a warning. What no check of a document finds
//! has its row in `elsewhere`.

use super::rule::{Check, Kind};
use super::{Rule, RuleId};

mod blank_variable_name;
mod circular_dependency;
mod clashing_port;
mod conflicting_log_patterns;
mod dependency_without_health_check;
mod duplicate_container_name;
mod duplicate_port_name;
mod duplicate_variable;
pub(crate) mod elsewhere;
mod endless_dependency;
mod extra_log_router;
mod extra_main_port;
mod forbidden_reference;
mod forbidden_registry;
mod forbidden_role;
mod health_check_tool;
mod hidden_task_role;
mod ignored_init_variable;
mod incomplete_config_file;
mod ineffective_ulimit;
mod invalid_container_memory;
mod invalid_container_name;
mod invalid_efs_volume;
mod invalid_environment_file;
mod invalid_family;
mod invalid_fargate_size;
mod invalid_health_check;
mod invalid_image;
mod invalid_log_buffer_limit;
mod invalid_log_group;
mod invalid_log_pattern;
mod invalid_log_router_user;
mod invalid_port_name;
mod invalid_restart_policy;
mod invalid_role;
mod invalid_s3_bucket_name;
mod invalid_s3_chunk_size;
mod invalid_secret_reference;
mod invalid_tag;
mod invalid_volume_name;
mod inverted_ulimit;
mod large_s3_file_size;
mod late_canary_logs;
mod late_log_router;
mod late_log_upload;
mod mismatched_architecture;
mod mismatched_host_port;
mod mismatched_log_router_type;
mod misplaced_init_arn;
mod missing_awslogs_option;
mod missing_configured_container;
mod missing_container_port;
mod missing_containers;
mod missing_execution_role;
mod missing_fargate;
mod missing_image;
mod missing_log_router;
mod missing_main_container;
mod missing_main_port;
mod missing_member;
mod missing_output_name;
mod missing_s3_bucket;
mod missing_s3_region;
mod missing_splunk_option;
mod missing_tag_part;
mod missing_task_role;
mod missing_task_size;
mod mutable_image;
mod negative_number;
mod newer_s3_option;
mod no_essential_container;
mod non_awsvpc_network;
mod non_essential_log_router;
mod non_tcp_main_port;
mod odd_upload_timeout;
mod optional_main_container;
mod out_of_range_ephemeral_storage;
mod out_of_range_health_check;
mod out_of_range_port;
mod out_of_range_timeout;
mod overlapping_log_tags;
mod oversized_containers;
mod overwritten_log_objects;
mod plain_secret;
mod read_only_log_router;
mod read_only_member;
mod relative_container_path;
mod relative_s3_key_format;
mod repeated_member;
mod reserved_config_file;
mod s3_config_file;
mod self_routed_log_router;
mod shadowed_variable;
mod shifted_key_seconds;
mod shifted_tag_part;
mod silent_log_router;
mod slow_health_check;
mod small_s3_file_size;
mod taken_log_port;
mod too_many_containers;
mod too_many_tags;
mod unconfigured_volume;
mod unfilled_placeholder;
mod unknown_dependency;
mod unknown_member;
mod unknown_output_plugin;
mod unknown_proxy_container;
mod unknown_router_option;
mod unknown_s3_compression;
mod unknown_s3_date_format;
mod unknown_s3_format;
mod unknown_s3_option;
mod unknown_s3_region;
mod unknown_value;
mod unknown_volume;
mod unknown_volume_source;
mod unnamed_main_port;
mod unordered_log_router;
mod unreadable_log_metadata;
mod unreadable_s3_switch;
mod unreplaced_key_part;
mod unrouted_logs;
mod unsafe_s3_key;
mod unset_router_variable;
mod unsupported_capability;
mod unsupported_linux_parameter;
mod unsupported_log_driver;
mod unsupported_member;
mod unsupported_resource;
mod unsupported_system_control;
mod unsupported_volume;
mod unsupported_windows_task;
mod untraceable_logs;
mod unused_log_router;
mod unused_volume;
mod unverifiable_logs;
mod wrapped_document;
mod wrong_type;

/// What rules know and the JSON Schema for editors says again.
pub(super) mod tables {
    pub(in crate::validate) use super::invalid_fargate_size::{SIZES, Steps};
    pub(in crate::validate) use super::out_of_range_health_check::RANGES as HEALTH_CHECK_RANGES;
    pub(in crate::validate) use super::too_many_containers::MAX_CONTAINERS;
    pub(in crate::validate) use super::unsupported_linux_parameter::REFUSED as REFUSED_LINUX_PARAMETERS;
    pub(in crate::validate) use super::unsupported_log_driver::ON_EC2 as LOG_DRIVERS_ON_EC2;
    pub(in crate::validate) use super::unsupported_member::{
        CONTAINER as REFUSED_OF_CONTAINERS, TASK as REFUSED_OF_TASKS,
    };
}

/// Makes the tables from one list: whole rules for people and tools, and of each the part that runs. A release needs
/// that part alone, so the words about the rules are not linked into the function.
macro_rules! tables {
    ($($rule:ident,)* ; $($other:ident,)*) => {
        /// Every rule.
        pub static TABLE: &[&Rule] = &[$(&$rule::RULE,)* $(&elsewhere::$other,)*];

        /// What runs on a document, in the order in which it runs.
        pub(super) static CHECKS: &[Check] = &[$(Check::of(&$rule::RULE),)*];

        /// The ids of all rules.
        pub(super) static KINDS: &[Kind] = &[$(Kind::of(&$rule::RULE),)* $(Kind::of(&elsewhere::$other),)*];
    };
}

tables! {
    // What a guard refuses must not be passed over because an earlier rule ends the walk.
    forbidden_role,
    forbidden_registry,
    forbidden_reference,
    wrapped_document,
    repeated_member,
    unfilled_placeholder,
    wrong_type,
    missing_member,
    unknown_member,
    read_only_member,
    unknown_value,
    invalid_family,
    missing_fargate,
    non_awsvpc_network,
    missing_task_size,
    invalid_fargate_size,
    unsupported_windows_task,
    unconfigured_volume,
    unsupported_system_control,
    mismatched_architecture,
    missing_containers,
    too_many_containers,
    missing_main_container,
    missing_configured_container,
    invalid_container_name,
    duplicate_container_name,
    missing_image,
    no_essential_container,
    missing_main_port,
    extra_main_port,
    missing_container_port,
    unnamed_main_port,
    non_tcp_main_port,
    unknown_dependency,
    dependency_without_health_check,
    missing_execution_role,
    missing_task_role,
    unsupported_member,
    unsupported_linux_parameter,
    unsupported_capability,
    unsupported_resource,
    unsupported_log_driver,
    missing_awslogs_option,
    invalid_log_group,
    conflicting_log_patterns,
    missing_splunk_option,
    mismatched_host_port,
    out_of_range_port,
    clashing_port,
    invalid_port_name,
    duplicate_port_name,
    oversized_containers,
    invalid_container_memory,
    negative_number,
    circular_dependency,
    endless_dependency,
    invalid_health_check,
    out_of_range_health_check,
    slow_health_check,
    health_check_tool,
    shadowed_variable,
    duplicate_variable,
    blank_variable_name,
    invalid_secret_reference,
    invalid_environment_file,
    unknown_volume,
    relative_container_path,
    unused_volume,
    invalid_volume_name,
    unsupported_volume,
    invalid_efs_volume,
    unknown_volume_source,
    unknown_proxy_container,
    out_of_range_ephemeral_storage,
    out_of_range_timeout,
    invalid_restart_policy,
    inverted_ulimit,
    ineffective_ulimit,
    invalid_tag,
    too_many_tags,
    mutable_image,
    invalid_image,
    plain_secret,
    hidden_task_role,
    invalid_role,
    optional_main_container,
    missing_log_router,
    unused_log_router,
    extra_log_router,
    missing_output_name,
    missing_s3_bucket,
    relative_s3_key_format,
    small_s3_file_size,
    missing_s3_region,
    late_log_upload,
    mismatched_log_router_type,
    non_essential_log_router,
    late_log_router,
    unordered_log_router,
    self_routed_log_router,
    silent_log_router,
    taken_log_port,
    overlapping_log_tags,
    s3_config_file,
    incomplete_config_file,
    reserved_config_file,
    unknown_router_option,
    unreadable_log_metadata,
    invalid_log_buffer_limit,
    invalid_log_pattern,
    unset_router_variable,
    unrouted_logs,
    unknown_output_plugin,
    unknown_s3_option,
    newer_s3_option,
    unknown_s3_compression,
    unknown_s3_format,
    unknown_s3_date_format,
    unreadable_s3_switch,
    large_s3_file_size,
    invalid_s3_chunk_size,
    odd_upload_timeout,
    invalid_s3_bucket_name,
    unknown_s3_region,
    read_only_log_router,
    invalid_log_router_user,
    ignored_init_variable,
    misplaced_init_arn,
    missing_tag_part,
    shifted_tag_part,
    unsafe_s3_key,
    unreplaced_key_part,
    shifted_key_seconds,
    overwritten_log_objects,
    untraceable_logs,
    unverifiable_logs,
    late_canary_logs,
    ;
    ABSENT_IMAGE,
    NOT_AN_IMAGE,
    MISSING_TAG,
    FOREIGN_REGISTRY,
    MISSING_DOCUMENT,
    REQUIRED_LOGS,
    LOST_PROOF,
    CHANGED_FAMILY,
    NEW_REFERENCE,
    NO_WAY_BACK,
    UNPINNED_IMAGE,
    UNREADABLE_DOCUMENT,
    OVERSIZED_DOCUMENT,
}

impl RuleId {
    /// The id that a text names; `None` where the table has none.
    pub fn find(id: &str) -> Option<Self> {
        KINDS.iter().find(|kind| kind.id == id).map(|kind| Self::of(kind.id))
    }
}

impl Rule {
    /// The row of an id; `None` for one that another version wrote.
    pub fn of(id: &RuleId) -> Option<&'static Self> {
        TABLE.iter().copied().find(|rule| *id == rule.id)
    }
}
