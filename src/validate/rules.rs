//! The table of rules, in the order in which they run; nothing else knows a rule by name.
//!
//! To add a rule, write `rules/<id_with_underscores>.rs` with a `RULE`, whose id names the defect in kebab case and reads after "allow", and
//! add its `mod` line and its row here. Give it documents that fail and pass as `tests/fixtures/rules/<id>/bad*.json` and `good*.json`, with a
//! `subject.json` beside them where it looks at more than the document. Run the tests and read the new lines in the snapshot of all findings:
//! an error must be something that ECS, Fargate or Express Mode surely refuses, everything else is a warning.

use super::Rule;

mod dependency_without_health_check;
mod duplicate_container_name;
mod extra_log_router;
mod extra_main_port;
mod forbidden_registry;
mod forbidden_role;
mod incomplete_config_file;
mod invalid_container_name;
mod invalid_family;
mod invalid_fargate_size;
mod invalid_log_buffer_limit;
mod invalid_log_pattern;
mod invalid_s3_bucket_name;
mod invalid_s3_chunk_size;
mod large_s3_file_size;
mod late_canary_logs;
mod late_log_router;
mod late_log_upload;
mod mismatched_architecture;
mod mismatched_log_router_type;
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
mod missing_tag_part;
mod missing_task_role;
mod missing_task_size;
mod newer_s3_option;
mod no_essential_container;
mod non_awsvpc_network;
mod non_essential_log_router;
mod non_tcp_main_port;
mod odd_upload_timeout;
mod overlapping_log_tags;
mod overwritten_log_objects;
mod read_only_log_router;
mod read_only_member;
mod relative_s3_key_format;
mod reserved_config_file;
mod s3_config_file;
mod self_routed_log_router;
mod shifted_tag_part;
mod silent_log_router;
mod small_s3_file_size;
mod taken_log_port;
mod too_many_containers;
mod unknown_dependency;
mod unknown_member;
mod unknown_output_plugin;
mod unknown_router_option;
mod unknown_s3_compression;
mod unknown_s3_date_format;
mod unknown_s3_format;
mod unknown_s3_option;
mod unknown_s3_region;
mod unknown_value;
mod unnamed_main_port;
mod unordered_log_router;
mod unreadable_log_metadata;
mod unreadable_s3_switch;
mod unrouted_logs;
mod unsafe_s3_key;
mod unset_router_variable;
mod untraceable_logs;
mod unused_log_router;
mod unverifiable_logs;
mod wrapped_document;
mod wrong_type;

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
    &unrouted_logs::RULE,
    &unknown_output_plugin::RULE,
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
