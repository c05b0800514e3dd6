"""Compares what hotline says of an amount with what readers by other authors say.

Mandarin: nzh words every amount as on a cheque, so it is brought to our wording first; it knows no 两.
wetext says whole yuan as people do, 两 and all, and is compared character by character.
Cantonese: the same characters as Mandarin, 两 in the same places; so it is put before nzh in the same way.
English: num2words writes commas and "and" as one does in Britain, and "oh-five" with a hyphen: those are taken out. It drops
the minus of what is above minus one, so it is asked without sign. Amounts have "yuan" behind them, which it does not know.
"""

import argparse
import calendar
import itertools
import multiprocessing
import os
import random
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

MOST = 99_999_999_999_999  # fen: 9999 亿 and all below it
SHOWN = 10
PARTS = 8  # of what would take one processor minutes
CHEQUE = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hotline", required=True, help="the hotline binary")
    parser.add_argument("--nzh", required=True, help="nzh.cjs, beside its node_modules")
    parser.add_argument("--stride", type=int, default=11, help="of the amounts below 100,000 take one in so many")
    args = parser.parse_args()
    amounts = below_a_hundred_thousand(args.stride)
    for part in range(PARTS):
        CHECKS[f"nzh exhaustive {part + 1}/{PARTS}"] = lambda part=part: against_nzh(args, amounts[part::PARTS])
    CHECKS.update({
        "nzh random": lambda: against_nzh(args, random_amounts(5_000)),
        "nzh Cantonese": lambda: against_nzh(args, below_a_hundred_thousand(101) + random_amounts(5_000), "yue-CN"),
        "num2words whole": lambda: against_num2words(args, range(0, 10_000_000, 100 if args.stride == 1 else 300)),
        "num2words random": lambda: against_num2words(args, [*range(0, 10_000_000, 1_237), *random_amounts(3_000)]),
        "num2words years": lambda: years(args),
        "num2words days": lambda: days(args),
        "wetext": lambda: against_wetext(args, [fen - fen % 100 for fen in map(abs, random_amounts(1_500))]),
    })
    outcomes = []
    with multiprocessing.get_context("fork").Pool() as pool:
        for passed, told in pool.imap(outcome, CHECKS):
            print(told, flush=True)
            outcomes.append(passed)
    print(f"{outcomes.count(True)} passed, {outcomes.count(False)} failed")
    return 0 if all(outcomes) else 1


CHECKS = {}


def outcome(name):
    """Runs one check, which yields (amount, ours, theirs): whether the last two were the same in every row, and what to print."""
    rows, wrong = 0, []
    try:
        for amount, ours, theirs in CHECKS[name]():
            rows += 1
            if ours != theirs:
                wrong.append((amount, ours, theirs))
        trouble = "" if rows else "nothing was compared"
    except (OSError, ValueError, subprocess.SubprocessError, ImportError) as error:
        trouble = str(error)
    told = [f"{name}: {rows} amounts, {len(wrong)} differ{trouble and ': ' + trouble}"]
    told += [f"  {amount}: hotline {ours}, {name.split()[0]} {theirs}" for amount, ours, theirs in wrong[:SHOWN]]
    return not wrong and not trouble, "\n".join(told)


def below_a_hundred_thousand(stride):
    """Every whole yuan, everything below a thousand yuan, and of the rest one in so many.

    11 has no factor in common with 100, so every pair of jiao and fen comes round."""
    return sorted({*range(0, 10_000_000, 100), *range(100_000), *range(0, 10_000_000, stride)})


def random_amounts(count):
    """Amounts of every length, half of them mostly zeros: gaps are where readers go wrong."""
    rng = random.Random(12333)
    amounts = [MOST, -MOST, 2, 20, 22, 200, 202, 20_000_200, 10_100_000_000, 20_000_000_000]
    while len(amounts) < count:
        digits = rng.choice(["0123456789", "000000001225"])
        fen = int("".join(rng.choices(digits, k=rng.randint(1, 14))))
        amounts.append(-fen if rng.random() < 0.1 else fen)
    return amounts


def against_nzh(args, amounts, language="zh-CN"):
    lines = [plain(fen) for fen in amounts]
    ours = answers([args.hotline, "say", "amount", "-", "--language", language], lines)
    # Of 100.00 nzh says no 整, of 100 it does.
    theirs = answers(["node", args.nzh], [line.removesuffix(".00") for line in lines])
    return ((line, o.replace("两", "二"), from_cheque(t)) for line, o, t in zip(lines, ours, theirs, strict=True))


def against_num2words(args, amounts):
    from num2words import num2words

    lines = [plain(fen) for fen in amounts]
    ours = answers([args.hotline, "say", "amount", "-", "--language", "en-US"], lines)
    for line, said in zip(lines, ours, strict=True):
        whole, fraction = line.removeprefix("-").split(".")
        # A whole number is asked as one: of 5.00 it would say "five point zero zero".
        exact = Decimal(f"{whole}.{fraction.rstrip('0')}") if int(fraction) else int(whole)
        yield line, said, ("minus " if line.startswith("-") else "") + american(num2words(exact)) + " yuan"


def years(args):
    from num2words import num2words

    lines = [str(year) for year in range(1_100, 3_000)]
    ours = answers([args.hotline, "say", "year", "-", "--language", "en-US"], lines)
    return ((line, o, american(num2words(int(line), to="year"))) for line, o in zip(lines, ours, strict=True))


def days(args):
    from num2words import num2words

    lines = [str(date(2026, 1, 1) + timedelta(days)) for days in range(365)]
    ours = answers([args.hotline, "say", "date", "-", "--language", "en-US"], lines)
    for line, said in zip(lines, ours, strict=True):
        on = date.fromisoformat(line)
        yield line, said, f"{calendar.month_name[on.month]} {num2words(on.day, to='ordinal')}, twenty twenty-six"


def american(text):
    return text.replace(",", "").replace(" and ", " ").replace("oh-", "oh ")


def against_wetext(args, amounts):
    from wetext import Normalizer

    normalizer = Normalizer(lang="zh", operator="tn")
    lines = [plain(fen) for fen in amounts]
    ours = answers([args.hotline, "say", "amount", "-"], lines)
    return (
        (line, o.removesuffix("整"), normalizer.normalize(line.removesuffix(".00") + "元"))
        for line, o in zip(lines, ours, strict=True)
    )


def from_cheque(text):
    """A cheque names the currency, says 壹拾 where people say 十, and 整 even after nothing."""
    text = text.translate(CHEQUE).removeprefix("人民币")
    sign, text = ("负", text[1:]) if text.startswith("负") else ("", text)
    if text == "零元整":
        return "零元"
    return sign + (text[1:] if text.startswith("一十") else text)


def plain(fen):
    yuan, fen, sign = abs(fen) // 100, abs(fen) % 100, "-" if fen < 0 else ""
    return f"{sign}{yuan}.{fen:02}"


def answers(command, lines):
    """One line of output for each line of input, or an error."""
    done = subprocess.run(command, input="\n".join(lines) + "\n", stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
