"""What the role of the translated template allows, judged as IAM judges it, for one set of parameters.

The rows of tests/fixtures/permissions.json are what IAM checks in a fixed list of runs, which cargo test writes down.
Every row must be allowed, what lies just outside of each statement denied, and nothing be granted that no run uses.
"""

import functools
import itertools
import json
import pathlib
import re
from typing import Any

from cloudformation import ACCOUNT, REGION, Resolver, listed
from parameters import KEY, OTHER, PARAMETERS, PARAMETERS_OF_RUNS, ROLE, SECOND, SERVICE

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATE = f"arn:aws:s3:::deployer-state-{ACCOUNT}-{REGION}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:express-deployer"

# What each statement must not reach: one step beside what it is for.
OWN, OTHERS = {"aws:ResourceAccount": ACCOUNT}, {"aws:ResourceAccount": OTHER}
HERE = {"aws:RequestedRegion": REGION}
IN_SERVICE_OF_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
OUTSIDE: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "Run": [
        ("lambda:CheckpointDurableExecution", f"{FUNCTION}-2:1/durable-execution/a/b", {}),
        ("lambda:GetDurableExecution", FUNCTION.replace(ACCOUNT, OTHER) + ":1/durable-execution/a/b", {}),
        ("lambda:InvokeFunction", f"{FUNCTION}:1", {}),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/other:log-stream:a", {}),
        ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:other", {}),
    ],
    "DeployServices": [
        ("ecs:UpdateExpressGatewayService", SERVICE + "2", {}),
        ("ecs:UpdateExpressGatewayService", SERVICE.replace(ACCOUNT, OTHER), {}),
        ("ecs:StopServiceDeployment", SERVICE.replace(":service/", ":service-deployment/") + "2/ID", {}),
        ("ecs:StopServiceDeployment", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/other/second/ID", {}),
        ("ecs:DescribeServiceRevisions", SECOND.replace(":service/", ":service-revision/"), {}),
        ("ecs:DeleteExpressGatewayService", SERVICE, {}),
    ],
    # No resource is outside: ECS knows none for the first two, and is right about none for the third.
    "RegisterTaskDefinitions": [("ecs:DeregisterTaskDefinition", "*", {})],
    "TagNewRevisions": [
        (
            "ecs:TagResource",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/other:*",
            {"ecs:CreateAction": "RegisterTaskDefinition"},
        ),
        ("ecs:TagResource", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/express-mode-custom-td:5", {}),
    ],
    "ListTasks": [("ecs:ListTasks", "*", {"ecs:cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/other"})],
    "DescribeTasks": [("ecs:DescribeTasks", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/other/ID", {})],
    "HandRolesToTasks": [
        ("iam:PassRole", f"{ROLE}admin", IN_SERVICE_OF_TASKS),
        ("iam:PassRole", f"{ROLE}ecsTaskExecutionRole", {"iam:PassedToService": "lambda.amazonaws.com"}),
    ],
    "HandInfrastructureRoleToEcs": [
        ("iam:PassRole", f"{ROLE}ecsInfrastructureRoleForExpressServices", IN_SERVICE_OF_TASKS),
        ("iam:PassRole", f"{ROLE}ecsTaskExecutionRole", {"iam:PassedToService": "ecs.amazonaws.com"}),
    ],
    "ReadImages": [
        ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other", HERE | OWN),
        ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{OTHER}:repository/express-mode-custom-td", HERE | OTHERS),
        (
            "ecr:BatchGetImage",
            f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/express-mode-custom-td",
            {"aws:RequestedRegion": "eu-west-1"} | OWN,
        ),
    ],
    "ReadImagesElsewhere": [
        ("ecr:BatchGetImage", f"arn:aws:ecr:eu-west-1:{OTHER}:repository/shared/base2", OTHERS),
        ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{OTHER}:repository/shared/base", OTHERS),
    ],
    "ReadInputs": [
        ("s3:GetObjectVersion", f"{STATE}/other/web.json", OWN),
        ("s3:GetObject", f"{STATE}/task-definitions/web.json", OTHERS),
        ("s3:GetObject", f"{STATE}/config/deployer.toml", OTHERS),
        ("s3:GetObject", "arn:aws:s3:::team-uploads/other/web.json", OWN),
        ("s3:GetObject", "arn:aws:s3:::team-uploads/task-definitions/web.json", OTHERS),
    ],
    "KeepHeadsAndReports": [
        ("s3:PutObject", f"{STATE}/config/deployer.toml", OWN),
        ("s3:PutObject", f"{STATE}/task-definitions/web.json", OWN),
        ("s3:PutObject", f"{STATE}/services/head.json", OTHERS),
        ("s3:DeleteObject", f"{STATE}/services/head.json", OWN),
        ("s3:DeleteObjectVersion", f"{STATE}/services/head.json", OWN),
    ],
    "ReadConfiguration": [
        ("s3:GetObject", "arn:aws:s3:::central-config/other.toml", OTHERS),
        ("s3:GetObject", "arn:aws:s3:::central-config/deployer.toml", OWN),
    ],
    "SeeWhatIsMissing": [
        ("s3:ListBucket", STATE, OWN | {"s3:prefix": "other/"}),
        ("s3:ListBucket", STATE, OTHERS),
        ("s3:ListBucket", "arn:aws:s3:::team-uploads", OWN | {"s3:prefix": "other/"}),
        ("s3:ListBucketVersions", STATE, OWN | {"s3:prefix": "other/"}),
    ],
    "ReadLogs": [
        ("s3:ListBucket", "arn:aws:s3:::your-log-bucket-2", OWN),
        ("s3:ListBucket", "arn:aws:s3:::your-log-bucket", {"aws:ResourceAccount": "999999999999"}),
        ("s3:PutObject", "arn:aws:s3:::your-log-bucket/logs/a", OWN),
        ("s3:GetObject", "arn:aws:s3:::your-log-bucket-2/logs/a", OWN),
        ("s3:GetObject", "arn:aws:s3:::your-log-bucket/logs/a", {"aws:ResourceAccount": "999999999999"}),
    ],
    "DecryptLogs": [("kms:Decrypt", KEY[:-1] + "2", {})],
}

# What is granted and is no call of a run: the statement, the action, the end of the resource, and why.
BOTH_SERVICES = ("express-mode-custom-td-f9de", "second")
NO_CALL: list[tuple[str, str, str, str]] = [
    ("Run", "logs:CreateLogStream", ":*", "Lambda logs in the function's name"),
    ("Run", "logs:PutLogEvents", ":*", "Lambda logs in the function's name"),
    ("Run", "sqs:SendMessage", "dead-letters", "Lambda sends failed events in the function's name"),
    ("Run", "lambda:GetDurableExecutionState", ":*", "asked for state that is too long for an invocation"),
    ("DecryptLogs", "kms:Decrypt", KEY, "S3 decrypts in the name of whoever reads"),
    ("ReadInputs", "s3:GetObjectVersion", "/config/*", "one statement, to name the condition but once"),
    ("KeepHeadsAndReports", "s3:GetObjectVersion", "/releases/*", "one statement, to name the condition but once"),
    ("SeeWhatIsMissing", "s3:ListBucketVersions", "team-uploads", "one statement, to name the condition but once"),
    *(
        ("ReadLogs", action, bucket + rest, "one statement, to name the condition but once")
        for bucket in ("your-log-bucket", "worker-logs")
        for action, rest in (("s3:ListBucket", "/*"), ("s3:GetObject", ""))
    ),
    *(
        ("DeployServices", f"ecs:{action}", f":service-*/default/{name}/*", "one statement, to name a service twice")
        for action in ("DescribeExpressGatewayService", "UpdateExpressGatewayService", "ListServiceDeployments")
        for name in BOTH_SERVICES
    ),
    *(
        ("DeployServices", "ecs:StopServiceDeployment", f"/second{rest}", "the run that is stopped is of one service")
        for rest in ("", "/*")
    ),
    ("ReadImagesElsewhere", "ecr:GetDownloadUrlForLayer", "shared/base", "the sandbox has no second registry"),
]

# IAM and AWS STS quotas: the characters of all inline policies of a role, white space not counted.
ROLE_POLICY_CHARACTERS = 10_240
# Amazon EventBridge quotas: the characters of an event pattern.
EVENT_PATTERN_CHARACTERS = 2_048
MANY = 20  # as many services as one event may release
NAME_LENGTH = 32  # characters of the name of each service, repository and role


@functools.cache
def pattern(text: str) -> re.Pattern:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(character, re.escape(character)) for character in text), re.DOTALL)


def matches(value: str, patterns: Any) -> bool:
    return any(pattern(text).fullmatch(value) for text in listed(patterns))


def is_met(operator: str, wanted: Any, value: str | None) -> bool:
    if value is None:
        return operator.endswith("IfExists")
    match operator.removesuffix("IfExists"):
        case "StringEquals":
            return value in listed(wanted)
        case "StringLike" | "ArnLike":
            return matches(value, wanted)
        case "ArnNotLike":
            return not matches(value, wanted)
        case "Bool":
            return value == wanted
    raise ValueError(f"{operator} is not an operator that this script knows")


def applies(statement: dict, action: str, resource: str, keys: dict[str, str]) -> bool:
    """Whether a statement, of whatever effect, is about a request."""
    conditions = statement.get("Condition", {}).items()
    return (
        matches(action, statement["Action"])
        and matches(resource, statement["Resource"])
        and all(
            is_met(operator, wanted, keys.get(key)) for operator, tests in conditions for key, wanted in tests.items()
        )
    )


def allows(statement: dict, action: str, resource: str, keys: dict[str, str]) -> bool:
    assert statement["Effect"] == "Allow", statement
    return applies(statement, action, resource, keys)


def check_rows(template: dict) -> list[str]:
    """Whether what the runs need is allowed, and no more. An action on a resource of another service is nothing."""
    rows = json.loads((ROOT / "tests" / "fixtures" / "permissions.json").read_text())
    statements = Resolver(template, PARAMETERS).statements()
    of_runs = {run: Resolver(template, PARAMETERS | given).statements() for run, given in PARAMETERS_OF_RUNS.items()}
    problems = [
        f"the run `{run}` needs {action} on {resource} with {keys}, which the template does not allow"
        for run, action, resource, keys in rows
        if not any(allows(statement, action, resource, keys) for statement in of_runs.get(run, statements))
    ]
    problems += [f"there is no run `{run}`" for run in of_runs if run not in {row[0] for row in rows}]
    names = [statement["Sid"] for statement in statements]
    problems += [f"nothing is said to be outside of {name}" for name in names if name not in OUTSIDE]
    problems += [f"there is no statement {name}" for name in OUTSIDE if name not in names]
    for name, asked in OUTSIDE.items():
        for action, resource, keys in asked:
            by = [statement["Sid"] for statement in statements if allows(statement, action, resource, keys)]
            if by:
                problems.append(
                    f"{', '.join(by)} allows {action} on {resource} with {keys}, which is outside of {name}"
                )
    excused = set()
    for statement in statements:
        for action, resource in itertools.product(listed(statement["Action"]), listed(statement["Resource"])):
            if resource == "*" or resource.split(":")[2] == action.split(":")[0]:
                alone = statement | {"Action": action, "Resource": resource}
                is_used = any(allows(alone, *row[1:]) for row in rows)
                reasons = [
                    excuse
                    for excuse in NO_CALL
                    if excuse[:2] == (statement["Sid"], action) and resource.endswith(excuse[2])
                ]
                excused.update(reasons)
                if is_used == bool(reasons):
                    what = "is used by a run and said to be no call" if is_used else "is used by no run"
                    problems.append(f"{statement['Sid']}: {action} on {resource} {what}")
    problems += [
        f"NO_CALL names what the template does not grant: {excuse}" for excuse in NO_CALL if excuse not in excused
    ]
    if not problems:
        outside = sum(map(len, OUTSIDE.values()))
        print(
            f"{len(rows)} needs of the runs are allowed by {len(statements)} statements, {outside} beside them are not"
        )
    return problems


def check_least(template: dict) -> list[str]:
    """Whether a function without anything optional has no statement about nothing, and none about everything."""
    optional = [name for name, parameter in template["Parameters"].items() if "Default" in parameter]
    given = {name: value for name, value in PARAMETERS.items() if name not in optional}
    problems = []
    for statement in Resolver(template, given).statements():
        conditions = [wanted for tests in statement.get("Condition", {}).values() for wanted in tests.values()]
        values = [value for node in [statement["Resource"], *conditions] for value in listed(node)]
        problems += [
            f"{statement['Sid']} names {value!r}" for value in values if value == "" or value.endswith((":::", ":"))
        ]
        if statement["Resource"] == "*" and not conditions and statement["Sid"] != "RegisterTaskDefinitions":
            problems.append(f"{statement['Sid']} is about everything")
    return problems


def check_sizes(template: dict) -> list[str]:
    """Whether many services fit into one role and one rule, each with a repository and a task role of its own, and
    with everything that is optional."""

    def many(prefix: str) -> list[str]:
        return [f"{prefix}{number:02}".ljust(NAME_LENGTH, "x") for number in range(MANY)]

    service = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/default/"
    given = PARAMETERS | {
        "ServiceArns": ",".join(service + name for name in many("service-")),
        "RepositoryNames": ",".join(many("shop/")),
        "TaskRoleArns": ",".join(ROLE + name for name in [*many("task-role-"), "ecsTaskExecutionRole"]),
    }
    resolver = Resolver(template, given)
    compact = functools.partial(json.dumps, separators=(",", ":"))
    rules = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::Events::Rule"]
    sizes = [
        (
            "the policies of the role",
            sum(len(compact(policy["PolicyDocument"])) for policy in resolver.policies()),
            ROLE_POLICY_CHARACTERS,
        ),
        (
            "the longest event pattern",
            max(len(compact(resolver.resolve(rule["Properties"]["EventPattern"]))) for rule in rules),
            EVENT_PATTERN_CHARACTERS,
        ),
    ]
    what_of = f"with {MANY} services whose names have {NAME_LENGTH} characters"
    for what, size, most in sizes:
        print(f"{what_of}, {what}: {size} of {most} characters")
    return [f"{what_of}, {what} has {size} characters; {most} fit" for what, size, most in sizes if size > most]


def check(template: dict) -> list[str]:
    """What is wrong where the role allows less than the runs need, or more, or has no room for many services."""
    return check_rows(template) + check_least(template) + check_sizes(template)
