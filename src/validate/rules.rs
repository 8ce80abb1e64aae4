//! The table of rules, in the order in which they run; nothing else knows a rule by name.
//!
//! To add a rule, write `rules/<id_with_underscores>.rs` with a `RULE`, whose id names the defect in kebab case and reads after "allow", and
//! add its `mod` line and its row here. Give it documents that fail and pass as `tests/fixtures/rules/<id>/bad*.json` and `good*.json`, with a
//! `subject.json` beside them where it looks at more than the document. Run the tests and read the new lines in the snapshot of all findings:
//! an error must be something that ECS, Fargate or Express Mode surely refuses, everything else is a warning.

use super::Rule;

mod circular_dependency;
mod clashing_port;
mod conflicting_log_patterns;
mod dependency_without_health_check;
mod duplicate_container_name;
mod duplicate_port_name;
mod duplicate_variable;
mod endless_dependency;
mod extra_log_router;
mod extra_main_port;
mod forbidden_registry;
mod forbidden_role;
mod health_check_tool;
mod hidden_task_role;
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
mod invalid_log_pattern;
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
mod missing_output_name;
mod missing_s3_bucket;
mod missing_s3_region;
mod missing_splunk_option;
mod missing_tag_part;
mod missing_task_role;
mod missing_task_size;
mod mutable_image;
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
mod relative_s3_key_format;
mod reserved_config_file;
mod s3_config_file;
mod self_routed_log_router;
mod shadowed_variable;
mod shifted_tag_part;
mod silent_log_router;
mod slow_health_check;
mod small_s3_file_size;
mod taken_log_port;
mod too_many_containers;
mod unknown_dependency;
mod unknown_member;
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
mod unsafe_s3_key;
mod unset_router_variable;
mod unsupported_capability;
mod unsupported_linux_parameter;
mod unsupported_log_driver;
mod unsupported_member;
mod unsupported_resource;
mod unsupported_volume;
mod untraceable_logs;
mod unused_log_router;
mod unused_volume;
mod unverifiable_logs;
mod wrapped_document;
mod wrong_type;

/// The rules that hold the document against something else: the image that was pushed, the configuration.
pub(super) const BEYOND_THE_DOCUMENT: [&str; 4] =
    ["forbidden-registry", "forbidden-role", "mismatched-architecture", "missing-configured-container"];

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

/// Every rule.
pub static TABLE: &[&Rule] = &[
    &wrapped_document::RULE,
    &wrong_type::RULE,
    &unknown_member::RULE,
    &read_only_member::RULE,
    &unknown_value::RULE,
    &invalid_family::RULE,
    &missing_fargate::RULE,
    &non_awsvpc_network::RULE,
    &missing_task_size::RULE,
    &invalid_fargate_size::RULE,
    &mismatched_architecture::RULE,
    &missing_containers::RULE,
    &too_many_containers::RULE,
    &missing_main_container::RULE,
    &missing_configured_container::RULE,
    &invalid_container_name::RULE,
    &duplicate_container_name::RULE,
    &missing_image::RULE,
    &no_essential_container::RULE,
    &missing_main_port::RULE,
    &extra_main_port::RULE,
    &missing_container_port::RULE,
    &unnamed_main_port::RULE,
    &non_tcp_main_port::RULE,
    &unknown_dependency::RULE,
    &dependency_without_health_check::RULE,
    &missing_execution_role::RULE,
    &missing_task_role::RULE,
    &forbidden_role::RULE,
    &forbidden_registry::RULE,
    &unsupported_member::RULE,
    &unsupported_linux_parameter::RULE,
    &unsupported_capability::RULE,
    &unsupported_resource::RULE,
    &unsupported_log_driver::RULE,
    &missing_awslogs_option::RULE,
    &conflicting_log_patterns::RULE,
    &missing_splunk_option::RULE,
    &mismatched_host_port::RULE,
    &out_of_range_port::RULE,
    &clashing_port::RULE,
    &invalid_port_name::RULE,
    &duplicate_port_name::RULE,
    &oversized_containers::RULE,
    &invalid_container_memory::RULE,
    &circular_dependency::RULE,
    &endless_dependency::RULE,
    &invalid_health_check::RULE,
    &out_of_range_health_check::RULE,
    &slow_health_check::RULE,
    &health_check_tool::RULE,
    &shadowed_variable::RULE,
    &duplicate_variable::RULE,
    &invalid_secret_reference::RULE,
    &invalid_environment_file::RULE,
    &unknown_volume::RULE,
    &unused_volume::RULE,
    &invalid_volume_name::RULE,
    &unsupported_volume::RULE,
    &invalid_efs_volume::RULE,
    &unknown_volume_source::RULE,
    &out_of_range_ephemeral_storage::RULE,
    &out_of_range_timeout::RULE,
    &invalid_restart_policy::RULE,
    &inverted_ulimit::RULE,
    &ineffective_ulimit::RULE,
    &invalid_tag::RULE,
    &mutable_image::RULE,
    &invalid_image::RULE,
    &plain_secret::RULE,
    &hidden_task_role::RULE,
    &invalid_role::RULE,
    &optional_main_container::RULE,
    &missing_log_router::RULE,
    &unused_log_router::RULE,
    &extra_log_router::RULE,
    &missing_output_name::RULE,
    &missing_s3_bucket::RULE,
    &relative_s3_key_format::RULE,
    &small_s3_file_size::RULE,
    &missing_s3_region::RULE,
    &late_log_upload::RULE,
    &mismatched_log_router_type::RULE,
    &non_essential_log_router::RULE,
    &late_log_router::RULE,
    &unordered_log_router::RULE,
    &self_routed_log_router::RULE,
    &silent_log_router::RULE,
    &taken_log_port::RULE,
    &overlapping_log_tags::RULE,
    &s3_config_file::RULE,
    &incomplete_config_file::RULE,
    &reserved_config_file::RULE,
    &unknown_router_option::RULE,
    &unreadable_log_metadata::RULE,
    &invalid_log_buffer_limit::RULE,
    &invalid_log_pattern::RULE,
    &unset_router_variable::RULE,
    &unknown_s3_option::RULE,
    &newer_s3_option::RULE,
    &unknown_s3_compression::RULE,
    &unknown_s3_format::RULE,
    &unknown_s3_date_format::RULE,
    &unreadable_s3_switch::RULE,
    &large_s3_file_size::RULE,
    &invalid_s3_chunk_size::RULE,
    &odd_upload_timeout::RULE,
    &invalid_s3_bucket_name::RULE,
    &unknown_s3_region::RULE,
    &read_only_log_router::RULE,
    &missing_tag_part::RULE,
    &shifted_tag_part::RULE,
    &unsafe_s3_key::RULE,
    &overwritten_log_objects::RULE,
    &untraceable_logs::RULE,
    &unverifiable_logs::RULE,
    &late_canary_logs::RULE,
];
