"""Words of the page that the terminal's report does not have."""

from server.rendering.words import Words

TITLE = Words("录音质量报告", "Recording quality report")
SUMMARY = Words("汇总：", "Summary: ")
COMMA = Words("，", ", ")
NOTHING_HEARD = Words("全程听不清", "none of it can be used")
LENGTH = Words("时长", "Length")
TIMELINE = Words("时间轴", "Timeline")
WAVEFORM = Words("波形", "Waveform")
UNUSABLE = Words("听不清的片段", "cannot be used")
BEST = Words("建议先听", "hear first")
BEST_LINE = Words("建议先听 {start} 到 {end}", "Hear {start} to {end} first")
FAILED_AT = Words("不达标的时段", "When it failed")
LABELS = Words("逐项评分", "Labels")
STATE = Words("结论", "Verdict")
PASSED = Words("达标", "passed")
FAILED = Words("未达标", "failed")
MEASURES = Words("声学指标", "Measures")
NOT_HEARD = Words("没有听到、请补问", "Not heard: please ask")
NOTES = Words("说明", "Notes")
SILENT = Words(
    "没有波形数据：下图为每 10 秒的人声音量。", "No waveform was kept: the drawing shows the level of speech by window."
)
MADE = Words("听清 {version}，标签集 {dictionary}", "Tingqing {version}, labels {dictionary}")
UNREAD = Words("无法读取的文件", "Files that could not be read")
COUNT = Words("{passed} / {all} 份通过", "{passed} of {all} passed")

MEASURE_NAMES: dict[str, tuple[Words, str]] = {
    "snr_db": (Words("信噪比", "Signal-to-noise ratio"), "dB"),
    "speech_dbfs": (Words("人声音量", "Level of speech"), "dBFS"),
    "noise_dbfs": (Words("噪声音量", "Level of noise"), "dBFS"),
    "clipping_ratio": (Words("削波比例", "Clipped samples"), "%"),
    "dropout_ratio": (Words("断续比例", "Dropouts"), "%"),
    "speech_ratio": (Words("说话时间比例", "Share of speech"), "%"),
    "speech_rate_sps": (Words("语速（音节/秒）", "Pace (syllables/s)"), ""),
    "reverberation": (Words("混响（0–1）", "Reverberation (0–1)"), ""),
    "bandwidth_hz": (Words("频带", "Bandwidth"), "Hz"),
    "mos_signal": (Words("DNSMOS 语音（1–5）", "DNSMOS signal (1–5)"), ""),
    "mos_background": (Words("DNSMOS 背景（1–5）", "DNSMOS background (1–5)"), ""),
    "mos_overall": (Words("DNSMOS 总体（1–5）", "DNSMOS overall (1–5)"), ""),
}
"""Names and units of the measures that a page tells, in order. Ratios are told in per cent."""
