"""Secrets that say themselves what they are: tokens whose makers gave them a shape.

A table: an id, what stays readable, what is hidden, and why it can be told from other words. The hidden part is a class with
a least length and nothing behind it, so that each character is looked at once; a new vendor is one more line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

Span = tuple[int, int]


class Token(NamedTuple):
    """A kind of token. ``kept`` and ``hidden`` are patterns, read with letter case."""

    id: str
    kept: str
    hidden: str
    why: str


_HEX = "[0-9a-f]"
_AN = "[A-Za-z0-9]"
_URL = "[A-Za-z0-9_-]"
_B64 = "[A-Za-z0-9+/=_-]"
_GUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"

TOKENS = (
    # Clouds
    Token("aws-key-id", "(?:AKIA|ASIA|ABIA|ACCA)", "[A-Z0-9]{16}(?![A-Za-z0-9])", "access key ids"),
    Token("aws-session", "(?:FwoGZXIvYXdz|IQoJb3JpZ2lu|FQoGZXIvYXdz)", f"{_B64}{{40,}}", "session tokens begin alike"),
    Token("aws-bedrock", "ABSK", f"{_B64}{{60,}}", "keys of Bedrock"),
    Token("aws-mws", r"amzn\.mws\.", _GUID, "marketplace"),
    Token("gcp-api-key", "AIza", f"{_URL}{{30,45}}", "39 characters"),
    Token("gcp-access", r"ya29\.", "[A-Za-z0-9_.-]{20,}", "OAuth access"),
    Token("gcp-client-secret", "GOCSPX-", f"{_URL}{{20,}}", "OAuth client"),
    Token("gcp-refresh", "1//0", f"{_URL}{{30,}}", "OAuth refresh"),
    Token("gcp-hmac", "GOOG", "[A-Z0-9]{20,60}(?![A-Za-z0-9])", "interoperability keys"),
    Token("alibaba", "LTAI", f"{_AN}{{12,30}}(?![A-Za-z0-9])", "access key ids"),
    Token("tencent", "AKID", f"{_AN}{{32}}(?![A-Za-z0-9])", "secret ids"),
    Token("yandex", r"(?:t1\.|y0_|AQVN)", f"{_URL}{{35,}}", "IAM, OAuth, API"),
    Token("digitalocean", "do[opr]_v1_", f"{_HEX}{{40,}}", "personal, OAuth, refresh"),
    Token("linode-vultr-fly", "(?:FlyV1 |fm[12][ar]?_|fo1_)", f"{_B64}{{20,}}", "Fly"),
    Token("heroku", "HRKU-", f"{_URL}{{30,}}", "since 2024"),
    Token("cloudflare-ca", r"v1\.0-", f"{_HEX}{{20,}}-{_HEX}{{100,}}", "origin CA"),
    Token("cloudflare", "(?:cfut|cfat|cfk)_", f"{_URL}{{30,}}", "user and account tokens"),
    Token("alicloud-oss", r"STS\.", f"{_AN}{{20,}}", "security token ids"),
    Token("supabase", "(?:sbp|sb_secret)_", f"{_URL}{{20,}}", ""),
    Token("planetscale", "pscale_(?:tkn|pw|oauth)_", r"[A-Za-z0-9_.=-]{20,}", ""),
    Token("neon-render-netlify", "(?:napi|rnd|nfp|vcp|vca|vci)_", f"{_AN}{{20,}}", ""),
    Token("scalingo", "tk-us-", f"{_URL}{{30,}}", ""),
    # Code, packages, builds
    Token("github", "gh[pousr]_", f"{_AN}{{20,}}", "personal, OAuth, user, server, refresh"),
    Token("github-fine", "github_pat_", "[A-Za-z0-9_]{20,}", "fine-grained"),
    Token("gitlab", "gl(?:pat|dt|rt|rtr|ptt|cbt|ft|oas|soat|imt|agent|ffct|wt)-", "[A-Za-z0-9_.-]{16,}", "all of GitLab's"),
    Token("gitlab-runner", "GR1348941", f"{_URL}{{16,}}", "registration"),
    Token("bitbucket", "ATBB", f"{_AN}{{20,}}", "app passwords"),
    Token("atlassian", "(?:ATATT3x|ATCTT3x|ATSTT3x)", f"{_B64}{{30,}}", "API tokens"),
    Token("npm", "npm_", f"{_AN}{{30,}}", ""),
    Token("pypi", "pypi-", f"{_URL}{{30,}}", ""),
    Token("docker", "dckr_(?:pat|oat)_", f"{_URL}{{20,}}", ""),
    Token("swarm", "SWMTKN-1-", f"{_URL}{{40,}}", "join tokens"),
    Token("rubygems", "rubygems_", f"{_HEX}{{40,}}", ""),
    Token("crates", "cio", f"{_AN}{{32}}(?![A-Za-z0-9])", ""),
    Token("nuget", "oy2", "[a-z0-9]{43}(?![A-Za-z0-9])", ""),
    Token("clojars", "CLOJARS_", f"{_HEX}{{40,}}", ""),
    Token("artifactory", "(?:AKCp|cmVmdGtu)", f"{_AN}{{40,}}", "API keys and reference tokens"),
    Token("sonar", "sq[pua]_", f"{_HEX}{{40}}", ""),
    Token("circleci", "CCI(?:PAT|PRJ)_", "[A-Za-z0-9_]{20,}", ""),
    Token("buildkite", "bk(?:ua|ct|aj)_", f"{_AN}{{30,}}", ""),
    Token("postman", "PMAK-", f"{_HEX}{{20,}}-{_HEX}{{30,}}", ""),
    Token("terraform", "", f"{_AN}{{14}}\\.atlasv1\\.[A-Za-z0-9_=-]{{40,}}", "cloud and enterprise"),
    Token("vault", r"hv[sbr]\.", f"{_B64}{{20,}}", "service, batch, recovery"),
    Token("vault-old", r"[sb]\.", f"{_AN}{{24}}(?![A-Za-z0-9.])", "before 1.10"),
    Token("boundary", "at_", f"{_AN}{{10}}_s1{_AN}{{20,}}", ""),
    Token("pulumi", "pul-", f"{_HEX}{{40}}", ""),
    Token("doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?", f"{_AN}{{40,}}", ""),
    Token("1password", "ops_", f"{_B64}{{100,}}", "service accounts"),
    Token("1password-key", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}", "secret key"),
    Token("tailscale", "tskey-(?:[a-z]{2,12}-)?", f"{_URL}{{16,}}", ""),
    # Talk and mail
    Token("slack", r"xox[a-z](?:\.xox[a-z])?-", "[A-Za-z0-9_-]{8,}", "bot, user, app, refresh"),
    Token("slack-app", "xapp-", "[A-Za-z0-9_-]{8,}", ""),
    Token("discord", "[MNO]", f"{_URL}{{23,27}}\\.{_URL}{{6}}\\.{_URL}{{27,45}}", "three parts of fixed length"),
    Token("discord-mfa", r"mfa\.", f"{_URL}{{60,}}", ""),
    Token("telegram", "(?:bot)?[0-9]{8,10}:", "A[A-Za-z0-9_-]{33,35}(?![A-Za-z0-9_-])", ""),
    Token("twilio", "SK", f"{_HEX}{{32}}(?![A-Za-z0-9])", "API keys; account SIDs are no secret"),
    Token("sendgrid", r"SG\.", f"{_URL}{{16,32}}\\.{_URL}{{16,64}}", ""),
    Token("mailgun", "key-", f"{_HEX}{{32}}(?![A-Za-z0-9])", ""),
    Token("mailgun-new", "", f"{_HEX}{{32}}-{_HEX}{{8}}-{_HEX}{{8}}(?![A-Za-z0-9-])", "three hexadecimal parts"),
    Token("mailchimp", "", f"{_HEX}{{32}}-us[0-9]{{1,2}}(?![A-Za-z0-9])", ""),
    Token("brevo", "x(?:keysib|smtpsib)-", f"{_URL}{{40,}}", ""),
    Token("resend", "re_", f"{_AN}{{8}}_{_AN}{{20,}}", ""),
    # Money
    Token("stripe", "[sr]k_(?:live|test|prod)_", f"{_AN}{{10,}}", "secret and restricted"),
    Token("stripe-hook", "whsec_", f"{_B64}{{20,}}", ""),
    Token("square", "sq0(?:atp|csp|idp)-", f"{_URL}{{20,}}", ""),
    Token("square-access", "EAAA[A-Za-z]", f"{_URL}{{50,}}", ""),
    Token("paypal", r"access_token\$(?:production|sandbox)\$", r"[a-z0-9]{10,20}\$[0-9a-f]{30,}", "Braintree"),
    Token("plaid", "access-(?:sandbox|development|production)-", _GUID, ""),
    Token("shopify", "shp(?:at|ca|pa|ss|tka)_", "[0-9a-fA-F]{30,}", ""),
    Token("flutterwave", "FLWSECK(?:_TEST)?-", f"{_URL}{{12,}}", ""),
    Token("razorpay", "rzp_(?:live|test)_", f"{_AN}{{14,}}", ""),
    Token("facebook", "EAA[A-Z]", f"{_AN}{{80,}}", ""),
    Token("twitter", "A{18,24}(?=[B-Za-z0-9]{1,40}%)", "[A-Za-z0-9%]{40,}", "bearer"),
    Token("hubspot", "pat-(?:na|eu)[0-9]-", _GUID, ""),
    # Language models and data
    Token("anthropic", "sk-ant-(?:[a-z]{2,6}[0-9]{2}-)?", f"{_URL}{{20,}}", ""),
    Token("openai", "(?:sk-(?:proj|svcacct|admin|service|or-v1|or|lf|None)-|sess-)", f"{_URL}{{20,}}", ""),
    Token("openai-old", "sk-", f"{_AN}{{20,}}", "and those who do likewise"),
    Token("huggingface", "(?:hf|api_org)_", f"{_AN}{{20,}}", ""),
    Token("groq", "gsk_", f"{_AN}{{20,}}", ""),
    Token("replicate", "r8_", f"{_AN}{{30,}}", ""),
    Token("models", "(?:pplx-|xai-|nvapi-|tvly-(?:dev-|prod-)?|jina_|tgp_v1_|fw_|csk-)", f"{_URL}{{20,}}", "several makers"),
    Token("langsmith", "(?:lsv2_(?:pt|sk)_|ls__)", "[A-Za-z0-9_]{20,}", ""),
    Token("pinecone", "pcsk_", "[A-Za-z0-9_]{20,}", ""),
    Token("wandb", "wandb_v1_", "[A-Za-z0-9_]{20,}", ""),
    Token("runpod", "rpa_", f"{_AN}{{30,}}", ""),
    Token("elevenlabs", "sk_", f"{_HEX}{{40,}}", ""),
    Token("firecrawl", "fc-", f"{_HEX}{{32}}", ""),
    Token("databricks", "(?:dapi|dkea|dose)", f"{_HEX}{{32}}(?:-[0-9])?(?![A-Za-z0-9])", ""),
    Token("prefect", "pn[ub]_", f"{_AN}{{30,}}", ""),
    Token("airtable", "pat", f"{_AN}{{14}}\\.{_HEX}{{64}}", ""),
    Token("snowflake", "ver:[0-9]-hint:[0-9]+-", f"{_B64}{{20,}}", "session tokens"),
    # Eyes on systems
    Token("newrelic", "(?:NRAK|NRII|NRIQ|NRRA|NRJS|NRBR)-", f"{_URL}{{16,}}", ""),
    Token("newrelic-licence", "", f"{_HEX}{{32,36}}(?:FFFF)?NRAL", "ends with its kind"),
    Token("grafana", "gl(?:c|sa)_", f"{_B64}{{20,}}", "cloud and service accounts"),
    Token("sentry", "sntry[su]_", f"{_B64}{{20,}}", ""),
    Token("dynatrace", r"dt0[a-z][0-9]{2}\.", r"[A-Z0-9]{24}\.[A-Z0-9]{60,}", ""),
    Token("honeycomb", "hc[a-z]ik_", "[a-z0-9]{30,}", ""),
    Token("elastic", "essu_", f"{_B64}{{20,}}", ""),
    Token("launchdarkly", "(?:api|sdk)-", f"{_GUID}(?![A-Za-z0-9-])", ""),
    # Work
    Token("linear", "lin_(?:api|oauth|wh)_", f"{_AN}{{20,}}", ""),
    Token("asana", "[12]/[0-9]{10,20}(?:/[0-9]{10,20})?:", f"{_HEX}{{32}}(?![A-Za-z0-9])", "personal access tokens"),
    Token("notion", "(?:ntn|secret)_", f"{_AN}{{40,}}", ""),
    Token("figma", "fig[duo]_?", f"{_URL}{{38,}}", ""),
    Token("contentful", "CFPAT-", f"{_URL}{{30,}}", ""),
    Token("typeform", "tfp_", f"{_URL}{{30,}}", ""),
    Token("dropbox", r"sl\.", f"{_URL}{{60,}}", ""),
    Token("frameio", "fio-u-", f"{_URL}{{40,}}", ""),
    Token("adafruit", "aio_", f"{_AN}{{28}}", ""),
    Token("easypost", "EZ[AT]K", f"{_AN}{{40,}}", ""),
    Token("shippo", "shippo_(?:live|test)_", f"{_HEX}{{40}}", ""),
    Token("readme", "rdme_", f"{_AN}{{60,}}", ""),
    Token("mapbox", r"sk\.eyJ", r"[A-Za-z0-9_.-]{40,}", "secret; pk. is public"),
    # Keys
    Token("jwt", "", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*+)*+", "a header in base64, and parts"),
    Token("grafana-old", "", r"eyJrIjoi[A-Za-z0-9+/=]{30,}", "a JSON with a field k, in base64"),
    Token("ntfy", "tk_", f"{_AN}{{29}}(?![A-Za-z0-9])", ""),
    Token("nkey", "S[UANOCX]", "[A-Z0-9]{56}(?![A-Za-z0-9])", "seeds of NATS"),
    Token("product-key", "", "(?=[A-Z-]{0,28}[0-9])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![A-Za-z0-9-])", "five groups of five"),
    Token("recovery-key", "", "[0-9]{6}(?:-[0-9]{6}){7}(?![0-9-])", "BitLocker: eight groups of six"),
    Token("age", "AGE-SECRET-KEY-1", "[A-Z0-9]{50,}", ""),
    Token("nostr", "nsec1", "[a-z0-9]{50,}", ""),
    Token("bip32", "[xyz]prv", f"{_AN}{{90,}}", ""),
    Token("azure-devops", "", f"{_AN}{{70,80}}AZDO{_AN}{{4}}", "the mark is in the key"),
    Token("azure-ai", "", f"{_AN}{{30,60}}JQQJ99{_AN}{{10,}}", "the mark is in the key"),
    Token(
        "azure-marked",
        "",
        r"[A-Za-z0-9+/]{30,78}(?:\+A(?:St|Ba|Sb|Eh|Rm|CR|IoT|MC)|AIoT|ACDb|AzSe|AzFu|AzCa|AZEG|AZAC|APIM)[A-Za-z0-9+/]{5,9}={0,2}(?![A-Za-z0-9+/=])",
        "keys since 2022 name their service",
    ),
    Token("azure-88", "", r"(?<!sha512[-:=])(?<![+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])", "64 bytes: storage, Batch, Cosmos"),
    Token("azure-88-quoted", "", r"(?<![%+/])(?:[A-Za-z0-9]|%2[bfBF]){86}%3[dD]%3[dD]", "the same in an address"),
    Token("crypt", r"\$(?:apr1|1|5|6|y|7|gy|2[abxy]|argon2(?:id|i|d)|scrypt|pbkdf2-sha(?:256|512)|P|H)\$", "[A-Za-z0-9./$=,+_-]{12,}", "hashes of passwords"),
    Token("mysql-hash", r"\*", "[0-9A-F]{40}(?![A-Za-z0-9])", "hashes of passwords"),
)  # fmt: skip

_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[2-5][0-9A-Fa-f]))"
_ANY = re.compile(_BEGIN + "(?:" + "|".join(f"{each.kept}{each.hidden}" for each in TOKENS) + ")")
_EACH = [re.compile(f"({each.kept}){each.hidden}") for each in TOKENS]
_ENTRA = re.compile(r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,37}(?![\w~-])")  # a client secret of Entra ID


def tokens(text: str) -> Iterator[Span]:
    """Where the hidden parts of tokens are."""
    for found in _ANY.finditer(text):
        kept = next(each for each in _EACH if (again := each.match(text, found.start())) and again.end() == found.end())
        again = kept.match(text, found.start())
        yield (again.end(1) if again else found.start()), found.end()
    if "Q~" in text:
        for found in _ENTRA.finditer(text):
            yield found.span()
