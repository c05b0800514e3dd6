//! Sound and keys of one call: a frame each 20 ms (RFC 3550), keys as events (RFC 4733), and what came back, in its time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtp_types::{RtpPacket, RtpPacketBuilder};

use super::g711;
use super::message::Media;

/// Samples in a second.
pub const RATE: u32 = 8000;
/// Samples in a packet of 20 ms.
pub const FRAME: usize = 160;
/// How much later a packet may claim to be than it is, before it is taken to count from elsewhere.
const AHEAD: usize = RATE as usize / 2;
/// How much earlier one that begins after a pause may claim to be.
const BEHIND: usize = RATE as usize / 20;

/// How keys are pressed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub tone: Duration,
    pub gap: Duration,
}

impl Pace {
    /// A practised finger.
    pub const FINGER: Self = Self { tone: Duration::from_millis(120), gap: Duration::from_millis(120) };
    /// A telephone's memory: as fast as keys can be told apart.
    pub const MACHINE: Self = Self { tone: Duration::from_millis(80), gap: Duration::from_millis(60) };
}

enum Finger {
    Free,
    Down { event: u8, tone: Duration, gap: Duration, at: u32, since: Instant },
    Up { until: Instant },
}

/// What this end sends.
pub struct Mouth {
    begun: Instant,
    ssrc: u32,
    sequence: u16,
    /// The first sample not sent yet.
    next: u32,
    /// Said over and over; silence when empty.
    voice: Arc<[i16]>,
    said: usize,
    queue: VecDeque<(u8, Pace)>,
    finger: Finger,
    first: bool,
}

impl Mouth {
    pub fn new(begun: Instant, voice: Arc<[i16]>) -> Self {
        let ssrc = fastrand::u32(..);
        let (sequence, queue) = (fastrand::u16(..), VecDeque::new());
        Self { begun, ssrc, sequence, next: 0, voice, said: 0, queue, finger: Finger::Free, first: true }
    }

    pub fn press(&mut self, keys: &str, pace: Pace) {
        self.queue.extend(keys.chars().map(|key| (event_of(key), pace)));
    }

    /// Whether all keys are pressed, and the last has been let go of for its gap.
    pub fn is_free(&self) -> bool {
        self.queue.is_empty() && matches!(self.finger, Finger::Free)
    }

    /// The packets that are due, and whether with them a key is let go of. A machine that was busy has sent nothing meanwhile:
    /// that is a loss of packets, as lines have it, and never a burst, in which a tone would be shorter than it says.
    pub fn due(&mut self, now: Instant, media: &Media) -> (Vec<Vec<u8>>, bool) {
        let at = samples(now - self.begun);
        let at = at - at % FRAME as u32;
        if at < self.next {
            return (Vec::new(), false);
        }
        self.said += (at - self.next) as usize;
        self.next = at + FRAME as u32;
        if matches!(self.finger, Finger::Up { until } if now >= until) {
            self.finger = Finger::Free;
        }
        if matches!(self.finger, Finger::Free)
            && let Some((event, pace)) = self.queue.pop_front()
        {
            self.finger = Finger::Down { event, tone: pace.tone, gap: pace.gap, at, since: now };
            return (vec![self.key(media, event, at, FRAME as u32, true, false)], false);
        }
        let Finger::Down { event, tone, gap, at: began, since } = self.finger else {
            self.said += FRAME;
            return (vec![self.sound(media, at)], false);
        };
        let lasted = at - began;
        if now - since < tone {
            return (vec![self.key(media, event, began, lasted, false, false)], false);
        }
        self.finger = Finger::Up { until: now + gap };
        // The end is told three times, for lines that lose packets.
        let ends = (0..3).map(|_| self.key(media, event, began, lasted, false, true)).collect();
        (ends, true)
    }

    fn sound(&mut self, media: &Media, at: u32) -> Vec<u8> {
        let voice = &self.voice;
        let sample = |i: usize| if voice.is_empty() { 0 } else { voice[(self.said - FRAME + i) % voice.len()] };
        let payload: Vec<u8> = (0..FRAME).map(|i| g711::encode(media.codec, sample(i))).collect();
        let marker = std::mem::take(&mut self.first);
        self.packet(media.codec, at, marker, &payload)
    }

    fn key(&mut self, media: &Media, event: u8, at: u32, lasted: u32, first: bool, end: bool) -> Vec<u8> {
        let [high, low] = u16::try_from(lasted).unwrap_or(u16::MAX).to_be_bytes();
        // Loudness −10 dBm0.
        let payload = [event, if end { 0x8a } else { 0x0a }, high, low];
        self.packet(media.keys, at, first, &payload)
    }

    fn packet(&mut self, kind: u8, at: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let packet = RtpPacketBuilder::new().ssrc(self.ssrc).sequence_number(self.sequence).timestamp(at);
        packet.payload_type(kind).marker_bit(marker).payload(payload).write_vec().unwrap()
    }
}

/// RFC 4733, table 3.
fn event_of(key: char) -> u8 {
    match key {
        '*' => 10,
        '#' => 11,
        digit => u8::try_from(digit.to_digit(10).expect("a key of a telephone")).unwrap(),
    }
}

/// What this end hears, from the moment the call was answered: silence where nothing came.
pub struct Hearing {
    begun: Instant,
    samples: Vec<i16>,
    /// Of the stream that is heard: whose it is, and where one of its timestamps belongs.
    stream: Option<(u32, u32, usize)>,
    /// When sound came last.
    last: Option<Instant>,
}

impl Hearing {
    pub fn new(begun: Instant) -> Self {
        Self { begun, samples: Vec::new(), stream: None, last: None }
    }

    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// For how long no sound has come.
    pub fn quiet_for(&self, now: Instant) -> Duration {
        now - self.last.unwrap_or(self.begun)
    }

    pub fn hear(&mut self, now: Instant, datagram: &[u8]) {
        let Ok(packet) = RtpPacket::parse(datagram) else { return };
        let Some(sound) = g711::decode(packet.payload_type(), packet.payload()) else { return };
        self.last = Some(now);
        let at = self.place(now, &packet);
        let end = at + sound.len();
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        self.samples[at..end].copy_from_slice(&sound);
    }

    /// Where a packet belongs: by its timestamp, as far as that counts on from one before.
    fn place(&mut self, now: Instant, packet: &RtpPacket<'_>) -> usize {
        let arrived = samples(now - self.begun) as usize;
        if let Some((ssrc, timestamp, at)) = self.stream
            && ssrc == packet.ssrc()
        {
            let on = packet.timestamp().wrapping_sub(timestamp).cast_signed();
            if let Some(place) = at.checked_add_signed(on as isize)
                && place <= arrived + AHEAD
                && (!packet.marker_bit() || place + BEHIND >= arrived)
            {
                return place;
            }
        }
        let place = arrived.max(self.samples.len());
        self.stream = Some((packet.ssrc(), packet.timestamp(), place));
        place
    }
}

/// How many samples are taken in so long.
fn samples(time: Duration) -> u32 {
    u32::try_from(time.as_micros() * u128::from(RATE) / 1_000_000).expect("no call takes so long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media() -> Media {
        Media { address: "127.0.0.1:4000".parse().unwrap(), codec: 0, keys: 101 }
    }

    /// All that `mouth` sends in `time`: payload types, timestamps, and what is in the events.
    fn sent(mouth: &mut Mouth, from: Instant, time: Duration) -> Vec<(u8, u32, Vec<u8>)> {
        let ticks = u32::try_from(time.as_millis() / 5).unwrap();
        (0..ticks)
            .flat_map(|tick| mouth.due(from + Duration::from_millis(5) * tick, &media()).0)
            .map(|packet| {
                let packet = RtpPacket::parse(&packet).unwrap();
                let payload = if packet.payload_type() == 101 { packet.payload().to_vec() } else { Vec::new() };
                (packet.payload_type(), packet.timestamp(), payload)
            })
            .collect()
    }

    #[test]
    fn a_key_is_one_event_with_three_ends() {
        let begun = Instant::now();
        let mut mouth = Mouth::new(begun, [].into());
        mouth.press("*", Pace { tone: Duration::from_millis(60), gap: Duration::from_millis(40) });
        let event = |lasted: u8, end: u8| (101, 0, vec![10, end, 0, lasted]);
        assert_eq!(
            sent(&mut mouth, begun, Duration::from_millis(140)),
            [
                event(160, 0x0a),
                event(160, 0x0a),
                (101, 0, vec![10, 0x0a, 1, 64]),
                (101, 0, vec![10, 0x8a, 1, 224]),
                (101, 0, vec![10, 0x8a, 1, 224]),
                (101, 0, vec![10, 0x8a, 1, 224]),
                (0, 640, vec![]),
                (0, 800, vec![]),
                (0, 960, vec![]),
            ]
        );
        assert!(mouth.is_free());
    }

    #[test]
    fn a_busy_machine_loses_packets_and_no_time() {
        let begun = Instant::now();
        let mut mouth = Mouth::new(begun, [].into());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let timestamps = |packets: Vec<Vec<u8>>| -> Vec<u32> {
            packets.iter().map(|packet| RtpPacket::parse(packet).unwrap().timestamp()).collect()
        };
        assert_eq!(timestamps(mouth.due(at(0), &media()).0), [0]);
        assert_eq!(timestamps(mouth.due(at(107), &media()).0), [800]);
        assert_eq!(timestamps(mouth.due(at(119), &media()).0), [0_u32; 0]);
        assert_eq!(timestamps(mouth.due(at(121), &media()).0), [960]);
    }

    fn packet(ssrc: u32, timestamp: u32, marker: bool) -> Vec<u8> {
        // μ-law 0x00 is the loudest there is.
        let packet = RtpPacketBuilder::new().ssrc(ssrc).timestamp(timestamp).marker_bit(marker);
        packet.payload_type(0).payload(&[0_u8; FRAME][..]).write_vec().unwrap()
    }

    /// Where there is sound, in packets.
    fn frames(hearing: &Hearing) -> Vec<usize> {
        let loud = |(i, frame): (usize, &[i16])| frame.iter().all(|s| *s != 0).then_some(i);
        hearing.samples().chunks(FRAME).enumerate().filter_map(loud).collect()
    }

    #[test]
    fn sound_is_where_it_was_sent_however_late_it_came() {
        let begun = Instant::now();
        let mut hearing = Hearing::new(begun);
        let at = |ms: u64| begun + Duration::from_millis(ms);
        for (ms, timestamp) in [(40, 9000), (90, 9160), (91, 9480), (700, 9320)] {
            hearing.hear(at(ms), &packet(1, timestamp, false));
        }
        assert_eq!(frames(&hearing), [2, 3, 4, 5]);
        // Another stream counts from elsewhere, and one that is marked may.
        hearing.hear(at(1000), &packet(2, 5, true));
        hearing.hear(at(2000), &packet(2, 325, true));
        assert_eq!(frames(&hearing), [2, 3, 4, 5, 50, 100]);
        assert_eq!(hearing.quiet_for(at(2500)), Duration::from_millis(500));
    }
}
