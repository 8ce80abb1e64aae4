"""Who may put and delete what in the state bucket of the translated template: the bucket's policy beside what each
principal's own policies allow, judged as IAM judges them within one account."""

from typing import Any

from cloudformation import ACCOUNT, Resolver
from parameters import PARAMETERS, ROLE
from policies import STATE, applies

PUT, DELETE, DELETE_VERSION = "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"
ACTIONS = [PUT, DELETE, DELETE_VERSION]
UPLOADS = "task-definitions/"
KEYS = ["services/a/head.json", "releases/a/1.json", "config/deployer.toml", f"{UPLOADS}shop/web.json", f"{UPLOADS}other/web.json"]
HEAD, REPORT, CONFIG, OWN_UPLOAD, OTHER_UPLOAD = KEYS

# Whoever may do anything with S3, as far as the own policies are asked.
EVERYTHING = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
UNTAGGED = "an uploader without the tag"


def principals(resolver: Resolver) -> dict[str, tuple[str, list[dict], dict[str, str]]]:
    """Each principal: its ARN, its own statements, and its tags."""
    uploads = resolver.resolve(resolver.template["Resources"]["UploadPolicy"]["Properties"]["PolicyDocument"]["Statement"])
    uploader = f"{ROLE}ci"
    return {
        "the function": (resolver.attribute("DeployerRole.Arn"), resolver.statements(), {}),
        "an administrator": (f"{ROLE}admin-ada", EVERYTHING, {}),
        "an uploader": (uploader, uploads, {"deployer-service": "shop"}),
        UNTAGGED: (uploader, uploads, {}),
        "a stranger": (f"{ROLE}developer", EVERYTHING, {}),
    }


def resolve_tags(statement: dict, tags: dict[str, str]) -> dict | None:
    """The statement with the principal's tags in place; none where it names one that the principal does not have."""
    texts: list[Any] = []
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    for text in resources:
        for name, value in tags.items():
            text = text.replace("${aws:PrincipalTag/" + name + "}", value)
        if "${" not in text:
            texts.append(text)
    return statement | {"Resource": texts} if texts else None


def may(resolver: Resolver, who: tuple[str, list[dict], dict[str, str]], action: str, key: str) -> bool:
    arn, own, tags = who
    keys = {"aws:PrincipalArn": arn, "aws:ResourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    resource = f"{STATE}/{key}"
    policy = resolver.template["Resources"]["StateBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = [s for s in resolver.resolve(policy) if s["Effect"] == "Deny" and applies(s, action, resource, keys)]
    allowed = [s for s in own if (resolved := resolve_tags(s, tags)) and applies(resolved, action, resource, keys)]
    return bool(allowed) and not denied


def wanted(has_administrators: bool) -> dict[str, set[tuple[str, str]]]:
    """What each principal may do; nothing else."""
    uploads = {(action, key) for action in ACTIONS for key in (OWN_UPLOAD, OTHER_UPLOAD)}
    config = {(action, CONFIG) for action in ACTIONS}
    state = {(action, key) for action in ACTIONS for key in (HEAD, REPORT)}
    return {
        "the function": {(PUT, HEAD), (PUT, REPORT)},
        "an administrator": uploads | config | (state if has_administrators else set()),
        "an uploader": {(PUT, OWN_UPLOAD)},
        UNTAGGED: set(),
        # Uploads are guarded by who is given permission for them, and configuration, too, unless somebody is named.
        "a stranger": uploads | (set() if has_administrators else config),
    }


def check(template: dict) -> list[str]:
    """Where somebody may write, or may not, what is not meant so."""
    problems, asked = [], 0
    for has_administrators in (True, False):
        given = PARAMETERS if has_administrators else PARAMETERS | {"AdministratorArns": ""}
        resolver = Resolver(template, given)
        expected = wanted(has_administrators)
        for name, who in principals(resolver).items():
            for action in ACTIONS:
                for key in KEYS:
                    asked += 1
                    if may(resolver, who, action, key) != ((action, key) in expected[name]):
                        does = "may not" if (action, key) in expected[name] else "may"
                        problems.append(f"{name} {does} {action} {key}, administrators named: {has_administrators}")
        # Whoever may change a bucket's policy can always let themselves in again.
        stranger = principals(resolver)["a stranger"]
        if not may(resolver, stranger, "s3:PutBucketPolicy", ""):
            problems.append("nobody but the function may change the bucket's policy")
    if not problems:
        print(f"the state bucket answers {asked} requests to put and delete as it should")
    return problems
