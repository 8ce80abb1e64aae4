"""The parameters of the template: those of the stack whose role is judged, and what their patterns take and refuse."""

import re

from cloudformation import ACCOUNT, REGION, is_list

OTHER = "210987654321"  # another account

# A function in the sandbox's account that releases what the runs of tests/it/permissions.rs release, with everything
# that is optional.
SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/default/express-mode-custom-td-f9de"
SECOND = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/default/second"
BARE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/default/bare"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000001"
PARAMETERS = {
    "RepositoryNames": "express-mode-custom-td",
    "OtherRepositoryArns": f"arn:aws:ecr:eu-west-1:{OTHER}:repository/shared/base",
    "ServiceArns": f"{SERVICE},{SECOND}",
    "TaskDefinitionFamily": "express-mode-custom-td",
    "TaskRoleArns": f"{ROLE}ecsTaskExecutionRole,{ROLE}ecsExpressModeTaskRole",
    "InfrastructureRoleArn": f"{ROLE}ecsInfrastructureRoleForExpressServices",
    "LogBuckets": "your-log-bucket,worker-logs",
    "LogBucketAccounts": OTHER,
    "LogKeyArns": KEY,
    "UploadBucket": "team-uploads",
    "AdministratorArns": f"{ROLE}admin-*,{ROLE[:-5]}user/ops/ada",
    "ConfigurationObjectArn": "arn:aws:s3:::central-config/deployer.toml",
    "ConfigurationAccount": OTHER,
}

# Runs that another stack is for: ECS names the family of a service that was made from a bare image after it.
PARAMETERS_OF_RUNS = {
    "push for a service made from a bare image": {"ServiceArns": BARE, "TaskDefinitionFamily": "default-bare"},
}

# Values, or items of lists, that the patterns take, and those that they refuse: the wildcard, and what leaves the
# account or a whole name to one.
TAKEN = {
    "RepositoryNames": ["web", "shop/web", "shop_a.b-c/web--x"],
    "OtherRepositoryArns": [
        "",
        f"arn:aws:ecr:eu-west-1:{OTHER}:repository/shop/web",
        f"arn:aws:ecr:eu-west-1:{OTHER}:repository/shop-*",
    ],
    "ServiceArns": [
        SERVICE,
        f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/default/shop-*",
        SERVICE.replace("aws:", "aws-cn:", 1),
    ],
    "TaskRoleArns": [f"{ROLE}ecsTaskExecutionRole", f"{ROLE}service-role/ecs*", f"{ROLE}a+b=c.d@e-f_g"],
    "InfrastructureRoleArn": ["", f"{ROLE}ecsInfrastructureRoleForExpressServices", f"{ROLE}service-role/ecs"],
    "LogBuckets": ["", "your-log-bucket", "my.logs", "shop-*"],
    "LogBucketAccounts": ["", ACCOUNT],
    "LogKeyArns": ["", KEY, KEY.replace("00000000-", "mrk-")],
    "ConfigurationObjectArn": ["", "arn:aws:s3:::central-config/deployer.toml"],
    "ConfigurationAccount": ["", ACCOUNT],
    "AdministratorArns": ["", f"{ROLE}Admin", f"{ROLE}aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_*"],
    "UploadBucket": ["", "team-uploads"],
    "DurableStateKeyArn": ["", KEY],
}
REFUSED = {
    "RepositoryNames": ["*", "shop/*", "*web", "", f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/web", "web:v1"],
    "OtherRepositoryArns": [
        "*",
        f"arn:aws:ecr:eu-west-1:{OTHER}:repository/*",
        "arn:aws:ecr:eu-west-1:*:repository/web",
        f"arn:aws:ecr:*:{OTHER}:repository/web",
    ],
    "ServiceArns": [
        "*",
        "",
        f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/default/*",
        f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/*/web",
        f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service/*",
        "arn:aws:ecs:eu-west-1:*:service/default/web",
        f"arn:aws:ecs:*:{ACCOUNT}:service/default/web",
    ],
    "TaskRoleArns": ["*", "", f"{ROLE}*", f"{ROLE}service-role/*", "arn:aws:iam::*:role/ecsTaskExecutionRole"],
    "InfrastructureRoleArn": ["*", f"{ROLE}*", f"{ROLE}ecs*", "arn:aws:iam::*:role/infrastructure"],
    "LogBuckets": ["*", "a*", "*-logs", "UPPER"],
    "LogBucketAccounts": ["*", "12", f"{ACCOUNT}3"],
    "LogKeyArns": ["*", KEY.replace(ACCOUNT, "*"), KEY[:-36] + "*", KEY.replace("key/", "alias/")],
    "ConfigurationObjectArn": ["*", "arn:aws:s3:::central-config/*", "arn:aws:s3:::*/deployer.toml"],
    "ConfigurationAccount": ["*", "12"],
    "AdministratorArns": ["*", f"{ROLE}*", f"{ROLE}ops/*", "arn:aws:iam::*:role/admin", f"arn:aws:iam::{ACCOUNT}:root"],
    "UploadBucket": ["*", "team-*"],
    "DurableStateKeyArn": ["*", KEY.replace("key/", "alias/")],
}


def check(template: dict) -> list[str]:
    """Whether the parameters refuse what would open a whole account, and take what they are for."""
    problems = []
    for name, parameter in template["Parameters"].items():
        if is_list(parameter) and not (name in TAKEN and name in REFUSED):
            problems.append(f"{name} is a list for which no item is said to be taken or refused")
        if name not in TAKEN:
            continue
        allowed = re.compile(parameter["AllowedPattern"])
        problems += [f"{name} refuses {item!r}" for item in TAKEN[name] if not allowed.fullmatch(item)]
        problems += [f"{name} takes {item!r}" for item in REFUSED[name] if allowed.fullmatch(item)]
    for name, value in [pair for given in (PARAMETERS, *PARAMETERS_OF_RUNS.values()) for pair in given.items()]:
        parameter = template["Parameters"][name]
        items = value.split(",") if is_list(parameter) else [value]
        pattern = parameter.get("AllowedPattern", ".*")
        problems += [f"{name} refuses {item!r}" for item in items if not re.fullmatch(pattern, item)]
    return problems
