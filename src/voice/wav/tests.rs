use hound::WavSpec;

use super::*;

/// A file of these samples.
fn wav(spec: WavSpec, samples: &[i16]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

const TELEPHONE: WavSpec =
    WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };

#[test]
fn levels_and_lengths() {
    // A square wave at a tenth of full scale is at −20 dB.
    let square: Vec<_> = (0..4004).map(|n| if n / 8 % 2 == 0 { 3277 } else { -3277 }).collect();
    let measured = measure(&wav(TELEPHONE, &square)).unwrap();
    assert_eq!(measured.ms, 501, "500.5 ms, to the nearest");
    assert!((measured.peak - 0.1).abs() < 0.001 && (measured.level.unwrap() + 20.0).abs() < 0.01, "{measured:?}");
    assert_eq!((measured.clipped, measured.flaw(false)), (false, None));
    assert_eq!(measured.flaw(true), Some(Flaw::Noisy));
    let with_pause: Vec<_> = square[..4000].iter().copied().chain([0; 8000]).collect();
    let level = measure(&wav(TELEPHONE, &with_pause)).unwrap().level.unwrap();
    assert!((level + 20.0).abs() < 0.01, "a pause is no speech: {level}");
    // One sample in four, and every frame alike: a quarter of the power, whichever samples are loud.
    let clicks: Vec<_> = [3277, 0, 0, 0].repeat(1000);
    let level = measure(&wav(TELEPHONE, &clicks)).unwrap().level.unwrap();
    assert!((level + 26.02).abs() < 0.01, "what is quiet between loud samples counts: {level}");
}

#[test]
fn flaws() {
    let flaw = |samples: &[i16]| measure(&wav(TELEPHONE, samples)).unwrap().flaw(false).map(|flaw| flaw.to_string());
    assert_eq!(flaw(&[0; 800]).as_deref(), Some("is silent"));
    assert_eq!(flaw(&[]).as_deref(), Some("is silent"));
    assert_eq!(flaw(&[20, -20].repeat(400)).as_deref(), Some("is silent"));
    assert_eq!(flaw(&[200, -200].repeat(400)).as_deref(), Some("is too quiet: -44 dB, and -32 is the least"));
    assert_eq!(flaw(&[400, -400].repeat(400)).as_deref(), Some("is too quiet: -38 dB, and -32 is the least"));
    assert_eq!(flaw(&[1000, -1000].repeat(400)), None);
    assert_eq!(flaw(&[20000, 32767, 32767, -20000].repeat(100)), None, "two samples may be at full scale");
    let cut_off = Some("is clipped: it was cut off at full scale");
    assert_eq!(flaw(&[20000, 32767, 32767, 32767, -20000].repeat(100)).as_deref(), cut_off);
    assert_eq!(flaw(&[20000, -32768, -32768, -32767, 0].repeat(100)).as_deref(), cut_off);
}

#[test]
fn what_telephones_cannot_play() {
    for (spec, told) in [
        (WavSpec { sample_rate: 16000, ..TELEPHONE }, "is 16000 Hz, 1 channels, 16 bits"),
        (WavSpec { channels: 2, ..TELEPHONE }, "is 8000 Hz, 2 channels, 16 bits"),
        (WavSpec { bits_per_sample: 24, ..TELEPHONE }, "is 8000 Hz, 1 channels, 24 bits"),
    ] {
        assert_eq!(measure(&wav(spec, &[0, 0])).unwrap_err().to_string(), told);
    }
    let float = WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..TELEPHONE };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, float).unwrap();
    writer.write_sample(0.5_f32).unwrap();
    writer.finalize().unwrap();
    let told = measure(&file.into_inner()).unwrap_err().to_string();
    assert_eq!(told, "is 8000 Hz, 1 channels, 32 bits, floating point");
    for bytes in [&b"ID3\x03mp3"[..], b"", b"RIFF\0\0\0\0WAVE"] {
        assert!(matches!(measure(bytes), Err(Unplayable::NoWav(_))), "{bytes:?}");
    }
}

#[test]
fn silence_is_silent_and_as_long_as_asked() {
    let measured = measure(&silence(400).unwrap()).unwrap();
    assert_eq!((measured.ms, measured.peak, measured.flaw(true)), (400, 0.0, None));
    assert_eq!(silence(400).unwrap().len(), 44 + 6400);
}
