"""What people do wrong with commands is told in their language, with what to do next."""

import io
import os
from pathlib import Path

import pytest

from posthouse.cli.main import COMMANDS, find_language, main

NOBODY = "没有账户 nobody@x.test；用 `posthouse account list`"
MISTAKES = [
    ("domain add localhost", "'localhost' 不是完整的域名"),
    ("domain add x.test", "域名 x.test 已经存在"),
    (
        "domain set none.test --catch-all li@x.test",
        "没有域名 none.test；请先添加：`posthouse domain add none.test`",
    ),
    ("domain set x.test", "没有说要改什么；`posthouse domain set -h` 列出可改的"),
    ("account set li@x.test", "没有说要改什么；`posthouse account set -h` 列出可改的"),
    ("domain delete x.test", "域名 x.test 下还有账户或别名；请先删除"),
    ("account add li@x.test --generate", "账户 li@x.test 已经存在；请换一个地址"),
    ("account add li --generate", "地址中要有 @"),
    ("account show nobody@x.test", NOBODY),
    ("account set li@x.test --quota-bytes -1", "容量是字节数或邮件数"),
    ("account set li@x.test --protocols telnet", "没有协议 telnet；可选：smtp"),
    ("account app-password add li@x.test phone --networks lan", "'lan' 不是网络；请写成 192.0.2.0/24"),
    ("account app-password revoke li@x.test phone", "没有名为 'phone' 的授权码"),
    ("account certificate add li@x.test phone none.pem", "none.pem：没有这个文件或目录；请核对路径"),
    ("account token add li@x.test backup --scope all", "令牌没有范围 all；可用的有 account"),
    ("account token revoke li@x.test 9", "没有 9 号令牌"),
    ("account admin li@x.test --domain none.test", "没有域名 none.test"),
    ("alias set a@x.test a@x.test", "只会转到它自己；请写别的地址"),
    ("alias delete none@x.test", "没有别名 none@x.test；用 `posthouse alias list`"),
    ("mailbox create li@x.test INBOX", "文件夹 'INBOX' 已经存在；请换一个名称"),
    ("mailbox create li@x.test a//b", "名称中有一级是空的；请去掉多余的 /"),
    ("mailbox rename li@x.test None New", "没有文件夹 'None'；用 `posthouse mailbox list`"),
    ("mailbox delete li@x.test INBOX", "INBOX 不能删除"),
    ("sieve show li@x.test none", "没有脚本 'none'；用 `posthouse sieve list`"),
    ("sieve put li@x.test a none.sieve", "none.sieve：没有这个文件或目录"),
    ("contact show li@x.test 99", "没有编号为 99 的联系人"),
    ("import li@x.test none.mbox", "none.mbox：没有这个文件或目录"),
    ("export li@x.test None a.mbox", "没有文件夹 'None'"),
    ("migrate li@x.test --from 127.0.0.1 --port 1 --user li --no-tls --token-stdin", "127.0.0.1：连接被拒绝"),
    ("migrate li@x.test --from qq --user 1@qq.com", "没有终端可以输入密码；请加 --password-stdin"),
    ("migrate li@x.test --from imap.x.test --user li --no-tls --token-stdin", "请去掉它"),
    ("setup nobody@x.test", NOBODY),
    ("two-step disable li@x.test", "本来就没有打开"),
    ("passkey list nobody@x.test", NOBODY),
    ("session end li@x.test first", "这里要一个数，而不是 'first'"),
    ("sign-ins nobody@x.test", NOBODY),
    ("device approve li@x.test 7", "请先运行 posthouse device list"),
    ("ban add router", "'router' 不是地址或网络；请写 192.0.2.1"),
    ("team list li@x.test", "li@x.test 不是团队；请用 `posthouse account add --team"),
    ("acl set li@x.test INBOX anyone z", "没有权限 'z'；可用的有 l"),
    ("audit --account nobody@x.test", NOBODY),
    ("administrator list now", "没有这样的参数：now"),
    ("connection end abc", "没有连接 abc；posthouse connection list"),
    ("flow now", "没有这样的参数：now"),
    ("queue retry 99", "没有队列编号 99；用 `posthouse queue list`"),
    ("queue retry", "请指定队列编号"),
    ("trace none", "没有 none 的记录"),
    ("lens show none", "没有对话 none；用 `posthouse lens list`"),
    ("client add shop --redirect shop", "重定向地址 'shop'：请写完整的 URI"),
    ("client remove none", "没有程序 none；用 `posthouse client list`"),
    ("grant list --account nobody@x.test", NOBODY),
    ("device-login issuer", "不是 https 地址"),
    ("tls", "缺少参数：操作"),
    ("dkim rotate none.test", "没有域名 none.test"),
    ("dns x.test --ip router", "--ip router：不是 IP 地址；请写服务器的公网地址"),
    ("init x.test li@y.test --generate -c new.toml", "li@y.test 不是 x.test 的地址"),
    ("init x.test li@x.test", "已存在；换一个文件名"),
    ("check -c none.toml", "没有这个文件；请核对路径"),
    ("health -c none.toml", "没有这个文件；请核对路径"),
    ("serve -c none.toml", "没有这个文件；请核对路径"),
    ("demo --data posthouse.toml --workers two", "这里要一个数"),
]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    before, mask = Path.cwd(), os.umask(0o022)
    os.chdir(folder)
    assert main(["init", "x.test", "li@x.test", "--generate", "--data", "data", "--user", ""]) == 0
    yield folder
    os.chdir(before)
    os.umask(mask)


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_told_in_chinese(words, expected, node, capsys, monkeypatch):
    monkeypatch.chdir(node)
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdin", io.StringIO("token\n"))
    try:
        code = main(["--lang", "zh", *words.split()])
    except SystemExit as stopped:
        code = stopped.code
    assert code
    assert expected in capsys.readouterr().err


def test_what_is_empty_says_so(node, capsys, monkeypatch):
    monkeypatch.chdir(node)
    assert main(["--lang", "zh", "alias", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "（没有）"
    assert main(["--lang", "zh", "trace"]) == 0
    assert capsys.readouterr().out == "还没有经手过信件。\n"


def test_every_command_has_a_mistake():
    assert {words.split()[0] for words, _ in MISTAKES} == set(COMMANDS)


def test_a_language_that_is_none_is_told_in_that_of_the_environment(capsys):
    assert find_language(["--lang", "fr"], {"LANG": "zh_CN.UTF-8"}) == "zh"
    assert find_language(["--lang=en"], {"LANG": "zh_CN.UTF-8"}) == "en"
