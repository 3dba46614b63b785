"""What keeps a node, or a command, from starting: ports, certificates, users, folders.  (Chinese, English)."""

from __future__ import annotations

from typing import Final

START: Final[dict[str, tuple[str, str]]] = {
    # --- why the system refused, by the name of its error ---
    "os.ENOENT": ("没有这个文件或目录", "No such file or directory"),
    "os.EACCES": ("没有权限", "Permission denied"),
    "os.EPERM": ("不允许这样做", "Operation not permitted"),
    "os.EISDIR": ("这是目录，不是文件", "Is a directory"),
    "os.ENOTDIR": ("路径中有一段不是目录", "Not a directory"),
    "os.EEXIST": ("已经存在", "File exists"),
    "os.ENOSPC": ("磁盘已满", "No space left on device"),
    "os.EDQUOT": ("超过了磁盘配额", "Disk quota exceeded"),
    "os.EROFS": ("文件系统是只读的", "Read-only file system"),
    "os.EIO": ("磁盘读写出错", "Input/output error"),
    "os.ELOOP": ("符号链接绕成了圈", "Too many levels of symbolic links"),
    "os.ENAMETOOLONG": ("名称太长", "File name too long"),
    "os.EMFILE": ("打开的文件太多", "Too many open files"),
    "os.ENXIO": ("没有程序在读它", "No such device or address"),
    "os.ECONNREFUSED": ("连接被拒绝", "Connection refused"),
    "os.ECONNRESET": ("对方断开了连接", "Connection reset by peer"),
    "os.ENETUNREACH": ("网络不可达", "Network is unreachable"),
    "os.EHOSTUNREACH": ("到不了这台主机", "No route to host"),
    "os.ETIMEDOUT": ("连接超时", "Connection timed out"),
    "host.unknown": ("查不到这个主机名", "Name or service not known"),
    # --- files and folders ---
    "start.file": (
        "{path}：{reason}；请核对路径和权限",
        "{path}: {reason}; check the path and its permissions",
    ),
    "start.space": (
        "{path}：{reason}；请腾出空间后再试",
        "{path}: {reason}; make room, then try again",
    ),
    # --- ports ---
    "bind": ("{address}：{problem}", "{address}: {problem}"),
    "bind.busy": (
        "端口已被其他程序占用（用 `ss -ltnp` 查看）；请停止那个程序，或换一个地址",
        "the port is in use by another program (see `ss -ltnp`); stop that one or choose another address",
    ),
    "bind.busy.unix": (
        "另一个服务器正在这个套接字上应答；请停止它，或换一个路径",
        "another server answers on this socket; stop it or choose another path",
    ),
    "bind.privileged": (
        "1024 以下的端口属于 root；请以 root 启动（随后会放弃特权）、通过 systemd 启动，或用更大的端口号",
        "ports below 1024 are for root; start as root (privileges are dropped), through systemd, or choose a higher "
        "port",
    ),
    "bind.elsewhere": (
        "本机没有接口使用这个地址（用 `ip addr` 查看）；请改为本机的地址",
        "no interface of this machine has the address (see `ip addr`); choose one that it has",
    ),
    "bind.name": (
        "查不到这个主机名的地址；请直接写 IP 地址",
        "the name of the host cannot be found; write its IP address",
    ),
    "bind.other": ("{reason}；请核对监听的地址", "{reason}; check the address to listen on"),
    # --- users ---
    "user.unknown": (
        "用户 {user} 不存在；请创建（`useradd --system --home /var/lib/posthouse {user}`），或在设置 user 中改用别的",
        'user "{user}" does not exist; create it (`useradd --system --home /var/lib/posthouse {user}`) or set another '
        "one in the setting `user`",
    ),
    # --- certificates ---
    "tls.file": (
        "{path}：{reason}；请核对 tls.certificates 中的路径，以及驿站的用户能否读它",
        "{path}: {reason}; check the path in tls.certificates, and that the node's user may read it",
    ),
    "tls.trust.file": (
        "{path}：{reason}；请核对 client_ca_file 和 client_crl_file",
        "{path}: {reason}; check client_ca_file and client_crl_file",
    ),
    "tls.mismatch": (
        "{chain} 与 {key} 不能同用：密钥属于另一份证书；请换成与证书一起签发的密钥",
        "{chain} and {key} cannot be used together: the key is of another certificate; use the one it was issued for",
    ),
    "tls.pem": (
        "{chain} 与 {key} 不能同用：不是 PEM 格式的证书和私钥（-----BEGIN ...）；请转换为 PEM",
        "{chain} and {key} cannot be used together: they are no certificate and key in PEM (-----BEGIN ...); convert "
        "them",
    ),
    "tls.encrypted": (
        "{key}：私钥有口令保护，无人值守时无法打开；请去掉口令：openssl pkey -in {key} -out 新文件",
        "{key}: the key is protected by a pass phrase, which nobody types at a start; take it off: openssl pkey -in "
        "{key} -out NEWFILE",
    ),
    "tls.weak": (
        "{chain}：密钥太短，已不安全；请重新签发 2048 位以上的 RSA 或 EC 证书",
        "{chain}: the key is too short to be safe; have a certificate issued for RSA of 2048 bits or more, or for EC",
    ),
    "tls.pair": (
        "{chain} 与 {key} 不能同用：{said}；请核对这两个文件",
        "{chain} and {key} cannot be used together: {said}; check both files",
    ),
    "tls.kept": (
        "已保存的证书不能使用：{said}；会重新申请",
        "a certificate that was kept cannot be used: {said}; another is asked for",
    ),
    "tls.trust.pem": (
        "{path}：其中没有 PEM 格式的证书或吊销列表（{said}）；请换成机构的 PEM 文件",
        "{path}: no certificates or revocation lists in PEM ({said}); use the PEM file of the authority",
    ),
    "tls.trust.crl": (
        "{path}：其中没有吊销列表；请换成机构发布的 CRL（PEM）",
        "{path}: there is no revocation list in it; use the CRL of the authority, in PEM",
    ),
}
