//! What a telephone line carries: ITU-T G.711, eight bits a sample.

/// The samples of a packet; nothing of what is no sound.
pub fn decode(codec: u8, payload: &[u8]) -> Option<Vec<i16>> {
    let sample = match codec {
        0 => from_ulaw,
        8 => from_alaw,
        _ => return None,
    };
    Some(payload.iter().copied().map(sample).collect())
}

pub fn encode(codec: u8, sample: i16) -> u8 {
    if codec == 8 { to_alaw(sample) } else { to_ulaw(sample) }
}

fn from_ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((i16::from(byte & 0x0f) << 3) + 0x84) << ((byte >> 4) & 7);
    if byte & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

fn to_ulaw(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32635) + 0x84;
    // Of the bits above the bias, the highest that is set.
    let segment = (magnitude >> 7).ilog2();
    let step = (magnitude >> (segment + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | u8::try_from(segment << 4).unwrap() | u8::try_from(step).unwrap())
}

fn from_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let step = i16::from(byte & 0x0f) << 4;
    let magnitude = match (byte >> 4) & 7 {
        0 => step + 8,
        segment => (step + 0x108) << (segment - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

fn to_alaw(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample }.unsigned_abs();
    let (segment, step) = match magnitude >> 8 {
        0 => (0, magnitude >> 4),
        high => (high.ilog2() + 1, magnitude >> (high.ilog2() + 4)),
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (sign | u8::try_from(segment << 4).unwrap() | u8::try_from(step & 0x0f).unwrap()) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From G.711's tables 1a and 2a.
    #[test]
    fn values_are_those_of_the_recommendation() {
        assert_eq!(decode(0, &[0xff, 0x7f, 0x80, 0x00, 0xf0]), Some(vec![0, 0, 32124, -32124, 120]));
        assert_eq!(decode(8, &[0xd5, 0x55, 0xaa, 0x2a, 0x80]), Some(vec![8, -8, 32256, -32256, 5504]));
        assert_eq!(decode(101, &[0xd5]), None);
    }

    #[test]
    fn what_is_decoded_is_encoded_as_it_was() {
        for codec in [0, 8] {
            for byte in 0..=255 {
                let sample = decode(codec, &[byte]).unwrap()[0];
                // μ-law has two zeros.
                let expected = if codec == 0 && byte == 0x7f { 0xff } else { byte };
                assert_eq!(encode(codec, sample), expected, "{codec} {byte}");
            }
        }
        assert_eq!((encode(0, i16::MIN), encode(0, i16::MAX)), (0x00, 0x80));
        assert_eq!((encode(8, i16::MIN), encode(8, i16::MAX)), (0x2a, 0xaa));
    }
}
