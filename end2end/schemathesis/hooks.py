"""What schemathesis must not do to the installation that it tests, and what it must not mistake."""

import ipaddress
import json
import os
import re

import schemathesis

# The ids of the keys that the run itself uses, and of one that it may do everything to.
OWN = set(os.environ["SENDMUX_OWN_KEYS"].split(","))
OTHER = os.environ["SENDMUX_OTHER_KEY"]

# What no schema can say: whether entries of a list go together, and with what there is.
TOGETHER = {"duplicate", "half_weighted", "all_zero", "taken", "unknown", "outside_scope"}
ENDPOINT = re.compile(r"(https?://[a-z][a-z0-9.-]*(:[0-9]+)?/*)?", re.ASCII)
DOMAIN_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?", re.ASCII)


@schemathesis.hook
def before_call(context, case, kwargs):
    # A run that revokes or narrows its own key saws off the branch that it sits on: another key takes its place.
    if "/keys/" in case.path and case.method != "GET" and case.path_parameters.get("id") in OWN:
        case.path_parameters["id"] = OTHER
    # No server of strangers is called, nor Amazon, nor one that needs a minute to find out that there is none.
    if isinstance(case.body, dict):
        for field in ("host", "smtp_host"):
            if names_a_server(case.body.get(field)):
                case.body[field] = "127.0.0.1"
        endpoint = case.body.get("endpoint")
        if case.body.get("kind") == "ses" and (endpoint is None or isinstance(endpoint, str) and ENDPOINT.fullmatch(endpoint)):
            case.body["endpoint"] = "http://localhost:1"


def names_a_server(text):
    if not isinstance(text, str):
        return False
    try:
        return bool(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return bool(DOMAIN_NAME.fullmatch(text)) and not text.rstrip(".").rsplit(".", 1)[-1].isdigit()


@schemathesis.hook
def filter_failure(context, failure, case, response):
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, TypeError, KeyError):
        return True
    # A key whose last provider was drained or switched off is told so with a 503, as the published interface has it: a
    # refusal that the run itself has brought about, no fault of the server.
    if response.status_code == 503 and error["code"] == "no_active_providers":
        return False
    # A request that fits its schema, and still not what there is. Where it names something else that is not there, that is
    # a 404 with the field; one about the resource itself names none.
    refused = response.status_code in (400, 404, 422) and error["errors"]
    return not (refused and all(depends(case, one) for one in error["errors"]))


def depends(case, error):
    field, code = error["field"], error["code"]
    # What can be changed of a provider is up to its kind, and whether a secret is to be given again up to the stored one.
    secrets = ("username", "password", "secret_access_key", "access_key_id", "region")
    change = case.method == "PATCH" and (code == "unknown_field" or code == "required" and field in secrets)
    # An external id goes with a role.
    alone = field == "external_id" and not case.body.get("role_arn")
    return code in TOGETHER or change or alone
