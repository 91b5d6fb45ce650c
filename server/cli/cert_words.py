"""How devices come to trust the authority of ``tingqing cert``, in both languages. docs/tls.md has the same steps."""

Steps = tuple[tuple[str, str], ...]

LINUX = "Linux"

# The file that the server hands out is DER; update-ca-certificates takes PEM alone, and complains of nothing.
DEBIAN = (
    "sudo openssl x509 -in ca.crt -out /usr/local/share/ca-certificates/tingqing.crt && sudo update-ca-certificates"
)
FEDORA = "sudo trust anchor ca.crt"
NSS = "mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n tingqing -i ca.crt"

EN: Steps = (
    (
        "iPhone, iPad",
        "Open the address in Safari, accept its warning and allow the download. Settings > Profile Downloaded > "
        "Install. Then Settings > General > About > Certificate Trust Settings: switch the authority on. Both are "
        "needed.",
    ),
    (
        "Android",
        "Open the address in Chrome and download the file. Settings > Security > Encryption & credentials > Install a "
        "certificate > CA certificate, and choose the file. The device must have a screen lock. Chrome then trusts it; "
        "Firefox and most apps do not.",
    ),
    ("Windows", "Download the file. In a terminal of an administrator: certutil -addstore -f ROOT ca.crt"),
    (
        "macOS",
        "Download the file. In a terminal: sudo security add-trusted-cert -d -r trustRoot -k "
        "/Library/Keychains/System.keychain ca.crt",
    ),
    (LINUX, f"Download the file. In a terminal, on Debian and Ubuntu: {DEBIAN}; on Fedora and Arch: {FEDORA}"),
    (f"{LINUX}, Chromium, Chrome", f"They have a store of their own. Install certutil (libnss3-tools), then: {NSS}"),
    (
        f"{LINUX}, Firefox",
        "Settings > Privacy & Security > View Certificates > Authorities > Import, and trust it to identify websites.",
    ),
    (
        "WeChat",
        "On Android, apps trust no authority that a user installed: in WeChat choose 'Open in browser'. Patients at "
        "home cannot be asked for any of this: for them take a certificate of a public authority (docs/tls.md).",
    ),
)

ZH: Steps = (
    (
        "iPhone、iPad",
        "用 Safari 打开上面的网址，忽略警告并允许下载。设置 > 已下载描述文件 > 安装。再到 设置 > 通用 > 关于本机 > "
        "证书信任设置，打开此机构的开关。两步都要做。",
    ),
    (
        "Android",
        "用 Chrome 打开上面的网址，下载文件。设置 > 安全 > 加密与凭据 > 安装证书 > CA 证书，选择该文件。设备须设"
        "锁屏密码。之后 Chrome 信任它；Firefox 和大多数应用不信任。",
    ),
    ("Windows", "下载文件。在管理员终端运行：certutil -addstore -f ROOT ca.crt"),
    (
        "macOS",
        "下载文件。在终端运行：sudo security add-trusted-cert -d -r trustRoot -k "
        "/Library/Keychains/System.keychain ca.crt",
    ),
    (LINUX, f"下载文件。在终端运行（Debian、Ubuntu）：{DEBIAN}；（Fedora、Arch）：{FEDORA}"),
    (f"{LINUX}，Chromium、Chrome", f"它们有自己的证书库。先安装 certutil（libnss3-tools），再运行：{NSS}"),
    (
        f"{LINUX}，Firefox",
        "设置 > 隐私与安全 > 查看证书 > 证书颁发机构 > 导入，并勾选信任此机构来标识网站。",
    ),
    (
        "微信",
        "在 Android 上，应用不信任用户安装的机构：请在微信里选择“在浏览器打开”。不能要求在家的患者做这些操作："
        "请为他们使用公共机构签发的证书（docs/tls.md）。",
    ),
)

SENTENCES = {
    "en": {
        "authority": "Authority    {name}, until {until} ({state})",
        "certificate": "Certificate  {name}, until {until} ({state})",
        "comma": ", ",
        "colon": ": ",
        "new": "new",
        "unchanged": "unchanged",
        "guard": "Its key is {key}. Who has it can pass for any site to these devices: it must never leave this "
        "machine.",
        "serve": "Serve with it:",
        "keys": "It needs a key (docs/access.md), or --insecure: then anyone in the network can connect and listen in.",
        "trust": "Each phone and computer must trust the authority, once. While the server runs, open there:",
        "compare": "The browser warns this once. Before you trust it, compare the file's SHA-256 with the one above.",
        "replaced": "The authority is another one now: devices that trusted the former one must trust it too.",
        "renewal": "Run 'tingqing cert' again in the last 30 days, or every week by cron: it renews when it is time, "
        "and a running server takes the new certificate over by itself.",
    },
    "zh": {
        "authority": "签发机构  {name}，有效期至 {until}（{state}）",
        "certificate": "证书      {name}，有效期至 {until}（{state}）",
        "comma": "、",
        "colon": "：",
        "new": "新建",
        "unchanged": "未变",
        "guard": "机构的密钥是 {key}。谁拿到它，就能对这些设备冒充任何网站：绝不能离开本机。",
        "serve": "用它启动服务：",
        "keys": "需要密钥（docs/access.md），或加 --insecure：那样网络里的任何人都能连接和旁听。",
        "trust": "每部手机和电脑都要信任此机构一次。服务运行时，在设备上打开：",
        "compare": "浏览器这一次会警告。信任之前，请核对文件的 SHA-256 与上面的一致。",
        "replaced": "签发机构已更换：信任过旧机构的设备也要重新信任。",
        "renewal": "请在到期前 30 天内再次运行 tingqing cert，或用 cron 每周运行：到时会自动续期，运行中的服务会自动"
        "换用新证书。",
    },
}
