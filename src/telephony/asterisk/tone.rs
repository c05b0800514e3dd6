//! The tone that callers speak after, as a file: Asterisk has one only where its own sounds are installed.

use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;

use super::turns::Sound;

/// Where it is.
const PATH: &str = "/asterisk/tone.wav";
/// Samples a second.
const RATE: u32 = 8000;
/// A kilohertz, loud enough and not too loud.
const PERIOD: [i16; 8] = [0, 4000, 8000, 4000, 0, -4000, -8000, -4000];
/// 300 ms.
const PERIODS: usize = 300;

/// Serves it: it is nobody's secret, and need be fetched once a day.
pub fn router() -> Router {
    let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "public, max-age=86400")];
    Router::new().route(PATH, get(async move || (headers, wav())))
}

/// What plays it; addresses begin with `base`.
#[must_use]
pub fn sound(base: &str) -> Sound {
    Sound { url: format!("{base}{PATH}").into(), length: Duration::from_millis(300) }
}

/// 16 bit, mono, uncompressed.
fn wav() -> Vec<u8> {
    let samples: Vec<u8> = PERIOD.repeat(PERIODS).into_iter().flat_map(i16::to_le_bytes).collect();
    let size = u32::try_from(samples.len()).unwrap_or(0);
    let mut wav = Vec::with_capacity(samples.len() + 44);
    wav.extend(b"RIFF");
    wav.extend((size + 36).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    wav.extend([1, 0, 1, 0]);
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    // Bytes and bits of a sample.
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(size.to_le_bytes());
    wav.extend(samples);
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_file_as_asterisk_takes_it() {
        let wav = wav();
        assert_eq!(wav.len(), 44 + 4800);
        assert_eq!(&wav[..20], b"RIFF\xe4\x12\0\0WAVEfmt \x10\0\0\0");
        assert_eq!(&wav[20..44], b"\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xc0\x12\0\0");
        assert_eq!(&wav[44..50], b"\0\0\xa0\x0f\x40\x1f");
        assert_eq!(&*sound("http://h").url, "http://h/asterisk/tone.wav");
    }
}
