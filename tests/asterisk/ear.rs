//! What a caller heard, from the sound alone: our own clips are looked for in it by matched filter, and the clips that
//! explain most of it are taken, one after the other.

use std::path::Path;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// The transform's length. A clip is looked for by its beginning, which must be much shorter.
const BLOCK: usize = 16384;
/// The beginning of a clip, 0.5 s: long enough to be like no other.
const HEAD: usize = 4000;
/// It is looked for in what lies below 2 kHz, of which every second sample says everything.
const COARSE: usize = 2;
/// How alike (1: the same, 0: nothing in common) a beginning must be there to be looked at more closely,
const PROMISING: f32 = 0.5;
/// with all that can be heard of it to be a candidate,
const CANDIDATE: f32 = 0.6;
/// a whole clip to be heard, with packets lost on the way,
const WHOLE: f32 = 0.75;
/// a clip that is shorter than any part, of which a packet may be lost,
const SHORT: f32 = 0.8;
/// and the beginning of a clip that was cut off.
const PART: f32 = 0.85;
/// Less of a clip than this, 0.3 s, is like too many.
const SHORTEST_PART: usize = 2400;
/// How far a clip is followed at a time, 50 ms, to see whether it goes on.
const STRIDE: usize = 400;
/// By so much, 10 ms, may clips overlap that were heard one after the other.
const OVERLAP: usize = 80;
/// What is quieter, in the mean square, is silence.
const SILENCE: f32 = 1e-7;
/// Sound of this length, 0.15 s, and loudness, in the mean square (−50 dB), is something, whatever it is.
const SOMETHING: (usize, f32) = (1200, 1e-5);

/// Something that can be heard.
#[derive(Clone, Debug)]
pub struct Clip {
    pub name: String,
    pub samples: Vec<f32>,
}

impl Clip {
    /// Of a WAV file as Asterisk plays it: 8 kHz, mono, 16 bits.
    pub fn read(name: &str, path: &Path) -> Self {
        let mut wav = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spec = wav.spec();
        assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (8000, 1, 16), "{}", path.display());
        Self { name: name.to_owned(), samples: wav.samples::<i16>().map(|s| scaled(s.unwrap())).collect() }
    }

    /// The same as 16 bits.
    pub fn sound(&self) -> Vec<i16> {
        self.samples.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32767.0) as i16).collect()
    }
}

/// A clip that was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub name: String,
    /// Its first sample, and the first after it.
    pub start: usize,
    pub end: usize,
    /// Its first sample that is no silence.
    pub sounds: usize,
    /// Whether all of it was heard.
    pub whole: bool,
    /// How alike it was.
    pub likeness: f32,
}

/// Knows all clips.
pub struct Ear {
    forward: Arc<dyn RealToComplex<f32>>,
    /// Of what lies below 2 kHz.
    inverse: Arc<dyn ComplexToReal<f32>>,
    clips: Vec<Known>,
}

struct Known {
    clip: Clip,
    /// What of it is silent at its beginning, and where it falls silent at its end.
    lead: usize,
    tail: usize,
    /// The beginning that is looked for, after `lead`: its length, and of what of it lies below 2 kHz the size, and what a sound
    /// is multiplied with.
    head: usize,
    norm: f32,
    spectrum: Vec<Complex<f32>>,
}

impl Ear {
    pub fn new(clips: impl IntoIterator<Item = Clip>) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(BLOCK), planner.plan_fft_inverse(BLOCK / COARSE));
        let clips = clips.into_iter().map(|clip| Known::new(clip, forward.as_ref())).collect();
        Self { forward, inverse, clips }
    }

    /// What is heard in `sound`, in its order.
    pub fn hears(&self, sound: &[i16]) -> Vec<Heard> {
        self.hears_of(sound, |_| true)
    }

    /// The same, of those clips alone whose names fit: much sooner.
    pub fn hears_of(&self, sound: &[i16], fits: impl Fn(&str) -> bool) -> Vec<Heard> {
        let sound: Vec<f32> = sound.iter().copied().map(scaled).collect();
        let known: Vec<&Known> = self.clips.iter().filter(|known| fits(&known.clip.name)).collect();
        best(self.candidates(&sound, &known))
    }

    /// The same by name; a clip that was cut off has `…` behind it.
    pub fn names(&self, sound: &[i16]) -> Vec<String> {
        let written = |heard: Heard| if heard.whole { heard.name } else { heard.name + "…" };
        self.hears(sound).into_iter().map(written).collect()
    }

    /// Where there is sound that none of what was `heard` explains.
    pub fn unexplained(sound: &[i16], heard: &[Heard]) -> Vec<usize> {
        let sound: Vec<f32> = sound.iter().copied().map(scaled).collect();
        let energy = Energy::new(&sound);
        let (length, least) = SOMETHING;
        let ends = std::iter::once(0).chain(heard.iter().map(|heard| heard.end));
        let starts = heard.iter().map(|heard| heard.start).chain([sound.len()]);
        let gaps = ends.zip(starts).flat_map(|(from, to)| (from..to.saturating_sub(length)).step_by(length));
        gaps.filter(|from| energy.of(*from, from + length) / length as f32 > least).collect()
    }

    /// Every place at which a clip may have been heard.
    fn candidates(&self, sound: &[f32], clips: &[&Known]) -> Vec<Heard> {
        let step = BLOCK - HEAD;
        let energy = Energy::new(sound);
        let mut found = Vec::new();
        let mut times = self.forward.make_input_vec();
        let mut spectrum = self.forward.make_output_vec();
        let mut product = self.inverse.make_input_vec();
        let mut coarse = self.inverse.make_output_vec();
        for start in (0..sound.len()).step_by(step) {
            let block = &sound[start..sound.len().min(start + BLOCK)];
            if energy.of(start, start + block.len()) / (block.len() as f32) < SILENCE {
                continue;
            }
            times[..block.len()].copy_from_slice(block);
            times[block.len()..].fill(0.0);
            self.forward.process(&mut times, &mut spectrum).unwrap();
            let below = below(&spectrum);
            product.copy_from_slice(&below);
            self.inverse.process(&mut product, &mut coarse).unwrap();
            let loudness = Energy::new(&coarse);
            for known in clips {
                for ((product, a), b) in product.iter_mut().zip(&below).zip(&known.spectrum) {
                    *product = a * b;
                }
                self.inverse.process(&mut product, &mut coarse).unwrap();
                let length = known.head / COARSE;
                let last = (block.len().saturating_sub(known.head).min(step)) / COARSE;
                let floor = SILENCE * length as f32 * (BLOCK * BLOCK) as f32;
                // Squares: a root is taken of what is promising alone.
                let enough = (PROMISING * known.norm).powi(2);
                let windows = loudness.windows(length).map(|window| window.max(floor));
                let promising = coarse[..=last].iter().zip(windows).enumerate();
                let promising =
                    promising.filter(|(_, (value, size))| **value > 0.0 && **value * **value > enough * size);
                let mut lags: Vec<(usize, f32)> =
                    promising.map(|(lag, (value, size))| (lag, value / size.sqrt())).collect();
                lags.sort_by(|a, b| b.1.total_cmp(&a.1));
                let mut taken: Vec<usize> = Vec::new();
                for (lag, _) in lags {
                    if taken.iter().all(|other| lag.abs_diff(*other) > length / 2) {
                        taken.push(lag);
                        let at = known.closest(sound, start + lag * COARSE);
                        found.extend(at.and_then(|at| known.heard(sound, &energy, at)));
                    }
                }
            }
        }
        found
    }
}

/// What of a block's spectrum lies below 2 kHz.
fn below(spectrum: &[Complex<f32>]) -> Vec<Complex<f32>> {
    let mut below = spectrum[..=BLOCK / COARSE / 2].to_vec();
    // What is as fast as every other sample is neither in nor out.
    below[BLOCK / COARSE / 2] = Complex::default();
    below
}

impl Known {
    fn new(clip: Clip, forward: &dyn RealToComplex<f32>) -> Self {
        let peak = clip.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let lead = clip.samples.iter().position(|sample| sample.abs() > peak / 50.0).unwrap_or_default();
        let beginning = &clip.samples[lead..clip.samples.len().min(lead + HEAD)];
        let head = beginning.len();
        let tail = clip.samples.iter().rposition(|sample| sample.abs() > peak / 20.0).map_or(lead, |last| last + 1);
        let mut times = forward.make_input_vec();
        times[..head].copy_from_slice(beginning);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut times, &mut spectrum).unwrap();
        // Turned round in time, so that the product correlates.
        let spectrum: Vec<Complex<f32>> = below(&spectrum).iter().map(Complex::conj).collect();
        // All of them but the first stand for two.
        let squares: f32 = spectrum.iter().map(|value| 2.0 * value.norm_sqr()).sum::<f32>() - spectrum[0].norm_sqr();
        // The transform is BLOCK times too large there and back, and each sample that is left stands for COARSE.
        let norm = (squares * (COARSE as f32 / BLOCK as f32)).sqrt();
        Self { clip, lead, tail, head, norm, spectrum }
    }

    /// Where its beginning is, within a coarse step of `at`, if it is alike in all that can be heard.
    fn closest(&self, sound: &[f32], at: usize) -> Option<usize> {
        let head = &self.clip.samples[self.lead..self.lead + self.head];
        let from = at.saturating_sub(COARSE);
        let to = (at + COARSE).min(sound.len().checked_sub(self.head)?);
        let like = |at: usize| dot(head, &sound[at..at + self.head]);
        let at = (from..=to).max_by(|a, b| like(*a).total_cmp(&like(*b)))?;
        (alike(head, &sound[at..at + self.head]) > CANDIDATE).then_some(at)
    }

    /// What of this clip is heard, if its beginning is at `at`.
    fn heard(&self, sound: &[f32], energy: &Energy, at: usize) -> Option<Heard> {
        let clip = &self.clip.samples[self.lead..];
        let start = at.saturating_sub(self.lead);
        let room = clip.len().min(sound.len() - at);
        let end = at + room;
        // Of the last clip of a call the last packets may be missing.
        if room + STRIDE >= clip.len() {
            let clip = &clip[..room];
            let likeness = dot(clip, &sound[at..end]) / (size(clip) * energy.of(at, end).sqrt());
            // A clip that was cut off just before its end is no whole one.
            let tail = (self.tail - self.lead).min(room);
            let last = tail.saturating_sub(2 * STRIDE);
            let ends = alike(&clip[last..tail], &sound[at + last..at + tail]);
            let enough = if clip.len() < SHORTEST_PART { SHORT } else { WHOLE };
            if likeness >= enough && ends >= WHOLE / 2.0 {
                return Some(Heard { name: self.clip.name.clone(), start, end, sounds: at, whole: true, likeness });
            }
        }
        let (mut heard, mut missed, mut so_far, mut likeness) = (0, 0, Likeness::default(), 0.0);
        for from in (0..room.saturating_sub(STRIDE)).step_by(STRIDE) {
            // Pauses within a clip are like nothing, and one packet or two may be lost. What came after it may be like it for a moment.
            let end = from + STRIDE;
            let stride = Likeness::of(&clip[from..end], &sound[at + from..at + end]);
            so_far = so_far.and(stride);
            if stride.get() >= WHOLE && so_far.get() >= PART {
                (heard, missed, likeness) = (end, 0, so_far.get());
            } else {
                missed += 1;
            }
            if missed > 12 {
                break;
            }
        }
        let cut = heard >= SHORTEST_PART && heard + STRIDE < clip.len() && likeness >= PART;
        // It broke off somewhere in the last stride, and what came next begins there.
        let end = at + heard.saturating_sub(STRIDE / 2);
        cut.then(|| Heard { name: self.clip.name.clone(), start, end, sounds: at, whole: false, likeness })
    }
}

/// Of all candidates, those that follow each other and explain most.
fn best(mut candidates: Vec<Heard>) -> Vec<Heard> {
    candidates.sort_by_key(|heard| (heard.end, heard.start));
    // Up to each candidate: the best sum, and whether it is taken for it, after which.
    let mut sums = vec![0.0_f32];
    let mut taken: Vec<Option<usize>> = vec![None];
    for (i, heard) in candidates.iter().enumerate() {
        let before = candidates[..i].partition_point(|other| other.end <= heard.start + OVERLAP);
        // As much of a whole clip explains more than of a part of another that begins alike.
        let weight = if heard.whole { heard.likeness } else { heard.likeness - 0.05 };
        let sum = sums[before] + (heard.end - heard.start) as f32 * (weight - 0.5);
        let better = sum > sums[i];
        sums.push(if better { sum } else { sums[i] });
        taken.push(better.then_some(before));
    }
    let mut result = Vec::new();
    let mut i = candidates.len();
    while i > 0 {
        match taken[i] {
            Some(before) => {
                result.push(candidates[i - 1].clone());
                i = before;
            }
            None => i -= 1,
        }
    }
    result.reverse();
    result
}

/// How much sound there is between any two samples.
struct Energy(Vec<f64>);

impl Energy {
    fn new(sound: &[f32]) -> Self {
        let mut sum = 0.0;
        let sums = sound.iter().map(|sample| {
            sum += f64::from(*sample) * f64::from(*sample);
            sum
        });
        Self(std::iter::once(0.0).chain(sums).collect())
    }

    fn of(&self, from: usize, to: usize) -> f32 {
        (self.0[to.min(self.0.len() - 1)] - self.0[from]) as f32
    }

    /// The same of every window of this length.
    fn windows(&self, length: usize) -> impl Iterator<Item = f32> {
        self.0.iter().zip(&self.0[length..]).map(|(from, to)| (to - from) as f32)
    }
}

/// How alike two sounds are, stretch by stretch.
#[derive(Clone, Copy, Default)]
struct Likeness {
    product: f32,
    /// The squares of both, which silence has none of.
    squares: [f32; 2],
    length: usize,
}

impl Likeness {
    fn of(a: &[f32], b: &[f32]) -> Self {
        Self { product: dot(a, b), squares: [dot(a, a), dot(b, b)], length: a.len() }
    }

    fn and(self, next: Self) -> Self {
        let squares = [self.squares[0] + next.squares[0], self.squares[1] + next.squares[1]];
        Self { product: self.product + next.product, squares, length: self.length + next.length }
    }

    fn get(self) -> f32 {
        let silence = SILENCE * self.length as f32;
        self.product / self.squares.map(|square| square.max(silence).sqrt()).iter().product::<f32>()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn size(samples: &[f32]) -> f32 {
    dot(samples, samples).sqrt()
}

fn alike(a: &[f32], b: &[f32]) -> f32 {
    Likeness::of(a, b).get()
}

fn scaled(sample: i16) -> f32 {
    f32::from(sample) / 32768.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::g711;
    use crate::voice::clip;

    /// Sixty units of 0.15 to 0.4 s, and twenty sentences.
    fn clips() -> Vec<Clip> {
        let units = (0..60).map(|n| clip(n, 1200 + 33 * n));
        units.chain((60..80).map(|n| clip(n, 8000 + 1999 * (n - 60)))).collect()
    }

    /// What a line does to a sound.
    #[derive(Clone, Copy, Default)]
    struct Line {
        /// Signal to noise, dB.
        noise: Option<f32>,
        /// Of a hundred packets, how many are lost.
        loss: u8,
        codec: u8,
    }

    fn heard_over(line: Line, sound: &[f32], seed: u64) -> Vec<i16> {
        let mut random = fastrand::Rng::with_seed(seed);
        let power = size(sound) / (sound.len() as f32).sqrt();
        let noise = line.noise.map_or(0.0, |db| power * 10_f32.powf(-db / 20.0));
        let mut sound: Vec<f32> = sound.to_vec();
        for frame in sound.chunks_mut(160) {
            // The sum of twelve is as good as a bell.
            for sample in frame.iter_mut() {
                *sample += noise * ((0..12).map(|_| random.f32()).sum::<f32>() - 6.0);
            }
            if random.u8(0..100) < line.loss {
                frame.fill(0.0);
            }
        }
        let coded = |s: &f32| g711::encode(line.codec, (s.clamp(-1.0, 1.0) * 32767.0) as i16);
        g711::decode(line.codec, &sound.iter().map(coded).collect::<Vec<_>>()).unwrap()
    }

    /// A sentence, some units, a sentence, with the pauses that fetching makes.
    fn turn(clips: &[Clip], seed: u64) -> (Vec<String>, Vec<f32>) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut order = vec![random.usize(60..80)];
        order.extend((0..random.usize(3..12)).map(|_| random.usize(0..60)));
        order.push(random.usize(60..80));
        let mut sound = vec![0.0; random.usize(100..4000)];
        for n in &order {
            sound.extend(clips[*n].samples.iter().map(|s| s * 0.7));
            sound.extend(std::iter::repeat_n(0.0, [0, 0, 160, 777][random.usize(0..4)]));
        }
        sound.extend([0.0; 800]);
        (order.iter().map(usize::to_string).collect(), sound)
    }

    #[test]
    fn what_is_heard_over_any_line_is_what_was_said() {
        let clips = clips();
        let ear = Ear::new(clips.clone());
        let lines = [
            Line::default(),
            Line { codec: 8, ..Line::default() },
            Line { noise: Some(20.0), ..Line::default() },
            Line { noise: Some(30.0), loss: 3, ..Line::default() },
        ];
        for (line, seed) in lines.into_iter().zip(0..) {
            for seed in seed * 10..seed * 10 + 8 {
                let (said, sound) = turn(&clips, seed);
                assert_eq!(ear.names(&heard_over(line, &sound, seed)), said, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_clip_that_is_cut_off_is_no_whole_one() {
        let clips = clips();
        let ear = Ear::new(clips.clone());
        for (cut, expected) in [(0.2, "70…"), (0.9, "70…"), (1.0, "70")] {
            let long = &clips[70].samples;
            let mut sound = long[..(long.len() as f32 * cut) as usize].to_vec();
            sound.extend([0.0; 400]);
            sound.extend(&clips[5].samples);
            let heard = ear.hears(&heard_over(Line::default(), &sound, 1));
            let names = ear.names(&heard_over(Line::default(), &sound, 1));
            assert_eq!(names, [expected, "5"]);
            let end = long.len() as f32 * cut;
            assert!((heard[0].end as f32 - end).abs() <= 800.0, "{heard:?}, cut at {end}");
        }
    }

    #[test]
    fn what_is_no_clip_is_not_heard() {
        let ear = Ear::new(clips());
        let stranger = clip(1000, 30000);
        assert_eq!(ear.names(&heard_over(Line::default(), &stranger.samples, 1)), [""; 0]);
        assert_eq!(ear.names(&heard_over(Line { noise: Some(0.0), ..Line::default() }, &vec![0.01; 9000], 1)), [""; 0]);
        assert_eq!(ear.names(&vec![0; 9000]), [""; 0]);
        assert_eq!(ear.names(&[]), [""; 0]);
    }
}
