"""Why files of a batch are refused, in words."""

from server.batches.batch import Fault
from server.errors import TingqingError
from server.recording.refusals import zh_of


def bad_path() -> Fault:
    """Of an entry whose name leads out of its archive."""
    return Fault(
        "bad_path",
        "The entry's name leads out of the archive. Pack the recordings again, without absolute paths and '..'.",
        "条目的路径指向压缩包之外。请重新打包，不要使用绝对路径或“..”。",
    )


def bad_name() -> Fault:
    """Of an entry whose name cannot be read."""
    return Fault(
        "bad_name",
        "The entry's name is missing or damaged: it can be read neither as UTF-8 nor as GBK. Rename the file and pack "
        "it again.",
        "条目的文件名缺失或已损坏，按 UTF-8 和 GBK 都无法读取。请改名后重新打包。",
    )


def same_name() -> Fault:
    """Of an entry that is called as one before it."""
    return Fault(
        "same_name",
        "Another entry of the archive has this name. Rename one of them and pack them again.",
        "压缩包里已有同名的条目。请给其中一个改名后重新打包。",
    )


def not_a_file() -> Fault:
    """Of a link or a device."""
    return Fault(
        "not_a_file",
        "The entry is a link or a device, not a file. Pack the recording itself.",
        "条目是链接或设备，不是文件。请打包录音本身。",
    )


def encrypted() -> Fault:
    """Of an entry with a password."""
    return Fault(
        "encrypted", "The entry is encrypted. Pack it without a password.", "条目已加密。请不要设置密码，重新打包。"
    )


def nested() -> Fault:
    """Of an archive within an archive."""
    return Fault(
        "nested_archive",
        "An archive within the archive is not opened. Pack its recordings directly.",
        "不会打开压缩包里的压缩包。请直接打包录音文件。",
    )


def unknown_compression() -> Fault:
    """Of an entry that is neither stored nor deflated."""
    return Fault(
        "unsupported_compression",
        "The entry is compressed in a way that is not read. Pack it as an ordinary ZIP.",
        "无法识别条目的压缩方式。请用普通 ZIP 格式重新打包。",
    )


def damaged() -> Fault:
    """Of an archive or entry that cannot be read."""
    return Fault(
        "damaged_archive",
        "The archive or this entry of it is damaged. Pack it again.",
        "压缩包或其中的这个条目已损坏。请重新打包。",
    )


def too_large(max_bytes: int) -> Fault:
    """Of a file over the limit, or one that becomes larger than the whole batch may be."""
    return Fault(
        "payload_too_large",
        f"The file is over {max_bytes / 1e6:g} MB once unpacked. Send it in parts.",
        f"文件（解压后）超过 {max_bytes / 1e6:g} MB。请分段发送。",
    )


def too_many(most: int) -> Fault:
    """Of an archive with more entries than a batch may have files."""
    return Fault(
        "too_many_files",
        f"More than {most} files. Send the rest in another batch.",
        f"文件超过 {most} 个。其余的请放到另一个批次。",
    )


def too_much_work() -> Fault:
    """Of the first entry of an archive that comes too late: the rest is not looked at."""
    return Fault(
        "too_costly",
        "Unpacking the archive takes too much; this entry and those after it were left out. Send them in another one.",
        "解压这个压缩包的开销太大，此条目及其后的条目没有处理。请放到另一个压缩包里发送。",
    )


def transcript_alone() -> Fault:
    """Of a file of JSON lines that belongs to no recording."""
    return Fault(
        "no_recording",
        "A transcript without a recording of its name, or a second one of it. Name it as its recording: visit.amr and "
        "visit.amr.jsonl.",
        "转写文件没有同名录音，或同一录音有两份转写。请与录音同名：visit.amr 和 visit.amr.jsonl。",
    )


def empty() -> Fault:
    """Of a file without a byte."""
    return Fault("empty_file", "The file is empty. Record it again.", "文件是空的。请重新录音。")


def lost() -> Fault:
    """Of a file that is not on the disk any more as it came."""
    return Fault(
        "file_lost",
        "The server has lost this file, perhaps when its power failed. Send it again.",
        "服务器上的这个文件已丢失（可能因断电）。请重新发送。",
    )


def crashed() -> Fault:
    """Of a file whose judging ended its process again and again."""
    return Fault(
        "internal",
        "Judging this file ended its process several times. Convert it to WAV and send it again.",
        "评估这个文件时进程多次异常退出。请转换成 WAV 后重新发送。",
    )


def failed() -> Fault:
    """Of a file that hit a bug of ours."""
    return Fault(
        "internal",
        "An internal error; the server's log has the details. Send the file again.",
        "内部错误，详见服务器日志。请重新发送这个文件。",
    )


def fault_of(error: TingqingError) -> Fault:
    """Of a file whose judging raised ``error``."""
    return Fault(error.code, error.message, zh_of(error) or "无法评估这个文件。")
