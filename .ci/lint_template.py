"""Translates template.yaml as the SAM service would, lints the result, compares its permissions with docs/iam.md, and
judges its parameters (parameters.py), its role (policies.py) by what the function needs, and who may write into its
state bucket (state_bucket.py).

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

import parameters
import policies
import state_bucket
from cloudformation import REGION

ROOT = pathlib.Path(__file__).resolve().parent.parent
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
    granted = actions(template["Resources"]["DeployerRole"]["Properties"]["Policies"])
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


def main() -> int:
    template = translate()
    linted = cfn_lint(template)
    if linted == 0:
        print(f"cfn-lint has nothing to say about {len(template['Resources'])} translated resources")
    problems = parameters.check(template) + policies.check(template) + state_bucket.check(template)
    for problem in problems:
        print(problem)
    return 1 if compare_with_table(template) or problems or linted else 0


if __name__ == "__main__":
    sys.exit(main())
