"""Translates template.yaml as the SAM service would, lints the result, and compares its permissions with docs/iam.md.

cfn-lint does not look into AWS::Serverless resources, so the template is translated first. Nothing here asks AWS:
run it offline with the packages of .ci/requirements.txt installed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION = "ap-northeast-1"
# The translator names managed policies through IAM; the role is our own, so an empty list will do.
NO_MANAGED_POLICIES: dict[str, str] = {}


def translate() -> dict:
    """The plain CloudFormation template that deploying template.yaml results in."""
    os.environ["AWS_DEFAULT_REGION"] = REGION
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # What `sam package` does: the folder becomes an uploaded archive.
            resource["Properties"]["CodeUri"] = "s3://example-bucket/bootstrap.zip"
    session = boto3.session.Session(region_name=REGION)
    return Translator(NO_MANAGED_POLICIES, Parser(), boto_session=session).translate(
        template, parameter_values={}
    )


def cfn_lint(template: dict) -> int:
    """Runs cfn-lint on a translated template and prints its findings; warnings count."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "translated.json"
        path.write_text(json.dumps(template, indent=1, default=str))
        program = pathlib.Path(sysconfig.get_path("scripts")) / "cfn-lint"
        command = [program, "--regions", REGION, "--non-zero-exit-code", "warning", str(path)]
        return subprocess.run(command, check=False).returncode


def actions(node: object) -> set[str]:
    """Every action that a policy of the function's role allows, through lists and Fn::If alike."""
    found: set[str] = set()
    if isinstance(node, dict):
        action = node.get("Action", [])
        found.update([action] if isinstance(action, str) else action)
        for value in node.values():
            found |= actions(value)
    elif isinstance(node, list):
        for value in node:
            found |= actions(value)
    return found


def compare_with_table(template: dict) -> int:
    """Fails when the role and the table in docs/iam.md do not list the same actions."""
    policies = template["Resources"]["DeployerRole"]["Properties"]["Policies"]
    granted = actions(policies)
    rows = re.findall(r"^\| `([a-z0-9]+:[A-Za-z]+)` \|", (ROOT / "docs" / "iam.md").read_text(), re.MULTILINE)
    explained = set(rows)
    for action in sorted(granted - explained):
        print(f"docs/iam.md does not explain {action}, which template.yaml grants")
    for action in sorted(explained - granted):
        print(f"docs/iam.md explains {action}, which template.yaml does not grant")
    for action in sorted({row for row in rows if rows.count(row) > 1}):
        print(f"docs/iam.md lists {action} more than once")
    if granted == explained and len(rows) == len(explained):
        print(f"template.yaml and docs/iam.md agree on {len(granted)} actions")
        return 0
    return 1


# What one item of each list parameter may be, and what it may not.
ITEMS = {
    "RepositoryNames": ("shop/web", "*"),
    "OtherRepositoryArns": ("arn:aws:ecr:eu-west-1:111122223333:repository/web", "arn:aws:ecr:eu-west-1:*:repository/web"),
    "ServiceArns": ("arn:aws:ecs:eu-west-1:123456789012:service/default/shop-*", "arn:aws:ecs:eu-west-1:123456789012:service/default/*"),
    "TaskRoleArns": ("arn:aws:iam::123456789012:role/shop-*", "arn:aws:iam::123456789012:role/*"),
    "LogBuckets": ("shop-logs", "*"),
    "LogBucketAccounts": ("111122223333", "*"),
    "LogKeyArns": ("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "*"),
}


def check_items(template: dict) -> int:
    """Fails when a list parameter refuses what it should take, or takes an item that leaves account or name open."""
    failures = 0
    parameters = template["Parameters"]
    lists = {name for name, parameter in parameters.items() if parameter["Type"] == "CommaDelimitedList"}
    for name in sorted(lists ^ set(ITEMS)):
        print(f"{name}: not both a list parameter and a row of ITEMS")
        failures += 1
    for name in sorted(lists & set(ITEMS)):
        taken, refused = (re.fullmatch(parameters[name].get("AllowedPattern", ".*"), item) for item in ITEMS[name])
        if not taken or refused:
            print(f"{name}: its AllowedPattern takes {ITEMS[name][1]} or refuses {ITEMS[name][0]}")
            failures += 1
    return failures


def resolve(node: object, values: dict, conditions: dict) -> object:
    """A piece of the template with these parameters, as CloudFormation would have it."""
    if isinstance(node, list):
        items = [resolve(item, values, conditions) for item in node]
        return [item for item in items if item is not None]
    if not isinstance(node, dict):
        return node
    if len(node) != 1 or not next(iter(node)).startswith(("Fn::", "Ref")):
        members = {name: resolve(value, values, conditions) for name, value in node.items()}
        return {name: value for name, value in members.items() if value is not None}
    (function, argument), = node.items()
    if function == "Fn::If":
        condition, then, otherwise = argument
        return resolve(then if is_met(conditions[condition], values, conditions) else otherwise, values, conditions)
    argument = resolve(argument, values, conditions)
    match function:
        case "Ref":
            return values.get(argument, f"<{argument}>") if argument != "AWS::NoValue" else None
        case "Fn::Join":
            return argument[0].join(argument[1])
        case "Fn::Split":
            return argument[1].split(argument[0])
        case "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
        case "Fn::Sub":
            text, names = (argument, {}) if isinstance(argument, str) else argument
            return re.sub(r"\$\{([^}]+)\}", lambda name: str({**values, **names}.get(name[1], f"<{name[1]}>")), text)
    raise ValueError(f"{function} is not known here")


def is_met(condition: dict, values: dict, conditions: dict) -> bool:
    (function, argument), = condition.items()
    if function == "Fn::Not":
        return not is_met(argument[0], values, conditions)
    one, other = (resolve(side, values, conditions) for side in argument)
    return one == other


ROLE_LIMIT = 10_240  # characters of all inline policies of a role, blanks not counted (IAM quotas)
PATTERN_LIMIT = 2_048  # characters of an event pattern (EventBridge quotas)
SERVICES = 20


def check_sizes(template: dict) -> int:
    """Fails when twenty services with names of usual length do not fit into the role, or their repositories into a rule."""
    numbers = range(SERVICES)
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    values |= {name: [] for name, parameter in template["Parameters"].items() if parameter["Type"] == "CommaDelimitedList"}
    values |= {
        "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": "123456789012", "AWS::StackName": "express-deployer",
        "RepositoryNames": [f"storefront/checkout-{n:02}" for n in numbers],
        "ServiceArns": [f"arn:aws:ecs:{REGION}:123456789012:service/production/checkout-{n:02}-f9de" for n in numbers],
        "TaskRoleArns": [f"arn:aws:iam::123456789012:role/checkout-{n:02}" for n in numbers],
        "LogBuckets": ["storefront-logs"],
    }
    conditions = template["Conditions"]
    policies = resolve(template["Resources"]["DeployerRole"]["Properties"]["Policies"], values, conditions)
    size = sum(len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) for policy in policies)
    rules = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::Events::Rule"]
    patterns = [resolve(rule["Properties"]["EventPattern"], values, conditions) for rule in rules]
    longest = max(len(json.dumps(pattern, separators=(",", ":"))) for pattern in patterns)
    print(f"{SERVICES} services: {size} of {ROLE_LIMIT} characters of policies, {longest} of {PATTERN_LIMIT} of an event pattern")
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    follow = next(statement for statement in statements if statement["Sid"] == "UpdateAndFollowServices")
    wanted = f"arn:aws:ecs:{REGION}:123456789012:service-*/production/checkout-07-f9de/*"
    if wanted not in follow["Resource"] or len(follow["Resource"]) != 2 * SERVICES:
        print(f"UpdateAndFollowServices does not name {wanted}: {follow['Resource'][-2:]}")
        return 1
    return int(size > ROLE_LIMIT) + int(longest > PATTERN_LIMIT)


def main() -> int:
    template = translate()
    linted = cfn_lint(template)
    if linted == 0:
        print(f"cfn-lint has nothing to say about {len(template['Resources'])} translated resources")
    failed = [linted, compare_with_table(template), check_items(template), check_sizes(template)]
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main())
