//! Sound files, measured: whether telephones can play them, and how loud they are.

use std::fmt;
use std::io::Cursor;

use hound::{SampleFormat, WavReader};

/// Samples a second.
pub const RATE: u32 = 8000;

/// What was measured of a file that telephones can play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How long it is, in milliseconds, to the nearest.
    pub ms: u32,
    /// The highest sample, where 1 is the highest there is.
    pub peak: f64,
    /// The level where there is speech, in dB below full scale; nothing where there is none.
    pub level: Option<f64>,
    /// Whether the sound was cut off at full scale.
    pub clipped: bool,
}

/// Why a file cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplayable {
    /// No WAV, or a broken one.
    #[error("is no WAV file: {0}")]
    NoWav(String),
    /// Another format than telephones play.
    #[error("is {rate} Hz, {channels} channels, {bits} bits{}", if *.float { ", floating point" } else { "" })]
    Format {
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u16,
        /// Bits a sample.
        bits: u16,
        /// Whether samples are no integers.
        float: bool,
    },
}

/// So many samples in a row at full scale are no accident.
const CLIPPED_RUN: usize = 3;
/// Samples that are loud or a pause as one: 20 ms.
const FRAME: usize = 160;
/// Below it, −40 dB, a frame is a pause.
const ACTIVE: f64 = 0.01;

/// Measures the file that `bytes` are.
///
/// # Errors
/// It is no WAV file of 8 kHz, mono, 16 bits.
pub fn measure(bytes: &[u8]) -> Result<Measured, Unplayable> {
    let no_wav = |e: hound::Error| Unplayable::NoWav(e.to_string());
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(no_wav)?;
    let spec = reader.spec();
    let float = spec.sample_format == SampleFormat::Float;
    if (spec.sample_rate, spec.channels, spec.bits_per_sample, float) != (RATE, 1, 16, false) {
        let (rate, channels, bits) = (spec.sample_rate, spec.channels, spec.bits_per_sample);
        return Err(Unplayable::Format { rate, channels, bits, float });
    }
    let samples = reader.samples::<i16>().collect::<Result<Vec<_>, _>>().map_err(no_wav)?;
    let full = |sample: &i16| sample.unsigned_abs() >= i16::MAX.unsigned_abs();
    let peak = samples.iter().map(|sample| value(*sample).abs()).fold(0.0, f64::max);
    let ms = (u64::try_from(samples.len()).unwrap_or(u64::MAX) * 1000 + u64::from(RATE) / 2) / u64::from(RATE);
    Ok(Measured {
        ms: u32::try_from(ms).unwrap_or(u32::MAX),
        peak: peak.min(1.0),
        level: level(&samples),
        clipped: samples.chunk_by(|a, b| full(a) && full(b)).any(|run| run.len() >= CLIPPED_RUN && full(&run[0])),
    })
}

/// The level of the frames that are no pause, in dB; nothing where there are none.
fn level(samples: &[i16]) -> Option<f64> {
    let power = |frame: &[i16]| frame.iter().map(|sample| value(*sample).powi(2)).sum::<f64>();
    let frames = samples.chunks(FRAME).map(|frame| (power(frame), frame.iter().map(|_| 1.0).sum::<f64>()));
    let (power, length) = frames
        .filter(|(power, length)| power / length > ACTIVE * ACTIVE)
        .fold((0.0, 0.0), |all, frame| (all.0 + frame.0, all.1 + frame.1));
    (length > 0.0).then(|| 10.0 * (power / length).log10())
}

fn value(sample: i16) -> f64 {
    f64::from(sample) / f64::from(i16::MAX)
}

/// Silence as a file.
///
/// # Errors
/// Never: it is written to memory.
pub fn silence(ms: u32) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for _ in 0..u64::from(ms) * u64::from(RATE) / 1000 {
        writer.write_sample(0_i16)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}

/// What is wrong with the sound of a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flaw {
    /// Cut off at full scale.
    Clipped,
    /// Nothing is heard.
    Silent,
    /// Hard to hear, at this level.
    TooQuiet(f64),
    /// Silence in which something is heard.
    Noisy,
}

/// The quietest that speech may be, in dB below full scale: clips are made at −20, and of a short unit it is less.
pub const QUIETEST: f64 = -32.0;
/// Below it, nothing is heard on a telephone: −50 dB.
const INAUDIBLE: f64 = 0.003;

impl Measured {
    /// What is wrong with it, as speech or as silence.
    #[must_use]
    pub fn flaw(&self, is_silence: bool) -> Option<Flaw> {
        let audible = self.peak > INAUDIBLE;
        match (is_silence, self.level) {
            (true, _) => audible.then_some(Flaw::Noisy),
            (false, _) if self.clipped => Some(Flaw::Clipped),
            (false, Some(level)) if audible => (level < QUIETEST).then_some(Flaw::TooQuiet(level)),
            (false, None) if audible => Some(Flaw::TooQuiet(20.0 * self.peak.log10())),
            (false, _) => Some(Flaw::Silent),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clipped => f.write_str("is clipped: it was cut off at full scale"),
            Self::Silent => f.write_str("is silent"),
            Self::TooQuiet(level) => write!(f, "is too quiet: {level:.0} dB, and {QUIETEST:.0} is the least"),
            Self::Noisy => f.write_str("should be silence, and is not"),
        }
    }
}

#[cfg(test)]
mod tests;
