"""What CloudFormation makes of the functions of a translated template, for one set of parameters."""

import re
from typing import Any

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
NO_VALUE = object()


class Resolver:
    """The values that the functions of a template have."""

    def __init__(self, template: dict, given: dict[str, str]) -> None:
        self.template = template
        self.values: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": "express-deployer",
            "AWS::NoValue": NO_VALUE,
        }
        for name, parameter in template["Parameters"].items():
            value = given.get(name, parameter.get("Default"))
            self.values[name] = str(value or "").split(",") if is_list(parameter) else value

    def is_met(self, node: Any) -> bool:
        """A condition, by its name or as it is written."""
        if isinstance(node, str):
            return self.is_met(self.template["Conditions"][node])
        ((function, operands),) = node.items()
        match function:
            case "Fn::Equals":
                return self.resolve(operands[0]) == self.resolve(operands[1])
            case "Fn::Not":
                return not self.is_met(operands[0])
            case "Condition":
                return self.is_met(operands)
        raise ValueError(f"{function} is not a condition that is known here")

    def resolve(self, node: Any) -> Any:
        """A piece of the template as CloudFormation would have it."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and next(iter(node)).startswith(("Fn::", "Ref")):
            return self.call(*next(iter(node.items())))
        members = {name: self.resolve(value) for name, value in node.items()}
        return {name: value for name, value in members.items() if value is not NO_VALUE}

    def call(self, function: str, operands: Any) -> Any:
        match function:
            case "Ref":
                return self.values.get(operands, f"<{operands}>")
            case "Fn::If":
                name, yes, no = operands
                return self.resolve(yes if self.is_met(name) else no)
            case "Fn::Join":
                return operands[0].join(self.resolve(operands[1]))
            case "Fn::Split":
                return self.resolve(operands[1]).split(operands[0])
            case "Fn::GetAtt":
                return self.attribute(operands)
            case "Fn::Sub":
                text, given = (operands, {}) if isinstance(operands, str) else operands
                values = self.values | {name: self.resolve(value) for name, value in given.items()}
                return re.sub(r"\$\{([^}]+)\}", lambda found: self.substitute(found[1], values), text)
        raise ValueError(f"{function} is not a function that is known here")

    def substitute(self, name: str, values: dict[str, Any]) -> str:
        """What stands in a text for a name; one behind `!` is left for whoever reads the text, such as IAM."""
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        return str(values[name] if name in values else self.attribute(name))

    def attribute(self, operands: Any) -> str:
        name, attribute = operands.split(".") if isinstance(operands, str) else operands
        if (name, attribute) == ("DeadLetters", "Arn"):
            queue = self.resolve(self.template["Resources"][name]["Properties"]["QueueName"])
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
        if (name, attribute) == ("DeployerRole", "Arn"):
            return f"arn:aws:iam::{ACCOUNT}:role/{self.values['AWS::StackName']}-{name}"
        if (name, attribute) == ("StateBucket", "Arn"):
            bucket = self.resolve(self.template["Resources"][name]["Properties"]["BucketName"])
            return f"arn:aws:s3:::{bucket}"
        raise ValueError(f"{name}.{attribute} is not an attribute that is known here")

    def policies(self) -> list[dict]:
        """The inline policies of the function's role."""
        return self.resolve(self.template["Resources"]["DeployerRole"]["Properties"]["Policies"])

    def statements(self) -> list[dict]:
        return [statement for policy in self.policies() for statement in policy["PolicyDocument"]["Statement"]]


def is_list(parameter: dict) -> bool:
    """Whether a parameter is a list, whose pattern is checked against each of its items."""
    return parameter["Type"] == "CommaDelimitedList"


def listed(node: Any) -> list:
    """A policy's element, which may be one value or a list of them."""
    return node if isinstance(node, list) else [node]
