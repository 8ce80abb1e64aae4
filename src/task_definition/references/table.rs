//! Every text of the ECS API model of `RegisterTaskDefinition`, classified by hand: what it names, or that it names
//! nothing outside of the task definition. A test compares the rows with the model of the SDK.

use super::ReferenceKind;
use super::ReferenceKind::{
    Capabilities, EnvironmentFiles, ExecutionRoles, Families, LogDestinations, Registries, Secrets, Tags, TaskRoles,
    Volumes,
};

/// What a text of the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It names nothing outside of the task definition.
    Nothing,
    /// It is the name of something.
    Text(ReferenceKind),
    /// It is a name that says something only with the name of its member.
    Member(ReferenceKind),
    /// It is the value of an option, which says something only with the name of the option.
    Entry(ReferenceKind),
    /// It is a name, and the parts in the same structure belong to it.
    Head(ReferenceKind),
    /// It is a part of such a name.
    Part(ReferenceKind),
}

use Class::{Entry, Head, Member, Nothing, Part, Text};

/// The rows, sorted by path: a JSON pointer without the indices of lists, with `*` for the keys of a map.
///
/// Names of containers, volumes and ports are names within the task definition. A command, a variable and a label are
/// what the code in a container makes of them, as are its user and its sysctls, which are those of the task alone. A
/// log driver names nothing without its options: those that Fargate has need some.
pub static TABLE: &[(&str, Class)] = &[
    ("/containerDefinitions/command", Nothing),
    ("/containerDefinitions/credentialSpecs", Text(Secrets)),
    ("/containerDefinitions/dependsOn/condition", Nothing),
    ("/containerDefinitions/dependsOn/containerName", Nothing),
    ("/containerDefinitions/dnsSearchDomains", Member(Capabilities)),
    ("/containerDefinitions/dnsServers", Member(Capabilities)),
    ("/containerDefinitions/dockerLabels/*", Nothing),
    ("/containerDefinitions/dockerSecurityOptions", Member(Capabilities)),
    ("/containerDefinitions/entryPoint", Nothing),
    ("/containerDefinitions/environment/name", Nothing),
    ("/containerDefinitions/environment/value", Nothing),
    ("/containerDefinitions/environmentFiles/type", Nothing),
    ("/containerDefinitions/environmentFiles/value", Text(EnvironmentFiles)),
    ("/containerDefinitions/extraHosts/hostname", Head(Capabilities)),
    ("/containerDefinitions/extraHosts/ipAddress", Part(Capabilities)),
    ("/containerDefinitions/firelensConfiguration/options/*", Entry(LogDestinations)),
    ("/containerDefinitions/firelensConfiguration/type", Nothing),
    ("/containerDefinitions/healthCheck/command", Nothing),
    ("/containerDefinitions/hostname", Nothing),
    ("/containerDefinitions/image", Text(Registries)),
    ("/containerDefinitions/links", Nothing),
    ("/containerDefinitions/linuxParameters/capabilities/add", Text(Capabilities)),
    ("/containerDefinitions/linuxParameters/capabilities/drop", Nothing),
    ("/containerDefinitions/linuxParameters/devices/containerPath", Nothing),
    ("/containerDefinitions/linuxParameters/devices/hostPath", Head(Capabilities)),
    ("/containerDefinitions/linuxParameters/devices/permissions", Part(Capabilities)),
    ("/containerDefinitions/linuxParameters/tmpfs/containerPath", Nothing),
    ("/containerDefinitions/linuxParameters/tmpfs/mountOptions", Nothing),
    ("/containerDefinitions/logConfiguration/logDriver", Nothing),
    ("/containerDefinitions/logConfiguration/options/*", Entry(LogDestinations)),
    ("/containerDefinitions/logConfiguration/secretOptions/name", Nothing),
    ("/containerDefinitions/logConfiguration/secretOptions/valueFrom", Text(Secrets)),
    ("/containerDefinitions/mountPoints/containerPath", Nothing),
    ("/containerDefinitions/mountPoints/sourceVolume", Nothing),
    ("/containerDefinitions/name", Nothing),
    ("/containerDefinitions/portMappings/appProtocol", Nothing),
    ("/containerDefinitions/portMappings/containerPortRange", Nothing),
    ("/containerDefinitions/portMappings/name", Nothing),
    ("/containerDefinitions/portMappings/protocol", Nothing),
    // No text, but a switch that opens the task.
    ("/containerDefinitions/privileged", Member(Capabilities)),
    ("/containerDefinitions/repositoryCredentials/credentialsParameter", Text(Secrets)),
    ("/containerDefinitions/resourceRequirements/type", Head(Capabilities)),
    ("/containerDefinitions/resourceRequirements/value", Part(Capabilities)),
    ("/containerDefinitions/secrets/name", Nothing),
    ("/containerDefinitions/secrets/valueFrom", Text(Secrets)),
    ("/containerDefinitions/systemControls/namespace", Nothing),
    ("/containerDefinitions/systemControls/value", Nothing),
    ("/containerDefinitions/ulimits/name", Nothing),
    ("/containerDefinitions/user", Nothing),
    ("/containerDefinitions/versionConsistency", Nothing),
    ("/containerDefinitions/volumesFrom/sourceContainer", Nothing),
    ("/containerDefinitions/workingDirectory", Nothing),
    ("/cpu", Nothing),
    ("/executionRoleArn", Text(ExecutionRoles)),
    ("/family", Text(Families)),
    ("/inferenceAccelerators/deviceName", Head(Capabilities)),
    ("/inferenceAccelerators/deviceType", Part(Capabilities)),
    ("/ipcMode", Member(Capabilities)),
    ("/memory", Nothing),
    ("/networkMode", Member(Capabilities)),
    ("/pidMode", Member(Capabilities)),
    ("/placementConstraints/expression", Member(Capabilities)),
    ("/placementConstraints/type", Nothing),
    ("/proxyConfiguration/containerName", Nothing),
    ("/proxyConfiguration/properties/name", Head(Capabilities)),
    ("/proxyConfiguration/properties/value", Part(Capabilities)),
    ("/proxyConfiguration/type", Nothing),
    ("/requiresCompatibilities", Nothing),
    ("/runtimePlatform/cpuArchitecture", Nothing),
    ("/runtimePlatform/operatingSystemFamily", Nothing),
    ("/tags/key", Text(Tags)),
    ("/tags/value", Nothing),
    ("/taskRoleArn", Text(TaskRoles)),
    ("/volumes/dockerVolumeConfiguration/driver", Head(Volumes)),
    ("/volumes/dockerVolumeConfiguration/driverOpts/*", Entry(Volumes)),
    ("/volumes/dockerVolumeConfiguration/labels/*", Nothing),
    ("/volumes/dockerVolumeConfiguration/scope", Part(Volumes)),
    ("/volumes/efsVolumeConfiguration/authorizationConfig/accessPointId", Part(Volumes)),
    ("/volumes/efsVolumeConfiguration/authorizationConfig/iam", Nothing),
    ("/volumes/efsVolumeConfiguration/fileSystemId", Head(Volumes)),
    ("/volumes/efsVolumeConfiguration/rootDirectory", Part(Volumes)),
    ("/volumes/efsVolumeConfiguration/transitEncryption", Nothing),
    ("/volumes/fsxWindowsFileServerVolumeConfiguration/authorizationConfig/credentialsParameter", Text(Secrets)),
    ("/volumes/fsxWindowsFileServerVolumeConfiguration/authorizationConfig/domain", Part(Volumes)),
    ("/volumes/fsxWindowsFileServerVolumeConfiguration/fileSystemId", Head(Volumes)),
    ("/volumes/fsxWindowsFileServerVolumeConfiguration/rootDirectory", Part(Volumes)),
    ("/volumes/host/sourcePath", Text(Volumes)),
    ("/volumes/name", Nothing),
    ("/volumes/s3filesVolumeConfiguration/accessPointArn", Part(Volumes)),
    ("/volumes/s3filesVolumeConfiguration/fileSystemArn", Head(Volumes)),
    ("/volumes/s3filesVolumeConfiguration/rootDirectory", Part(Volumes)),
];

/// The row of a path; none for one that the model does not have.
pub(super) fn find(path: &str) -> Option<(&'static str, Class)> {
    let row =
        |path: &str| TABLE.binary_search_by(|(row, _)| (*row).cmp(path)).ok().and_then(|at| TABLE.get(at)).copied();
    row(path).or_else(|| row(&format!("{}/*", path.rsplit_once('/')?.0)))
}

/// The options of log drivers and log routers, in lower case, that name nothing outside of the task: sizes, times,
/// formats, and what is written into records. Each other option is a reference. Sorted.
const NAMES_NOTHING: &[&str] = &[
    "auto_retry_requests",
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-multiline-pattern",
    "compress",
    "compression",
    "content_type",
    "dd_message_key",
    "dd_service",
    "dd_source",
    "dd_tags",
    "enable-ecs-log-metadata",
    "exclude-pattern",
    "format",
    "include-pattern",
    "json_date_format",
    "json_date_key",
    "log-driver-buffer-limit",
    "log_key",
    "max-buffer-size",
    "mode",
    "preserve_data_ordering",
    "retry_limit",
    "send_content_md5",
    "splunk-format",
    "splunk-gzip",
    "splunk-gzip-level",
    "splunk-source",
    "splunk-sourcetype",
    "total_file_size",
    "upload_chunk_size",
    "upload_timeout",
    "use_put_object",
    "workers",
];

/// The options whose values are names that may be shown. The values of all others may be passwords. Sorted.
const SHOWN: &[&str] = &[
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "bucket",
    "config-file-type",
    "config-file-value",
    "delivery_stream",
    "log_group_name",
    "name",
    "region",
    "role_arn",
    "s3_key_format",
    "stream",
];

/// Whether an option names nothing, whatever its value is.
pub(super) fn names_nothing(option: &str) -> bool {
    NAMES_NOTHING.binary_search(&option).is_ok()
}

/// Whether the value of an option may be shown.
pub(super) fn is_shown(option: &str) -> bool {
    SHOWN.binary_search(&option).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_sorted() {
        assert!(TABLE.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(NAMES_NOTHING.is_sorted() && SHOWN.is_sorted());
        assert!(!SHOWN.iter().any(|option| names_nothing(option)));
    }
}
