"""The verdicts, as they go into Authentication-Results and into the journal."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

# RFC 8601 §2.7
PASS: Final = "pass"  # noqa: S105
FAIL: Final = "fail"
NONE: Final = "none"
NEUTRAL: Final = "neutral"
POLICY: Final = "policy"
SOFTFAIL: Final = "softfail"
TEMPERROR: Final = "temperror"
PERMERROR: Final = "permerror"

REASONS: Final[dict[str, tuple[str, str]]] = {
    # --- DKIM: the signature ---
    "too_long": ("签名字段过长", "the signature field is too long"),
    "malformed": ("签名字段格式错误", "the signature field is malformed"),
    "incomplete": ("签名字段缺少必需的标记", "the signature field lacks a required tag"),
    "version": ("签名版本未知", "unknown version of the signature"),
    "canonicalization": ("规范化方式未知", "unknown canonicalization"),
    "from_unsigned": ("签名未覆盖 From", "From is not signed"),
    "identity": ("i= 不在 d= 之内", "i= is not within d="),
    "query_method": ("查询密钥的方式未知", "unknown method to look up the key"),
    "sha1": ("使用了已废止的 SHA-1", "SHA-1 is historic and not accepted"),
    "algorithm": ("签名算法未知", "unknown signature algorithm"),
    "expired": ("签名已过期", "the signature has expired"),
    "future": ("签名时间在将来", "the signature was made in the future"),
    "body_short": ("正文比签名时短", "the body is shorter than what was signed"),
    "body_changed": ("正文被改动", "the body was changed"),
    "header_changed": ("信头被改动，或密钥不符", "the header was changed, or the key is another one"),
    "too_many": ("签名过多，未检查", "not checked: too many signatures"),
    # --- DKIM: the key ---
    "key_missing": ("DNS 中没有密钥", "no key in DNS"),
    "key_lookup": ("暂时查不到密钥", "the key cannot be looked up now"),
    "key_malformed": ("密钥记录格式错误", "the key record is malformed"),
    "key_type": ("密钥类型与签名不符", "the key is of another type than the signature"),
    "key_hash": ("密钥不允许该哈希算法", "the key does not allow this hash"),
    "key_service": ("密钥不是用于邮件的", "the key is not for mail"),
    "key_revoked": ("密钥已吊销", "the key is revoked"),
    "key_weak": ("RSA 密钥不足 1024 位", "the RSA key has less than 1024 bits"),
    "key_large": ("RSA 密钥过大", "the RSA key is too large"),
    # --- SPF ---
    "spf_lookup": ("暂时查不到 SPF 记录", "the SPF record cannot be looked up now"),
    "spf_syntax": ("SPF 记录语法错误", "the SPF record has a syntax error"),
    "spf_several": ("有多条 SPF 记录", "there is more than one SPF record"),
    "spf_lookups": ("SPF 记录需要 10 次以上的 DNS 查询", "the SPF record needs more than 10 DNS look-ups"),
    "spf_voids": (
        "SPF 记录引用了多个不存在的域名",
        "the SPF record names more than two domains that do not exist",
    ),
    "spf_include": ("SPF 引用的域名没有 SPF 记录", "a domain that the SPF record includes has none"),
    "spf_domain": ("没有可检查的域名", "there is no domain to check"),
    # --- DMARC ---
    "dmarc_lookup": ("暂时查不到 DMARC 记录", "the DMARC record cannot be looked up now"),
    "dmarc_syntax": ("DMARC 记录语法错误", "the DMARC record has a syntax error"),
    "dmarc_from": ("From 不含可用的域名", "From holds no usable domain"),
}
"""Why a verdict is what it is, by key: (Chinese, English)."""


class DkimVerdict(Struct):
    """What one signature is worth."""

    result: str
    reason: str = ""
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    bits: int = 0
    testing: bool = False
    unsigned_bytes: int = 0  # of the body, behind what l= covers
    value: str = ""  # the first characters of b=, which tell signatures of one domain apart
    key_record: str = ""  # what DNS said


class SpfVerdict(Struct):
    result: str
    reason: str = ""
    identity: str = ""  # the domain that was checked
    domain: str = ""  # whose record decided: another one after redirect=
    scope: str = "mailfrom"  # "mailfrom", "helo"
    mechanism: str = ""  # what matched: "ip4:192.0.2.0/24", "-all", "include:x.example"
    record: str = ""  # the record of `domain`
    lookups: int = 0
    explanation: str = ""  # what the domain wants the sender to be told


class DmarcVerdict(Struct):
    result: str
    reason: str = ""
    domain: str = ""  # of From
    policy_domain: str = ""  # where the record was
    record: str = ""
    policy: str = ""  # published for this message: "none", "quarantine", "reject"
    action: str = "none"  # what the policy wants now: "none", "quarantine", "reject"
    aligned: tuple[str, ...] = ()  # "dkim", "spf"


def why(reason: str, language: str) -> str:
    """A reason in words; an unknown one as it is."""
    row = REASONS.get(reason)
    return reason if row is None else row[0 if language.startswith("zh") else 1]
