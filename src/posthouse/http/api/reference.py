"""The page of the documentation about the API, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from posthouse.http.api.endpoint import BODY_MAX, CHANGES_A_MINUTE, READS_A_MINUTE
from posthouse.http.api.operation import PAGE_MAX, Operation
from posthouse.http.api.problem import PROBLEMS

_INTRO: Final = (
    """# HTTP 接口

由 `make docs` 根据代码生成，请勿手工修改。*[English](api.md)*

接口位于 `/api/v1`，收发 JSON；完整的 OpenAPI 3.1 描述在 `/api/v1/openapi.json`。

- **令牌**：每个请求都带 `Authorization: Bearer 令牌`；不看任何 cookie，因此别的网站无法借用浏览器的登录状态。
  令牌由本机的授权服务器发放，程序也可以使用长期令牌。
- **再次确认**：标有 † 的操作要求刚刚登录过。向 `POST /self/reauthenticate` 提交密码或通行密钥，
  把所得的 `proof` 放进信头 `Posthouse-Proof`，十分钟内有效。
- **分页**：列表最多 {page} 项；把 `next` 的值作为 `after` 再次请求，直到 `next` 为空。
- **并发修改**：读取时得到 `ETag`；修改时带上 `If-Match`，内容若已变化则返回 412。
- **限制**：每个账户每分钟 {reads} 次读取、{changes} 次更改；请求正文最多 {body} 字节。
- **错误**：`application/problem+json`（RFC 9457），按 `Accept-Language` 用中文或英文说明该怎么做；
  `type` 的最后一段是不变的名称。
- 每次更改都记入审计日志（`posthouse audit`）。
""",
    """# HTTP API

Made from the code by `make docs`; do not edit. *[中文](api.zh-CN.md)*

The API is below `/api/v1` and speaks JSON; `/api/v1/openapi.json` describes all of it (OpenAPI 3.1).

- **Tokens**: each request carries `Authorization: Bearer TOKEN`. No cookie is looked at, so no other site can borrow a
  browser's sign-in. Tokens come from the server's own authorization server; programs may have long-lived ones.
- **Asked again**: operations marked † need a sign-in of a moment ago. Send the password or a passkey to
  `POST /self/reauthenticate` and put the `proof` into the header `Posthouse-Proof`; it is good for ten minutes.
- **Pages**: a list has at most {page} items; ask again with `after` set to `next`, until `next` is empty.
- **Two at once**: what is read has an `ETag`; send it as `If-Match` with a change, and the answer is 412 if somebody
  was quicker.
- **Limits**: {reads} reads and {changes} changes a minute for each account; a body has at most {body} bytes.
- **Refusals** are `application/problem+json` (RFC 9457) and say what to do, in Chinese or English by `Accept-Language`;
  the last part of `type` is a name that stays.
- Every change is in the audit log (`posthouse audit`).
""",
)
_HEAD: Final = ("| 操作 | 说明 | 权限 | operationId |", "| operation | what it does | scope | operationId |")
_PROBLEMS: Final = (
    "## 错误\n\n| 名称 | 状态 | 含义与处理 |\n|---|---|---|",
    "## Refusals\n\n| name | status | what it means, what to do |\n|---|---|---|",
)


def reference(operations: Sequence[Operation], language: str) -> str:
    at = 0 if language == "zh" else 1
    limits = {"page": PAGE_MAX, "reads": READS_A_MINUTE, "changes": CHANGES_A_MINUTE, "body": BODY_MAX}
    lines = [_INTRO[at].format(**limits)]
    for tag in dict.fromkeys(one.tag for one in operations):
        lines += [f"## {tag}", "", _HEAD[at], "|---|---|---|---|"]
        lines += [_row(one, at) for one in operations if one.tag == tag]
        lines.append("")
    lines.append(_PROBLEMS[at])
    for name, (status, title, detail) in PROBLEMS.items():
        lines.append(f"| `{name}` | {status} | {title[at]}{'。' if at == 0 else '. '}{detail[at]} |")
    return "\n".join([*lines, ""])


def _row(one: Operation, at: int) -> str:
    mark = " †" if one.fresh else ""
    return f"| `{one.method} {one.path}`{mark} | {one.says[at]} | `{one.scope}` | `{one.name}` |"
